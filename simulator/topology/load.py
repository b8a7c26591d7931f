"""The load of a design as one says it: who asks, and how often."""

from collections.abc import Iterator
from typing import Any

from simulator.quantities.grouping import grouped
from simulator.topology.model import RequestClass, Topology
from simulator.workload.arrival_process import Arrivals

NAMED = 2
"""Most classes with rates of their own that are told by name."""


def load_of(topology: Topology, arrivals: Arrivals) -> dict[str, Any]:
    """What documents of runs and studies say of the load on all cells.

    ``load`` is what classes share (``30 rps``, ``20 closed users``), empty where none does;
    ``load_beside`` that of classes with rates of their own (``18/s of crawler``); ``load_per_s``
    counts both, null where users wait for their answers, so that the load follows from these.
    """
    topology = topology.at_own_rates(arrivals)
    shared = any(spec.rate is None for spec in topology.requests.values())
    own = {name: spec for name, spec in topology.requests.items() if spec.rate is not None}
    open_own = {name: spec for name, spec in own.items() if not _waits(spec)}
    per_s = (topology.rate if shared else 0.0) + sum(spec.rate or 0.0 for spec in own.values())
    beside = [*_open(open_own, topology.cells), *_waiting(own)]
    offered = (
        arrivals.describe() if arrivals.closed else f"{_told(topology.rate * topology.cells)} rps"
    )
    return {
        "load": offered if shared else "",
        "load_beside": " and ".join(beside),
        "load_per_s": None if users_wait(topology, arrivals) else per_s * topology.cells,
    }


def users_wait(topology: Topology, arrivals: Arrivals) -> bool:
    """Whether a part of the load follows from the answers, so that it cannot be too much."""
    shared = any(spec.rate is None for spec in topology.requests.values())
    return (shared and arrivals.closed) or any(map(_waits, topology.requests.values()))


def idle_rate(topology: Topology, arrivals: Arrivals) -> str | None:
    """Why the offered rate plays no part, if so: ``the load is that of the workload, 20 users``."""
    if arrivals.own_rate is not None:
        return f"the load is that of the workload, {arrivals.describe()}"
    if all(spec.rate is not None for spec in topology.requests.values()):
        return "every class of requests has a rate of its own"
    return None


def _open(own: dict[str, RequestClass], cells: float) -> Iterator[str]:
    if own:
        per_s = cells * sum(spec.rate or 0.0 for spec in own.values())
        names = " and ".join(own) if len(own) <= NAMED else f"{len(own)} classes of their own"
        yield f"{_told(per_s)}/s of {names}"


def _waiting(own: dict[str, RequestClass]) -> Iterator[str]:
    for name, spec in own.items():
        if spec.arrivals is not None and _waits(spec):
            yield f"{spec.arrivals.describe()} of {name}"


def _waits(spec: RequestClass) -> bool:
    return spec.arrivals is not None and spec.arrivals.closed


def _told(per_s: float) -> str:
    return f"{per_s:.3g}" if per_s < 1000 else grouped(per_s)
