"""The design on paper: utilizations, latency floor and cost without a simulation."""

from collections.abc import Callable
from dataclasses import dataclass

from simulator.kernel.component import Component, Means, Paper
from simulator.topology.model import Topology
from simulator.workload.arrival_process import Arrivals

CALL_DEPTH_MAX = 64


@dataclass(frozen=True)
class PaperRow:
    """One component: visits per second, servers, utilization, mean times, cost per hour.

    ``service_s`` counts what a consumer waits for while it keeps a message. ``utilization_least``
    leaves that out, as well as the calls that hits and refusals may spare, and counts the
    servers that an autoscaler may add: what is 1 there cannot keep up in any case, unless it
    ``refuses`` what is too much. ``quota`` is the share of what a provider admits; where it is
    the scarcer one, ``utilization`` is the same. ``growth`` is the factor by which replicas that
    follow the load may become more than those it starts with. ``kept`` is what of it is kept
    through calls, in time that is not counted: it may be full before paper says so.
    """

    name: str
    kind: str
    rate: float
    servers: float | None
    service_s: float
    delay_s: float
    utilization: float | None
    utilization_least: float | None
    refuses: bool
    cost_usd_per_hour: float
    notes: tuple[str, ...]
    quota: float = 0.0
    impossible: str = ""
    impossible_at: str = ""
    growth: float = 1.0
    kept: str = ""

    @property
    def servers_most(self) -> float | None:
        """Servers with all replicas that may be added."""
        return None if self.servers is None else self.servers * self.growth

    @property
    def strain(self) -> float | None:
        """The utilization with as many replicas as may be added."""
        return None if self.utilization is None else self.utilization / self.growth


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
    def strained(self) -> PaperRow | None:
        """The component that is full first, with all replicas it may have; None if none can be."""
        loaded = [row for row in self.rows if row.strain]
        return max(loaded, key=lambda row: row.strain or 0.0, default=None)

    @property
    def full_rps(self) -> float | None:
        """Offered rate at which that component is full."""
        most = max((row.strain or 0.0 for row in self.rows), default=0.0)
        return self.rate / most if most else None

    @property
    def capacity_rps(self) -> float | None:
        """Offered rate at which the busiest component is full, with the replicas it starts with."""
        busiest = self.busiest
        if busiest is None or not busiest.utilization:
            return None
        return self.rate / busiest.utilization

    @property
    def cost_usd_per_hour(self) -> float:
        """Running and usage cost of everything."""
        return sum(row.cost_usd_per_hour for row in self.rows)

    @property
    def saturation_rps(self) -> float | None:
        """Offered rate beyond which a component cannot keep up, whatever is hit or refused."""
        rows = [row for row in self.rows if not row.refuses]
        most = max((row.utilization_least or 0.0 for row in rows), default=0.0)
        return self.rate / most if most > 0.0 else None

    def least_utilizations(self) -> dict[str, float]:
        """Utilization that a component has at least, for those that have servers."""
        return {
            row.name: row.utilization_least
            for row in self.rows
            if row.utilization_least is not None
        }

    def utilizations(self) -> dict[str, float]:
        """Utilization by component, for those that have servers."""
        return {row.name: row.utilization for row in self.rows if row.utilization is not None}


def on_paper(topology: Topology) -> PaperPlan:
    """Rates by following every call, utilization by rho = lambda S / c.

    Takes means only: no queueing, no failures, no retries, and hit ratios as given; attributes
    that grow in the sessions of the design's own workload by their mean over all turns. Circular
    calls are followed until what they add is negligible.
    """
    shares = [spec.share for spec in topology.requests.values() if spec.rate is None]
    total_share = sum(float(share) for share in shares) or 1.0
    parts: dict[str, list[Part]] = {name: [] for name in topology.components}
    offered = 0.0
    for spec in topology.requests.values():
        rate = (
            spec.rate if spec.rate is not None else topology.rate * float(spec.share) / total_share
        )
        offered += rate
        means = spec.means()
        if spec.rate is None and isinstance(topology.run.workload, Arrivals):
            means = topology.run.workload.mean_attributes(means)
        _follow(topology, spec.entry, rate, means, parts)
    rows = [_row(name, item, parts[name]) for name, item in topology.components.items()]
    rows.sort(key=lambda row: -(row.utilization if row.utilization is not None else -1.0))
    return PaperPlan(tuple(rows), offered)


