"""Which component is full first as the load grows, and at which multiple of it."""

from dataclasses import dataclass
from typing import Any

from simulator.kernel.component import Component
from simulator.quantities.distributions.zipf import Zipf
from simulator.topology.callers import callers_of, reached_from
from simulator.topology.model import Topology
from simulator.topology.paper import PaperPlan, PaperRow


@dataclass(frozen=True)
class Full:
    """A component, its utilization, and the multiple of the design's load at which that is 1."""

    name: str
    utilization: float
    factor: float


def strain(row: PaperRow, component: Component) -> float | None:
    """The utilization on paper with as many replicas as an autoscaler may add."""
    scale: Any = getattr(component, "autoscale", None)
    replicas = getattr(component, "replicas", None)
    if row.utilization is None or scale is None or not replicas:
        return row.utilization
    return float(row.utilization * replicas / max(replicas, scale.max_replicas))


def first_full(topology: Topology, paper: PaperPlan, factor: float = 1.0) -> Full | None:
    """The component that more load fills before any other; the plan is of ``factor`` the load.

    Replicas that an autoscaler may add count, and of shards the one with the most popular key.
    None if nothing has a limit.
    """
    strains = {
        row.name: (strain(row, topology.components[row.name]) or 0.0) * heat(topology, row.name)
        for row in paper.rows
    }
    return _highest(strains, factor)


def full_without_scalers(topology: Topology, paper: PaperPlan, factor: float = 1.0) -> Full | None:
    """The component with a scaler that is full before all others if no replica is added.

    None if that is none with a scaler.
    """
    full = _highest({row.name: row.utilization or 0.0 for row in paper.rows}, factor)
    scaled = full and getattr(topology.components[full.name], "autoscale", None) is not None
    return full if scaled else None


def heat(topology: Topology, name: str) -> float:
    """Load of the shard that has the most popular key, over the mean of all shards."""
    shards = getattr(topology.components[name], "shards", 1)
    return 1.0 + (shards - 1) * largest_share(topology, name)


def largest_share(topology: Topology, name: str) -> float:
    """Share of the calls of a sharded component that falls on the most popular ``shard_key``.

    0 where calls go round, and behind a cache, which takes the most popular keys away.
    """
    key = getattr(topology.components[name], "shard_key", None)
    callers = {caller for caller, _ in callers_of(topology, name)} & {*topology.components}
    if key is None or any(topology.components[caller].kind == "cache" for caller in callers):
        return 0.0
    shares = sum(float(spec.share) for spec in topology.requests.values() if spec.rate is None)
    offered = popular = 0.0
    for spec in topology.requests.values():
        keys: Any = spec.attributes.get(key)
        if keys is not None and name in reached_from(topology, [str(spec.entry)]):
            own = topology.rate * float(spec.share) / shares if spec.rate is None else spec.rate
            offered += own
            popular += own * _most_popular(keys)
    return popular / offered if offered else 0.0


def _most_popular(keys: Any) -> float:
    """Probability of the most popular value, where values are few or ranked."""
    if isinstance(keys, Zipf):
        return keys.share(1)
    return max(getattr(keys, "shares", ()), default=0.0)


def _highest(utilizations: dict[str, float], factor: float) -> Full | None:
    name = max(utilizations, key=utilizations.__getitem__, default=None)
    if name is None or not utilizations[name]:
        return None
    return Full(name, utilizations[name], factor / utilizations[name])
