"""Changes to a document before it is read: variants and ``--set PATH=VALUE``."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

Data = dict[str, Any]

ABOUT_A_VARIANT = frozenset({"summary", "decision", "chosen", "alternative", "section", "document"})
"""What a variant says about itself, and does not change in the document."""

NAMED = frozenset(
    {
        "requests", "components", "objectives", "metrics", "given", "estimates", "claims",
        "questions", "variants", "faults",
    }
)  # fmt: skip
"""Blocks with names that the document chooses."""


class OverlayError(Exception):
    """A path or a variant that the document does not have; ``hint`` names the nearest."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True)
class Change:
    """One difference between two documents: the path, and the value before and after."""

    path: tuple[str | int, ...]
    before: Any
    after: Any

    @property
    def sign(self) -> str:
        """``+`` for something new, ``-`` for something gone, ``~`` for something different."""
        if self.before is None:
            return "+"
        return "-" if self.after is None else "~"

    @property
    def where(self) -> str:
        """The path as a person writes it."""
        return ".".join(str(part) for part in self.path)


def merged(base: Any, patch: Any) -> Any:
    """``base`` with ``patch`` laid over it: mappings merge, null removes, all else replaces."""
    if not isinstance(base, dict) or not isinstance(patch, dict):
        return deepcopy(patch)
    kind = patch.get("kind")
    if kind is not None and base.get("kind") not in (None, kind):
        return deepcopy(patch)
    result = dict(base)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif key in result:
            result[key] = merged(result[key], value)
        else:
            result[key] = deepcopy(value)
    return result


def with_variant(data: Data, name: str) -> Data:
    """The document with one of its variants applied."""
    variants = data.get("variants") or {}
    if name not in variants:
        known = ", ".join(variants) or "none"
        raise OverlayError(f"there is no variant `{name}`", _hint(name, variants, known))
    written = variants[name] or {}
    patch = {key: value for key, value in written.items() if key not in ABOUT_A_VARIANT}
    applied: Data = merged(data, patch)
    return applied


def with_values(data: Data, settings: Iterable[tuple[str, Any]]) -> Data:
    """The document with single values replaced, as an editor would."""
    result = deepcopy(data)
    for path, value in settings:
        _set(result, path, value)
    return result


def _set(data: Data, path: str, value: Any) -> None:
    parts = path.split(".")
    if parts[0] not in data and parts[0] in (data.get("components") or {}):
        parts = ["components", *parts]
    place: Any = data
    for position, part in enumerate(parts):
        last = position == len(parts) - 1
        where = ".".join(parts[:position]) or "the document"
        if isinstance(place, list):
            place_key: Any = _index(part, place, where)
        elif isinstance(place, dict):
            place_key = part
            if not last and place.get(part) is None and _may_be_added(parts[:position], part):
                place[part] = {}
            elif not last and part not in place:
                names = (
                    [*place, *(data.get("components") or {}), "run"] if position == 0 else [*place]
                )
                hint = _hint(part, names, ", ".join(map(str, place)))
                raise OverlayError(f"`{path}`: {where} has no `{part}`", hint)
        else:
            raise OverlayError(f"`{path}`: `{where}` is a single value, not a mapping")
        if last:
            place[place_key] = value
        else:
            place = place[place_key]


def _may_be_added(before: list[str], part: str) -> bool:
    """Whether a mapping that the document does not write may be one that its model has.

    Names are the document's own; which fields there are is said when it is read.
    """
    if not before:
        return part == "run" or part in NAMED
    return len(before) > 1 or before[0] not in NAMED


def _index(part: str, place: list[Any], where: str) -> int:
    if part.isdigit() and int(part) < len(place):
        return int(part)
    raise OverlayError(f"`{where}` is a list of {len(place)}: `{part}` is no position in it")


def closest(word: str, known: Iterable[Any]) -> str:
    """``did you mean ...?`` for a mistyped name; empty if nothing is near."""
    close = get_close_matches(word, [str(name) for name in known], n=1)
    return f"did you mean `{close[0]}`?" if close else ""


def _hint(word: str, known: Iterable[Any], listed: str) -> str:
    return closest(word, known) or f"known: {listed or 'none'}"


def changes(before: Any, after: Any, path: tuple[str | int, ...] = ()) -> list[Change]:
    """What differs between two documents, in document order; lists of one length item by item."""
    if isinstance(before, dict) and isinstance(after, dict):
        found = []
        for key in [*before, *(key for key in after if key not in before)]:
            found += changes(before.get(key), after.get(key), (*path, key))
        return found
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [item for n, (a, b) in pairs for item in changes(a, b, (*path, n))]
    return [] if before == after else [Change(path, before, after)]