def offered_when_full(
    topology: Topology, of_row: Callable[[PaperRow], float | None]
) -> float | None:
    """Offered rate at which the first component is full by this measure; None if none ever is.

    Classes with rates of their own stay as they are, and take their part of each component.
    """
    own = {name: spec for name, spec in topology.requests.items() if spec.rate is not None}
    alone = topology.model_copy(update={"requests": own})
    taken = {row.name: of_row(row) or 0.0 for row in on_paper(alone).rows}
    rates = []
    for row in on_paper(topology).rows:
        added = (of_row(row) or 0.0) - taken[row.name]
        if added > 0.0:
            rates.append(topology.rate * max(1.0 - taken[row.name], 0.0) / added)
    return min(rates, default=None)


@dataclass(frozen=True)
class Part:
    """Visits of one component by one class of requests: how many, and how many at least."""

    rate: float
    least: float
    paper: Paper


def _follow(
    topology: Topology,
    entry: str,
    rate: float,
    attributes: Means,
    parts: dict[str, list[Part]],
) -> None:
    demands: dict[str, Paper] = {}
    level = {entry: (rate, rate)}
    for _ in range(CALL_DEPTH_MAX):
        below: dict[str, tuple[float, float]] = {}
        for name, (arriving, least) in level.items():
            if name not in topology.components:
                continue
            if name not in demands:
                demands[name] = topology.components[name].on_paper(attributes)
            paper = demands[name]
            parts[name].append(Part(arriving, least, paper))
            doors = {target for target in paper.calls if _refuses(topology, target)}
            inside = 0.0 if _refuses(topology, name) else least
            for target, mean in paper.calls.items():
                if arriving * mean > rate * 1e-9:
                    before, before_least = below.get(target, (0.0, 0.0))
                    # Who is turned away at one door may not come to what lies behind it.
                    going_on = inside if not doors or target in doors else 0.0
                    certain = going_on * (mean - paper.spared.get(target, 0.0))
                    below[target] = (before + arriving * mean, before_least + certain)
        if not below:
            return
        level = below


def _refuses(topology: Topology, name: str) -> bool:
    component = topology.components.get(name)
    return component is not None and component.refuses


def _row(name: str, component: Component, parts: list[Part]) -> PaperRow:
    rate = sum(part.rate for part in parts)
    held = sum(part.rate * part.paper.held_s for part in parts)
    service = held + sum(part.rate * part.paper.service_s for part in parts)
    delay = sum(part.rate * part.paper.delay_s for part in parts) - held
    usage = sum(part.rate * part.paper.cost_usd for part in parts) * 3600.0
    least = sum(part.least * part.paper.service_s for part in parts)
    quota = sum(part.rate * part.paper.quota_s for part in parts)
    hourly = (component.cost or 0.0) * component.replica_count
    papers = [part.paper for part in parts] or [component.on_paper({})]
    servers = papers[0].servers
    kept = next((paper.kept for paper in papers if paper.kept), "")
    said = [note for paper in papers for note in paper.notes]
    said += [f"{kept} are kept through calls, which this estimate leaves out"] if kept else []
    notes = tuple(dict.fromkeys(said))
    return PaperRow(
        name=name,
        kind=component.kind,
        rate=rate,
        servers=servers,
        service_s=service / rate if rate else 0.0,
        delay_s=delay / rate if rate else 0.0,
        utilization=max(service / servers, quota) if servers else quota or None,
        utilization_least=least / (papers[0].servers_most or servers) if servers else None,
        refuses=component.refuses,
        cost_usd_per_hour=hourly + usage,
        notes=notes,
        quota=quota,
        impossible=next((paper.impossible for paper in papers if paper.impossible), ""),
        impossible_at=next((paper.impossible_at for paper in papers if paper.impossible), ""),
        growth=_growth(component),
        kept=kept,
    )


def _growth(component: Component) -> float:
    most = 0 if component.scaling is None else component.scaling.max_replicas
    return max(most / component.replica_count, 1.0) if component.replica_count else 1.0
