"""Which component is full first as the load grows, and at which multiple of it."""

from dataclasses import dataclass
from typing import Any

from simulator.quantities.distributions.zipf import Zipf
from simulator.topology.callers import callers_of, calls_among, reached_from
from simulator.topology.model import Topology
from simulator.topology.paper import PaperPlan


@dataclass(frozen=True)
class Full:
    """A component, its utilization, and the multiple of the design's load at which that is 1."""

    name: str
    utilization: float
    factor: float


def first_full(topology: Topology, paper: PaperPlan, factor: float = 1.0) -> Full | None:
    """The component that more load fills before any other; the plan is of ``factor`` the load.

    Replicas that an autoscaler may add count, and of shards the one with the most popular key.
    None if nothing has a limit.
    """
    return _highest(strains(topology, paper), factor)


def strains(topology: Topology, paper: PaperPlan) -> dict[str, float]:
    """Utilization of each component as :func:`first_full` takes it."""
    return {row.name: (row.strain or 0.0) * heat(topology, row.name) for row in paper.rows}


def full_without_scalers(topology: Topology, paper: PaperPlan, factor: float = 1.0) -> Full | None:
    """The component with a scaler that is full before all others if no replica is added.

    None if that is none with a scaler.
    """
    full = _highest({row.name: row.utilization or 0.0 for row in paper.rows}, factor)
    return full if full and topology.components[full.name].scaling is not None else None


@dataclass(frozen=True)
class SecondWay:
    """Where calls go that a full component does not take in time: components, in order.

    ``factor`` is the multiple of the load at which it and they together are full; None where that
    cannot be told, as for calls that are optional.
    """

    targets: tuple[str, ...]
    factor: float | None


def second_way(
    topology: Topology, name: str, paper: PaperPlan, factor: float = 1.0
) -> SecondWay | None:
    """What stands in for a component that is full, so that answers degrade before they fail.

    None unless every call ends in time (a bounded queue, or a caller with a time limit) and has
    another way: further targets of a chain, steps on failure, or no need of an answer. Who comes
    to it last in one chain has been to the others.
    """
    targets: dict[str, None] = {}
    optional = False
    for caller, call in callers_of(topology, name):
        chain = [str(target) for target in getattr(topology.components.get(caller), "targets", ())]
        limited = call.timeout is not None or call.per_try_timeout is not None
        if not (topology.components[name].refuses or limited):
            return None
        if name in chain:
            targets |= dict.fromkeys(chain[chain.index(name) + 1 :])
        elif getattr(call, "optional", False) or getattr(call, "on_failure", ()):
            optional = True
        else:
            return None
    if not targets:
        return SecondWay((), None) if optional else None
    rows = [row for row in paper.rows if row.name == name or row.name in targets]
    servers = sum(row.servers or 0.0 for row in rows)
    busy = sum((row.utilization or 0.0) * (row.servers or 0.0) for row in rows)
    limited = all(row.servers and not row.quota for row in rows)
    return SecondWay(tuple(targets), factor * servers / busy if limited and busy else None)


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
    calls = calls_among(topology)
    for spec in topology.requests.values():
        keys: Any = spec.attributes.get(key)
        if keys is not None and name in reached_from([str(spec.entry)], calls):
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
