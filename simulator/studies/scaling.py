"""How many replicas the scalers of a design ask for, on paper and by what a run measured."""

from collections.abc import Iterable
from typing import NamedTuple

from simulator.metrics.spread import Document
from simulator.topology.model import Topology
from simulator.topology.paper import on_paper

REACTIONS = 5.0
"""How many reactions of a scaler a run should last, at least, to be one of what it asks for."""


class _Seen(NamedTuple):
    """What a scaler goes by: replicas, their utilization, requests waiting and in work."""

    replicas: float
    utilization: float
    load: float


def scaled_parts(topology: Topology) -> list[str]:
    """Components whose replicas follow the load."""
    return [name for name, own in topology.components.items() if own.scaling is not None]


def asked_on_paper(topology: Topology) -> dict[str, int]:
    """The replicas that scalers ask for under the load on paper, where those are others."""
    rows = {row.name: row for row in on_paper(topology).rows}
    seen = {}
    for name in scaled_parts(topology):
        row, there = rows[name], topology.components[name].replica_count
        seen[name] = _Seen(there, row.utilization or 0.0, row.rate * row.service_s)
    return _others(topology, seen)


def asked_in_run(topology: Topology, document: Document) -> dict[str, int]:
    """The replicas that scalers ask for by what a run measured, where those are others."""
    seen = {}
    for name in scaled_parts(topology):
        measured = document["components"][name]
        used = measured["utilization"] or 0.0
        queue = (measured["queue_length"] or {}).get("mean") or 0.0
        there = measured["other"].get("replicas") or topology.components[name].replica_count
        seen[name] = _Seen(there, used, used * measured.get("servers", 0.0) + queue)
    return _others(topology, seen)


def unsettled_s(topology: Topology, document: Document) -> float | None:
    """How long the slowest scaler takes that had no time for what it asks for; None if all had.

    What such a run measures is mostly the replicas that the design starts with.
    """
    reactions = [topology.components[name].reaction_s for name in asked_in_run(topology, document)]
    return max((own for own in reactions if document["horizon_s"] < REACTIONS * own), default=None)


def unsettled_runs(found: Iterable[float | None]) -> Document:
    """How many runs of a study were too short for a scaler, and how long one should be."""
    every = list(found)
    waiting = [own for own in every if own is not None]
    slowest = max(waiting, default=0.0)
    return {
        "runs": len(waiting),
        "of": len(every),
        "reaction_s": slowest,
        "wanted_s": REACTIONS * slowest,
    }


def _others(topology: Topology, seen: dict[str, _Seen]) -> dict[str, int]:
    wanted = {}
    for name, measured in seen.items():
        component = topology.components[name]
        assert component.scaling is not None, "only what follows the load is seen"
        count = component.scaling.settled(*measured)
        if count != component.replica_count:
            wanted[name] = count
    return wanted
