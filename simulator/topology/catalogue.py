"""Everything a document may name, with a sentence each: for lists and explanations."""

import inspect
from typing import Any, get_args

import simulator.topology.kinds  # noqa: F401  (registers the kinds)
from simulator.kernel.component import Component
from simulator.kernel.fault import Effect
from simulator.kernel.kinded import Registered
from simulator.kernel.spec import Spec
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
    "faults": Effect,
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
    for other in _families():
        if name in other.kinds:
            return other.family_name(), other.kinds[name]
    return None


def fields_called(name: str) -> dict[str, tuple[str, type[Any] | None]]:
    """Where a field of this name may stand: its description, and the spec that it holds, if any."""
    places: dict[str, tuple[str, type[Any] | None]] = {}
    for owner, cls in _specs().items():
        for key, field in getattr(cls, "model_fields", {}).items():
            if name in (key, field.alias):
                held = [part for part in (field.annotation, *get_args(field.annotation))
                        if isinstance(part, type) and issubclass(part, Spec)]  # fmt: skip
                text = field.description or ""
                if hasattr(cls, "field_descriptions"):
                    text = cls.field_descriptions().get(key) or text
                places[owner] = (text, held[0] if held else None)
    return places


def every_name() -> list[str]:
    """All names that can be explained."""
    names = [name for family in _families() for name in family.kinds]
    fields = [key for cls in _specs().values() for key in getattr(cls, "model_fields", {})]
    return list(dict.fromkeys([*names, *Distribution.families, *fields]))


def _families() -> list[type[Registered]]:
    pending, families = [Registered], []
    while pending:
        cls = pending.pop()
        pending += cls.__subclasses__()
        if cls.kinds and cls.is_family():
            families.append(cls)
    return sorted(families, key=lambda family: family.__name__)


def _specs() -> dict[str, type[Any]]:
    """Every kind of every family by name; what is held in more than one family, only once."""
    found = {name: cls for shelf in FAMILIES.values() for name, cls in shelf.kinds.items()}
    for family in _families():
        for name, cls in family.kinds.items():
            found.setdefault(name, cls)
    return found


def sentence(cls: type[Any]) -> str:
    """The first sentence of a class's documentation."""
    return (inspect.getdoc(cls) or "").split("\n\n")[0].replace("\n", " ")


def _summary(path: str) -> str:
    source, _ = read_source(path)
    data = source.data if source is not None else None
    return str(data.get("summary") or "") if isinstance(data, dict) else "(unreadable)"
