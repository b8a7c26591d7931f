"""Files that components name: beside the document first, then in the current folder."""

from collections.abc import Iterator
from os.path import isfile
from pathlib import Path
from typing import Any

from simulator.kernel.component import Component
from simulator.topology.source import DocumentPath


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
    """The place and mapping of every component, in variants too, and each field with a file."""
    base = _mapping(_mapping(data).get("components"))
    sections: list[tuple[DocumentPath, dict[Any, Any]]] = [(("components",), base)]
    for name, variant in _mapping(_mapping(data).get("variants")).items():
        inside = _mapping(_mapping(variant).get("components"))
        sections.append((("variants", name, "components"), inside))
    seen: set[int] = set()
    for place, section in sections:
        for name, component in section.items():
            part = _mapping(component)
            if id(part) in seen:  # the same mapping by an alias
                continue
            seen.add(id(part))
            named = part.get("kind", _mapping(base.get(name)).get("kind"))
            kind = Component.kinds.get(named) if isinstance(named, str) else None
            for field in kind.files if kind is not None else ():
                if isinstance(part.get(field), str):
                    yield (*place, name), part, field


def _mapping(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}
