"""The design at 2x, 10x and 100x of its load: does it hold, what gives way, what it would take."""

from simulator.interview.blocks import Section
from simulator.interview.fullness import (
    Full,
    first_full,
    full_without_scalers,
    heat,
    second_way,
    strains,
)
from simulator.interview.material import Growth, Material, metric
from simulator.interview.numbers import Figure, plain_words
from simulator.interview.scaling import (
    TARGET_UTILIZATION,
    Need,
    running_usd_per_hour,
)
from simulator.interview.trade_offs import latency_of
from simulator.studies.conditions import Measured
from simulator.studies.metric_units import RATIO, SHARE
from simulator.studies.readings import refused_share
from simulator.topology.paper import on_paper
from simulator.topology.reading import find_workload

HOURS_PER_MONTH = 730.0
FAR_APART = 1.5
"""Factor from which paper and run disagree about a utilization."""


def growth_section(material: Material) -> Section:
    """What multiples of the load do to the design, and to one with as many servers as needed."""
    section = Section("At 2x, 10x and 100x")
    if not material.growth:
        section.say(_of_its_own(material))
        return section
    section.say(
        "2x and 10x are simulated, on the design as it stands or with the counts of the row, as is "
        "said there. The rest is arithmetic: the load of a component (on paper, or as the run "
        "measured it if that is more) grows with the traffic, ρ = λS/c; one beyond 100% has a "
        f"backlog without end; the counts bring each to {TARGET_UTILIZATION:.0%} at most. Cost "
        "then: what keeping these counts costs, and the use that the run measured times the load."
    )
    if any(need.scaled_to for step in material.growth for need in step.needs):
        section.say("What scalers add by themselves is there when a simulated run begins.")
    section.say(" ".join(filter(None, (_first(material), _cells(material), _rosy(material)))))
    section.table(
        (
            "load",
            "holds as it stands",
            "first to give way",
            "to hold (arithmetic)",
            "cost then",
            "simulated",
        ),
        [_row(step, material) for step in material.growth],
    )
    return section


def full_first(material: Material) -> Full | None:
    """The component that growth fills first, as the arithmetic of this section has it."""
    if not material.growth:
        return None
    step = material.growth[0]
    return first_full(material.topology, step.paper, step.factor)


def _of_its_own(material: Material) -> str:
    """That no multiple of a rate can be offered, and how to ask for more all the same."""
    arrivals = find_workload(material.topology.run.workload or "steady").arrivals
    field = "users=20,40,200" if arrivals.closed else "speed=2,10"
    return (
        f"The load is that of the workload, {arrivals.describe()}, so there is no rate to "
        f"multiply; more of it is `simulate sweep {material.topology.name} "
        f"--over run.workload.{field}`."
    )


def _first(material: Material) -> str:
    """From which multiple on the first component has too much to do."""
    full = full_first(material)
    if full is None:
        return "No component has a limit on paper."
    rate = full.factor * material.topology.rate * material.topology.cells
    first = (
        f"{full.name} is the first that gives way: it is full{_of_all(full.name, material)} at "
        f"{Figure(full.factor, RATIO).both} the load, {Figure(rate, 'requests/s').both}."
    )
    return f"{first}{_instead(full, material)}{_without_scaler(full, material)}"


def _instead(full: Full, material: Material) -> str:
    """Who takes what a full component turns away, and for how long."""
    step = material.growth[0]
    way = second_way(material.topology, full.name, step.paper, step.factor)
    if way is None:
        return ""
    if not way.targets:
        return " Its callers then have another way, so answers degrade before they fail."
    then = f" What it does not take goes on to {', '.join(way.targets)}: answers degrade"
    if way.factor is None:
        return f"{then} before they fail."
    return f"{then}, and fail once all of these are full, at {Figure(way.factor, RATIO).aloud}."


def _without_scaler(full: Full, material: Material) -> str:
    """What would be full earlier if no replica were added: the capacity on paper."""
    step = material.growth[0]
    earlier = full_without_scalers(material.topology, step.paper, step.factor)
    if earlier is None or earlier.factor >= full.factor:
        return ""
    replicas = getattr(material.topology.components[earlier.name], "replicas", 0)
    its = "replica" if replicas == 1 else f"{replicas} replicas"
    at = Figure(earlier.factor, RATIO).aloud
    return f" Without a scaler, the {its} of {earlier.name} would be full at {at}."


def _of_all(name: str, material: Material) -> str:
    """That a utilization is of as many replicas as a scaler may add, or of the hottest shard."""
    topology = material.topology
    scaling = topology.components[name].scaling
    if scaling is not None:
        return f" with all {scaling.max_replicas} replicas it may have"
    if heat(topology, name) > 1.0:
        key = plain_words(str(getattr(topology.components[name], "shard_key", "")))
        return f" on the shard of the largest {key}"
    return ""


def _cells(material: Material) -> str:
    cells = material.topology.cells
    if cells == 1:
        return ""
    return f"Counts are of one of {cells:g} cells; more cells instead do as well."


def _rosy(material: Material) -> str:
    """A word of caution where the run has found another utilization than paper."""
    full = full_first(material)
    paper = on_paper(material.topology).utilizations()
    if full is None or material.base.failure is not None or not paper[full.name]:
        return ""
    found = metric(material.base, f"components.{full.name}.utilization")
    if not found.value or found.value < FAR_APART * paper[full.name]:
        return ""
    if full.utilization < FAR_APART * material.growth[0].factor * paper[full.name]:
        return ""
    return (
        f"The run measures {full.name} at {found.aloud} today where paper has "
        f"{Figure(paper[full.name], SHARE).aloud}, so the counts here are larger than those of "
        "paper, and the headroom smaller."
    )


