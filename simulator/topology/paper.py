"""The design on paper: utilizations, latency floor and cost without a simulation."""

from dataclasses import dataclass

from simulator.kernel.component import Component, Means, Paper
from simulator.topology.model import Topology

CALL_DEPTH_MAX = 64


@dataclass(frozen=True)
class PaperRow:
    """One component: visits per second, servers, utilization, mean times, cost per hour."""

    name: str
    kind: str
    rate: float
    servers: float | None
    service_s: float
    delay_s: float
    utilization: float | None
    cost_usd_per_hour: float
    notes: tuple[str, ...]
    impossible: str = ""
    impossible_at: str = ""


@dataclass(frozen=True)
class PaperPlan:
    """The whole design: rows, busiest first."""

    rows: tuple[PaperRow, ...]
    rate: float

    @property
    def busiest(self) -> PaperRow | None:
        """The component with the highest utilization; None if none has servers."""
        loaded = [row for row in self.rows if row.utilization is not None]
        return max(loaded, key=lambda row: row.utilization or 0.0, default=None)

    @property
    def capacity_rps(self) -> float | None:
        """Offered rate at which the busiest component reaches utilization 1."""
        busiest = self.busiest
        if busiest is None or not busiest.utilization:
            return None
        return self.rate / busiest.utilization

    @property
    def cost_usd_per_hour(self) -> float:
        """Running and usage cost of everything."""
        return sum(row.cost_usd_per_hour for row in self.rows)

    def utilizations(self) -> dict[str, float]:
        """Utilization by component, for those that have servers."""
        return {row.name: row.utilization for row in self.rows if row.utilization is not None}


def on_paper(topology: Topology) -> PaperPlan:
    """Rates by following every call, utilization by rho = lambda S / c.

    Takes means only: no queueing, no failures, no retries, and hit ratios as given. Circular
    calls are followed until what they add is negligible.
    """
    shares = [spec.share for spec in topology.requests.values() if spec.rate is None]
    total_share = sum(float(share) for share in shares) or 1.0
    papers: dict[str, list[tuple[float, Paper]]] = {name: [] for name in topology.components}
    offered = 0.0
    for spec in topology.requests.values():
        rate = (
            spec.rate if spec.rate is not None else topology.rate * float(spec.share) / total_share
        )
        offered += rate
        _follow(topology, spec.entry, rate, spec.means(), papers)
    rows = [_row(name, item, papers[name]) for name, item in topology.components.items()]
    rows.sort(key=lambda row: -(row.utilization if row.utilization is not None else -1.0))
    return PaperPlan(tuple(rows), offered)


def _follow(
    topology: Topology,
    entry: str,
    rate: float,
    attributes: Means,
    papers: dict[str, list[tuple[float, Paper]]],
) -> None:
    demands: dict[str, Paper] = {}
    level = {entry: rate}
    for _ in range(CALL_DEPTH_MAX):
        below: dict[str, float] = {}
        for name, arriving in level.items():
            if name not in topology.components:
                continue
            if name not in demands:
                demands[name] = topology.components[name].on_paper(attributes)
            papers[name].append((arriving, demands[name]))
            for target, mean in demands[name].calls.items():
                if arriving * mean > rate * 1e-9:
                    below[target] = below.get(target, 0.0) + arriving * mean
        if not below:
            return
        level = below


def _row(name: str, component: Component, parts: list[tuple[float, Paper]]) -> PaperRow:
    rate = sum(part for part, _ in parts)
    service = sum(part * paper.service_s for part, paper in parts)
    delay = sum(part * paper.delay_s for part, paper in parts)
    usage = sum(part * paper.cost_usd for part, paper in parts) * 3600.0
    hourly = (component.cost or 0.0) * component.replica_count
    papers = [paper for _, paper in parts] or [component.on_paper({})]
    servers = papers[0].servers
    notes = tuple(dict.fromkeys(note for _, paper in parts for note in paper.notes))
    return PaperRow(
        name=name,
        kind=component.kind,
        rate=rate,
        servers=servers,
        service_s=service / rate if rate else 0.0,
        delay_s=delay / rate if rate else 0.0,
        utilization=service / servers if servers else None,
        cost_usd_per_hour=hourly + usage,
        notes=notes,
        impossible=next((paper.impossible for _, paper in parts if paper.impossible), ""),
        impossible_at=next((paper.impossible_at for _, paper in parts if paper.impossible), ""),
    )
