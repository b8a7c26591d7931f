"""Everything a document may name, with a sentence each: for lists and explanations."""

import inspect
from typing import Any

import simulator.topology.kinds  # noqa: F401  (registers the kinds)
from simulator.kernel.component import Component
from simulator.kernel.kinded import Registered
from simulator.kernel.step import Step
from simulator.policies.backoff import Backoff
from simulator.quantities.distributions.base import Distribution
from simulator.topology.library import (
    library_folder,
    topology_names,
    workload_names,
)
from simulator.topology.source import read_source
from simulator.workload.arrival_process import Arrivals

FAMILIES: dict[str, type[Registered]] = {
    "kinds": Component,
    "steps": Step,
    "arrivals": Arrivals,
    "backoffs": Backoff,
}


def catalogue(shelf: str) -> dict[str, str]:
    """Names on a shelf with one sentence each, in alphabetical order."""
    if shelf in {"topologies", "workloads"}:
        names = topology_names() if shelf == "topologies" else workload_names()
        folder = library_folder("topologies" if shelf == "topologies" else "workloads")
        return {name: _summary(str(folder / f"{name}.yaml")) for name in names}
    if shelf == "distributions":
        return {name: sentence(cls) for name, cls in sorted(Distribution.families.items())}
    return {name: sentence(cls) for name, cls in sorted(FAMILIES[shelf].kinds.items())}


def found(name: str) -> tuple[str, type[Any]] | None:
    """The shelf and class of a kind, step, arrival process or distribution."""
    for shelf, family in FAMILIES.items():
        if name in family.kinds:
            return shelf, family.kinds[name]
    if name in Distribution.families:
        return "distributions", Distribution.families[name]
    return None


def every_name() -> list[str]:
    """All names that can be explained."""
    names = [name for family in FAMILIES.values() for name in family.kinds]
    return [*names, *Distribution.families]


def sentence(cls: type[Any]) -> str:
    """The first sentence of a class's documentation."""
    return (inspect.getdoc(cls) or "").split("\n\n")[0].replace("\n", " ")


def _summary(path: str) -> str:
    source, _ = read_source(path)
    data = source.data if source is not None else None
    return str(data.get("summary") or "") if isinstance(data, dict) else "(unreadable)"
