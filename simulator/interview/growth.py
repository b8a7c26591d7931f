"""The design at 2x, 10x and 100x of its load: what breaks first, and what it would take."""

import math
from collections.abc import Iterator

from simulator.interview.blocks import Section
from simulator.interview.material import Growth, Material, metric
from simulator.interview.numbers import Figure
from simulator.studies.metric_units import RATIO
from simulator.topology.paper import PaperRow

TARGET_UTILIZATION = 0.7
HOURS_PER_MONTH = 730.0
SCALES = ("replicas", "concurrency", "consumers", "connections", "shards", "workers")
"""Fields that give a component more room, in the order in which one would turn them."""


def growth_section(material: Material) -> Section:
    """What multiples of the load do to the design as it stands."""
    section = Section("At 2x, 10x and 100x")
    section.say(
        "Twice the load is simulated; beyond, paper tells enough: the load of each component "
        "grows with the traffic, and one beyond 100 % has a backlog without end. Costs hold what "
        "is paid by use, not the growth listed."
    )
    section.say(_first(material))
    section.table(
        ("load", "breaks first", "has to grow (to stay at 70 %)", "p99", "cost as it stands"),
        [_row(step, material) for step in material.growth],
    )
    return section


def _first(material: Material) -> str:
    """From which multiple on the first component has too much to do."""
    step = material.growth[0]
    busiest = step.paper.busiest
    if busiest is None or not busiest.utilization:
        return "No component has a limit on paper."
    factor = step.factor / busiest.utilization
    rate = factor * material.topology.rate * material.topology.cells
    return (
        f"{busiest.name} breaks first: on paper it is full at {Figure(factor, RATIO).both} the "
        f"load, {Figure(rate, 'requests/s').both}."
    )


def _row(step: Growth, material: Material) -> tuple[str, ...]:
    cells = material.topology.cells
    busiest = step.paper.busiest
    share = Figure(None if busiest is None else busiest.utilization, "share")
    cost = Figure(step.paper.cost_usd_per_hour * cells * HOURS_PER_MONTH, "USD/month")
    holds = (share.value or 0.0) < 1.0
    what = "nothing" if holds else f"{busiest.name if busiest else ''}"
    return (
        f"{step.factor:g}x: {Figure(step.rate * cells, 'requests/s').exact}",
        "–" if busiest is None else f"{what} ({busiest.name} at {share.aloud})"
        if holds else f"{what} at {share.aloud}",
        ", ".join(_needs(material, step)) or "nothing",
        _p99(step, holds),
        cost.beside,
    )  # fmt: skip


def _p99(step: Growth, holds: bool) -> str:
    if not holds:
        return "none as it stands: the backlog grows without end"
    if step.measured is None:
        return "not simulated"
    if step.measured.failure is not None:
        return "–"
    if step.measured.document and not step.measured.document.get("stable", True):
        return "none: not stable"
    return f"{metric(step.measured, 'latency.p99').both}, simulated"


def _needs(material: Material, step: Growth) -> Iterator[str]:
    """Components above 70 % on paper with what they would need."""
    for row in step.paper.rows:
        if row.utilization is None or row.utilization < TARGET_UTILIZATION:
            continue
        yield _need(row, material)


def _need(row: PaperRow, material: Material) -> str:
    component = material.topology.components[row.name]
    utilization = row.utilization or 0.0
    for field in SCALES:
        count = getattr(component, field, None)
        if isinstance(count, int) and not isinstance(count, bool) and count > 0:
            wanted = math.ceil(count * utilization / TARGET_UTILIZATION)
            return f"{row.name} {field} {count} → {wanted}"
    return f"{row.name} {Figure(utilization / TARGET_UTILIZATION, RATIO).aloud} as many"
