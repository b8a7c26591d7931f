"""Files that components and arrivals name: beside the document first, then in this folder."""

from collections.abc import Iterator
from os.path import isfile
from pathlib import Path
from typing import Any

from simulator.kernel.component import Component
from simulator.topology.source import DocumentPath
from simulator.workload.arrival_process import Arrivals


def resolve_files(data: Any, folder: Path) -> dict[DocumentPath, str]:
    """Point the fields that name a file to the one in ``folder``, where there is one.

    A document is validated again wherever it is simulated, so the path itself is replaced. Says
    for each file that is nowhere where it was looked for, by its place in the document.
    """
    missing = {}
    for place, part, field in list(_fields(data)):
        name = part[field]
        beside = folder / name
        if isfile(beside):  # false, too, where a name cannot be one
            part[field] = str(beside)
        elif not isfile(name) and not Path(name).is_absolute():
            folders = dict.fromkeys([folder.resolve(), Path.cwd()])
            missing[place, field] = f"looked in {' and in '.join(map(str, folders))}"
    return {(*place, field): where for (place, field), where in missing.items()}


def _fields(data: Any) -> Iterator[tuple[DocumentPath, dict[str, Any], str]]:
    """The place and mapping of every part that may name files, and each field with one."""
    base = _mapping(_mapping(data).get("components"))
    seen: set[int] = set()
    for place, part in _parts(data):
        if id(part) in seen:  # the same mapping by an alias
            continue
        seen.add(id(part))
        named = part.get("kind", _mapping(base.get(place[-1])).get("kind"))
        family: dict[str, Any] = Component.kinds if "components" in place else Arrivals.kinds
        kind = family.get(named) if isinstance(named, str) else None
        for field in kind.files if kind is not None else ():
            if isinstance(part.get(field), str):
                yield place, part, field


def _parts(data: Any) -> Iterator[tuple[DocumentPath, dict[Any, Any]]]:
    """Every component and arrival process of a topology, in variants too, or of a workload."""
    variants = _mapping(_mapping(data).get("variants"))
    documents: list[tuple[DocumentPath, Any]] = [((), data)]
    documents += [(("variants", name), variant) for name, variant in variants.items()]
    for place, document in documents:
        sections = _mapping(document)
        for name, component in _mapping(sections.get("components")).items():
            yield (*place, "components", name), _mapping(component)
        for name, spec in _mapping(sections.get("requests")).items():
            yield (*place, "requests", name, "arrivals"), _mapping(_mapping(spec).get("arrivals"))
        workload = _mapping(sections.get("run")).get("workload")
        yield (*place, "run", "workload"), _mapping(workload)
        yield (*place, "arrivals"), _mapping(sections.get("arrivals"))


def _mapping(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}
