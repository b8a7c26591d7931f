"""Where a request goes and where its time goes: architecture, latency budget, bottleneck."""

import inspect
from collections.abc import Iterator, Set
from typing import Any

from simulator.interview.blocks import Drawing, Section
from simulator.interview.fullness import Full, strains
from simulator.interview.growth import full_first
from simulator.interview.material import Material, metric
from simulator.interview.numbers import Figure, plain_words
from simulator.kernel.component import Component
from simulator.studies.metric_units import RATIO, SHARE
from simulator.topology.diagram import CLIENT, arrows_of, mermaid
from simulator.topology.model import Topology
from simulator.topology.paper import on_paper

SHOWN_PARTS = 5
OUTSIDE = "(client)"
"""What the split of the latency calls the time that no component holds."""
AT = ("p50", "p99")
SEEN = 10.0
"""Calls expected on paper from which some are seen: none has a chance of e^-10."""
NOTABLY = 1.1
"""Factor from which two utilizations of one component are told apart."""


def flow_section(material: Material) -> Section:
    """The diagram, and the way of a request of the first class with its latency budget."""
    section = Section("Architecture and data flow")
    section.blocks.append(Drawing("mermaid", mermaid(material.topology)))
    tables = _tables(material)
    if not set(AT) <= tables.keys():
        return section
    order = _call_order(material.topology)
    met = {part["component"] for at in AT for part in tables[at]["parts"]}
    calls = _calls(material, met)
    way = [name for name in order if name in met | calls.keys()]
    section.say(
        f"The way of {_kind(material)} with its latency budget: what each component adds to a "
        "typical one (around p50) and to a slow one (around p99), in the order of the calls, which "
        "are counted in the run. Nothing (–) is added by what runs beside something slower, by "
        "what nobody waits for, and by what only passes the request on."
    )
    section.table(
        ("component", "does", "calls", "adds at p50", "adds at p99"),
        list(_budget(material.topology, way, calls, tables)),
    )
    off = [name for name in order if name not in way]
    if off:
        section.say("Not on this way:")
        section.table(
            ("component", "does"),
            [(name, _does(material.topology.components[name])) for name in off],
        )
    return section


def deep_dive_section(material: Material) -> Section:
    """What more load fills first, else the busiest, and what slow requests spend their time in."""
    section = Section("Deep dive: the bottleneck")
    base = material.base
    if base.failure is not None:
        return section
    busiest, full = base.document["verdict"]["bottleneck"], full_first(material)
    name = busiest if full is None else full.name
    if name is not None:
        words = ["utilization", "queue_length.mean", "wait.p99", "service.p50", "service.p99"]
        figures = {word: metric(base, f"components.{name}.{word}") for word in words}
        section.say(_bottleneck(name, busiest, full, material))
        section.table(
            ("measure", "value"),
            [
                (plain_words(word.replace(".", " ")), item.both)
                for word, item in figures.items()
                if item.value is not None
            ],
        )
    tables = _tables(material)
    if "p99" in tables:
        rows = tables["p99"]["parts"]
        total = sum(_seconds(part) for part in rows) or 1.0
        parts = sorted(rows, key=lambda part: -_seconds(part))[:SHOWN_PARTS]
        section.say(
            f"What moves p99 of {_kind(material)}: the components that slow ones spend their "
            "time in."
        )
        section.table(
            ("component", "of p99", "waiting", "own time"),
            [
                (
                    _named(part["component"]),
                    Figure(_seconds(part) / total, SHARE).aloud,
                    _worth_telling(part["wait_s"], total),
                    _worth_telling(part["own_s"], total),
                )
                for part in parts
            ],
        )
    return section


def _bottleneck(name: str, busiest: str | None, full: Full | None, material: Material) -> str:
    """Why a component is called the bottleneck, and which other one the run has busiest."""
    component = material.topology.components.get(name)
    does = (component.summary if component is not None else None) or ""
    used = {
        part: metric(material.base, f"components.{part}.utilization") for part in (name, busiest)
    }
    if full is None or name == busiest:
        said = f"{name} is busiest, at {used[name].both}. {does}".rstrip()
        return said + _on_paper(full, used[name])
    said = (
        f"{name} is what more load fills first, at {Figure(full.factor, RATIO).both} the load. "
        f"{does}".rstrip()
    )
    said += _on_paper(full, used[name])
    if busiest is None:
        return said
    later = _later(busiest, material)
    return f"{said} Busiest today is {busiest}, at {used[busiest].both}; {later}."


