"""The design at 2x, 10x and 100x of its load: does it hold, what gives way, what it would take."""

from simulator.interview.blocks import Section
from simulator.interview.material import Growth, Material, metric
from simulator.interview.numbers import Figure
from simulator.interview.scaling import (
    TARGET_UTILIZATION,
    Need,
    running_usd_per_hour,
)
from simulator.studies.conditions import Measured
from simulator.studies.metric_units import RATIO, SHARE
from simulator.topology.paper import on_paper

HOURS_PER_MONTH = 730.0
FAR_APART = 1.5
"""Factor from which paper and run disagree about a utilization."""


def growth_section(material: Material) -> Section:
    """What multiples of the load do to the design, and to one with as many servers as needed."""
    section = Section("At 2x, 10x and 100x")
    section.say(
        "2x and 10x are simulated, on the design as it stands or with the counts of the row, as is "
        "said there. The rest is arithmetic: the load of a component (on paper, or as the run "
        "measured it if that is more) grows with the traffic, ρ = λS/c; one beyond 100% has a "
        f"backlog without end; the counts bring each to {TARGET_UTILIZATION:.0%} at most. Cost "
        "then: what keeping these counts costs, and the use that the run measured times the load."
    )
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


def _first(material: Material) -> str:
    """From which multiple on the first component has too much to do."""
    step = material.growth[0]
    name, share = _busiest(step, material)
    if not share:
        return "No component has a limit on paper."
    factor = step.factor / share
    rate = factor * material.topology.rate * material.topology.cells
    return (
        f"{name} is the first that gives way: it is full{_of_all(name, material)} at "
        f"{Figure(factor, RATIO).both} the load, {Figure(rate, 'requests/s').both}."
    )


def _of_all(name: str, material: Material) -> str:
    """That a utilization is of as many replicas as an autoscaler may add."""
    component = material.topology.components.get(name)
    scale = getattr(component, "autoscale", None)
    return f" with all {scale.max_replicas} replicas it may have" if scale is not None else ""


def _cells(material: Material) -> str:
    cells = material.topology.cells
    if cells == 1:
        return ""
    return f"Counts are of one of {cells:g} cells; more cells instead do as well."


def _rosy(material: Material) -> str:
    """A word of caution where the run has found another utilization than paper."""
    busiest = on_paper(material.topology).busiest
    if busiest is None or material.base.failure is not None or not busiest.utilization:
        return ""
    found = metric(material.base, f"components.{busiest.name}.utilization")
    if not found.value or found.value < FAR_APART * busiest.utilization:
        return ""
    paper = Figure(busiest.utilization, SHARE).aloud
    return (
        f"The run measures {busiest.name} at {found.aloud} today where paper has {paper}, so the "
        "counts here are larger than those of paper, and the headroom smaller."
    )


def _busiest(step: Growth, material: Material) -> tuple[str, float]:
    """The component with the highest load on paper, with all replicas it may have."""
    strains = {row.name: row.strain or 0.0 for row in step.paper.rows}
    name = max(strains, key=strains.__getitem__, default="")
    return name, strains.get(name, 0.0)


def _row(step: Growth, material: Material) -> tuple[str, ...]:
    rate = step.topology.rate * step.topology.cells
    name, share = _busiest(step, material)
    said = f"{name} at {Figure(share, SHARE).aloud}{_of_all(name, material)}"
    return (
        f"{step.factor:g}x: {Figure(rate, 'requests/s').exact}",
        _holds(step, share),
        said if share >= 1.0 else f"nothing ({said})" if share else "nothing",
        ", ".join(_said(need) for need in step.needs) or "nothing",
        _cost(step, material),
        _simulated(step),
    )


def _holds(step: Growth, share: float) -> str:
    if step.as_is and step.measured is not None and step.measured.failure is None:
        verdict = step.measured.document["verdict"]
        if verdict["status"] == "pass":
            return "yes (simulated)"
        if verdict["status"] == "unsure":
            return f"unsure (simulated): {verdict['sentence']}"
        return f"no (simulated): {verdict['sentence']}"
    if share >= 1.0:
        return "no (arithmetic)"
    return "yes (arithmetic)" if share <= TARGET_UTILIZATION else "barely (arithmetic)"


def _said(need: Need) -> str:
    before, after = (f"{value:.3g}" if value < 1000 else f"{value:.0f}"
                     for value in (need.before, need.after))  # fmt: skip
    return f"{need.component} {need.field} {before} → {after}"


def _cost(step: Growth, material: Material) -> str:
    """Running cost of the scaled design and measured use times the load, per month."""
    base, cells = material.base, material.topology.cells
    if base.failure is not None or step.scaled is None:
        return "–"
    measured = metric(base, "cost.per_hour").value
    if measured is None:
        return "–"
    kept = sum(part["cost"]["running_per_hour"] for part in base.document["components"].values())
    use = max(measured - kept * cells, 0.0) * step.factor
    hourly = running_usd_per_hour(step.scaled) * cells + use
    return Figure(hourly * HOURS_PER_MONTH, "USD/month").both


def _simulated(step: Growth) -> str:
    measured = step.measured
    if measured is None:
        return "– (arithmetic only)"
    how = "as it stands" if step.as_is else "so scaled"
    if measured.failure is not None:
        return f"{how}: cannot be run: {measured.failure}"
    return f"{how}: {_found(measured, not step.as_is)}"


def _found(measured: Measured, judged: bool) -> str:
    """p99 and availability of a run, and what it misses."""
    document = measured.document
    available = f"{metric(measured, 'availability').aloud} available"
    sentence = document["verdict"]["sentence"]
    if not document.get("stable", True):
        return f"no steady state: {sentence}"
    text = f"p99 {metric(measured, 'latency.p99').both}, {available}"
    return f"{text}; {sentence}" if judged and document["verdict"]["status"] != "pass" else text