def _row(step: Growth, material: Material) -> tuple[str, ...]:
    rate = step.topology.rate * step.topology.cells
    full = first_full(material.topology, step.paper, step.factor)
    busiest = "nothing"
    if full is not None:
        said = f"{full.name} at {Figure(full.utilization, SHARE).aloud}"
        said += _of_all(full.name, material)
        busiest = said if full.utilization >= 1.0 else f"nothing ({said})"
    return (
        f"{step.factor:g}x: {Figure(rate, 'requests/s').exact}",
        _holds(step, material),
        busiest,
        _to_hold(step, missed_today=_misses(material.base)),
        _cost(step, material),
        _simulated(step, material),
    )


def _holds(step: Growth, material: Material) -> str:
    if step.as_is and step.measured is not None and step.measured.failure is None:
        document = step.measured.document
        status, sentence = document["verdict"]["status"], document["verdict"]["sentence"]
        if document.get("sheds"):
            sentence = f"steady, refuses {Figure(refused_share(document), SHARE).aloud}: {sentence}"
        holds = {"pass": "yes", "unsure": "unsure"}.get(status, "no")
        return f"{holds} (simulated){'' if status == 'pass' else f': {sentence}'}"
    found = strains(material.topology, step.paper)
    full = [name for name, share in found.items() if share >= 1.0]
    if not full:
        holds = "yes" if max(found.values(), default=0.0) <= TARGET_UTILIZATION else "barely"
        return f"{holds} (arithmetic)"
    ways = [second_way(material.topology, name, step.paper, step.factor) for name in full]
    degrades = all(way and (way.factor is None or way.factor > step.factor) for way in ways)
    return f"no (arithmetic){': answers degrade' if degrades else ''}"


def _to_hold(step: Growth, *, missed_today: bool = False) -> str:
    """What somebody has to change, and what scalers do by themselves.

    Counts are no remedy for an objective that today's load misses as well.
    """
    by_hand = ", ".join(_said(need) for need in step.needs if not need.scaled_to)
    by_scalers = ", ".join(
        f"{need.component} from {need.before:g} to {need.after:g} of {need.scaled_to} replicas"
        for need in step.needs
        if need.scaled_to
    )
    if step.as_is and step.measured is not None:
        target = f"{TARGET_UTILIZATION:.0%} at most"
        wanted = f"; for {target}: {by_hand}" if by_hand else ""
        if _passes(step.measured) and by_hand:
            by_hand = f"nothing{wanted}"
        elif _misses(step.measured) and missed_today:
            by_hand = f"no count, as today's load misses it as well{wanted}"
        elif _misses(step.measured) and not by_hand:
            by_hand = f"more of what requests wait for, though all are at {target}"
    itself = by_scalers and f"; by itself, the scaler takes {by_scalers}"
    return f"{by_hand or 'nothing'}{itself}"


def _passes(measured: Measured) -> bool:
    return measured.failure is None and measured.document["verdict"]["status"] == "pass"


def _misses(measured: Measured) -> bool:
    """Whether an objective is missed although there is a steady state."""
    return measured.failure is None and measured.document["verdict"]["status"] == "fail"


def _said(need: Need) -> str:
    if need.key:
        return (
            f"{need.component}: more shards do not help, as the largest {plain_words(need.key)} "
            f"alone takes {Figure(need.alone, SHARE).aloud} of one"
        )
    if need.field == "limits":
        return f"limits of {need.component} {need.after / need.before:.2g} times as high"
    if need.counts:
        grown = [f"{what} {before} → {after}" for what, before, after in need.counts]
        return f"{need.component} {', '.join(grown)}"
    before, after = (f"{value:.3g}" if value < 1000 else f"{value:.0f}"
                     for value in (need.before, need.after))  # fmt: skip
    return f"{need.component} {need.field} {before} → {after}"


def _cost(step: Growth, material: Material) -> str:
    """Running cost of the scaled design and measured use times the load, per month."""
    base, cells = material.base, material.topology.cells
    if base.failure is not None or step.scaled is None or any(need.key for need in step.needs):
        return "–"
    measured = metric(base, "cost.per_hour").value
    if measured is None:
        return "–"
    kept = sum(part["cost"]["running_per_hour"] for part in base.document["components"].values())
    use = max(measured - kept * cells, 0.0) * step.factor
    hourly = running_usd_per_hour(step.scaled) * cells + use
    return Figure(hourly * HOURS_PER_MONTH, "USD/month").both


def _simulated(step: Growth, material: Material) -> str:
    measured = step.measured
    if measured is None:
        return "– (arithmetic only)"
    how = "as it stands" if step.as_is else "so scaled"
    if step.as_is and any(need.scaled_to for need in step.needs):
        how += " and scales by itself"
    if measured.failure is not None:
        return f"{how}: cannot be run: {measured.failure}"
    return f"{how}: {_found(measured, not step.as_is, material)}"


def _found(measured: Measured, judged: bool, material: Material) -> str:
    """p99 and availability of a run, and what it misses."""
    document = measured.document
    available = f"{metric(measured, 'availability').aloud} available"
    sentence = document["verdict"]["sentence"]
    if not document.get("stable", True) and not document.get("sheds"):
        return f"no steady state: {sentence}"
    word, name = latency_of(material.topology)
    text = f"{name} {metric(measured, word).both}, {available}"
    return f"{text}; {sentence}" if judged and document["verdict"]["status"] != "pass" else text