def _on_paper(full: Full | None, used: Figure) -> str:
    """What the headroom is reckoned from, where the run has found the part less busy."""
    if full is None or not used.value or 1.0 / full.factor < NOTABLY * used.value:
        return ""
    share = Figure(1.0 / full.factor, SHARE).aloud
    return f" The headroom follows from the arithmetic, which has it at {share} today."


def _later(busiest: str, material: Material) -> str:
    """When what is busiest today is full, and why that is not in proportion."""
    step, component = material.growth[0], material.topology.components.get(busiest)
    strain = strains(material.topology, step.paper).get(busiest)
    when = f" at {Figure(step.factor / strain, RATIO).aloud}" if strain else " later"
    if getattr(component, "batching", "single") != "single":
        return f"its batches grow with the load, so it is full only{when}"
    if getattr(component, "autoscale", None) is not None:
        return f"its scaler adds replicas, so it is full only{when}"
    return f"it is full only{when}"


def _worth_telling(seconds: float, total: float) -> str:
    """A time; less than a millionth of all is what adding up floats leaves."""
    return Figure(seconds if seconds > 1e-6 * total else 0.0, "s").exact


def _tables(material: Material) -> dict[str, dict[str, Any]]:
    return {row["at"]: row for row in material.base.document.get("breakdown", [])}


def _kind(material: Material) -> str:
    """What a request of the split is called: by its class, if there are several."""
    names = list(material.topology.requests)
    word = f"{plain_words(names[0])} request" if len(names) > 1 else "request"
    return f"an {word}" if word.startswith(("a", "e", "i", "o")) else f"a {word}"


def _budget(
    topology: Topology,
    way: list[str],
    calls: dict[str, float],
    tables: dict[str, dict[str, Any]],
) -> Iterator[tuple[str, ...]]:
    """Components in the order in which a request reaches them, and their sum."""
    added = {at: {part["component"]: _seconds(part) for part in tables[at]["parts"]} for at in AT}
    for name in way:
        times = [_or_nothing(added[at].get(name, 0.0)) for at in AT]
        count = Figure(calls[name], "/request").aloud if calls.get(name) else "now and then"
        yield (name, _does(topology.components[name]), count, *times)
    if any(added[at].get(OUTSIDE) for at in AT):
        does = "The network to the client and pauses of the client."
        yield (_named(OUTSIDE), does, "–", *(_or_nothing(added[at].get(OUTSIDE, 0.0)) for at in AT))
    sums = [Figure(sum(added[at].values()), "s").exact for at in AT]
    yield ("sum", "The latency of these requests.", "–", *sums)


def _or_nothing(seconds: float) -> str:
    return Figure(seconds, "s").exact if seconds else "–"


def _named(component: str) -> str:
    return "outside" if component == OUTSIDE else component


def _does(component: Component) -> str:
    """The component's summary, or what its kind does."""
    if component.summary:
        return component.summary
    text = inspect.getdoc(type(component)) or component.kind
    return text.partition("\n\n")[0].replace("\n", " ")


def _calls(material: Material, met: Set[str]) -> dict[str, float]:
    """Calls of each component for a request of the first class, as the run counted them.

    Paper stands in for what the run cannot show, if something on the way calls it: components
    that record no visits, and those called so seldom that none need be seen (0: now and then).
    For the rest it is no count, since it knows the branches of all classes together.
    """
    topology, counted = material.topology, material.base.document["calls"]
    each, traced = counted["each"], counted["requests"]
    name, spec = next(iter(topology.requests.items()))
    alone = topology.model_copy(
        update={"requests": {name: spec.model_copy(update={"rate": topology.rate})}}
    )
    rates = {row.name: row.rate / topology.rate for row in on_paper(alone).rows}
    calls = {name: count for name, count in each.items() if count}
    on_the_way = met | calls.keys()
    for arrow in arrows_of(topology):
        rate = rates.get(arrow.target, 0.0)
        if arrow.target in calls or arrow.source not in on_the_way or not rate:
            continue
        if arrow.target not in each:
            calls[arrow.target] = rate
        elif rate * traced < SEEN:
            calls[arrow.target] = 0.0
    return calls


def _call_order(topology: Topology) -> list[str]:
    """Depth first from the entries, calls in the order of the document."""
    calls: dict[str, list[str]] = {}
    for arrow in arrows_of(topology):
        calls.setdefault(arrow.source, []).append(arrow.target)
    found: dict[str, None] = {}
    pending = [CLIENT]
    while pending:
        name = pending.pop()
        if name in found:
            continue
        found[name] = None
        pending += reversed(calls.get(name, []))
    return [name for name in found if name in topology.components]


def _seconds(part: dict[str, Any]) -> float:
    return float(part["wait_s"]) + float(part["own_s"])
