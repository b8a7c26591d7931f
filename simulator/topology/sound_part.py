"""What is left of a document when its broken parts are taken out.

A mistyped field must not hide an unknown name elsewhere in the file: the checks that go across
fields need a model, so they run on the sound part of one that has errors.
"""

from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from simulator.topology.model import Topology
from simulator.topology.source import DocumentPath

ROUNDS_MAX = 12
"""Each round takes out what the one before left without a required field."""

_STAND_IN = {"wait": "0s"}

_NAMELESS = "unnamed"


@dataclass(frozen=True)
class SoundPart:
    """The model of a document without its broken parts, and the document it was made from."""

    topology: Topology
    rest: dict[str, Any]
    data: dict[str, Any]

    def whole(self, *path: str | int) -> bool:
        """Whether nothing was taken out of the part of the document at this place."""
        rest: Any = self.rest
        data: Any = self.data
        for part in path:
            if not _has(rest, part) or not _has(data, part):
                return not _has(rest, part) and not _has(data, part)
            rest, data = rest[part], data[part]
        return bool(rest == data)

    def keeps_names(self, blocks: Iterable[str]) -> bool:
        """Whether everything with a name in these blocks is left, and every `record` of steps."""
        for block in blocks:
            before, after = (part.get(block) or {} for part in (self.data, self.rest))
            if not isinstance(before, dict) or set(before) != set(after):
                return False
        return _recorded(self.data) == _recorded(self.rest)


def _recorded(part: Any) -> set[str]:
    """The names that steps record times under."""
    if isinstance(part, list):
        return set().union(*map(_recorded, part))
    if not isinstance(part, dict):
        return set()
    own = {str(name) for key, name in part.items() if key == "record"}
    return own.union(*map(_recorded, part.values()))


def sound_part(
    data: Any, broken: Callable[[ValidationError, Any], list[DocumentPath]]
) -> SoundPart | None:
    """The sound part of a document; None if nothing is left.

    ``broken`` names the places that a validation refused. A broken item of a list is replaced by
    a step without effect, so that the places of the others stay what they are in the text.
    """
    if not isinstance(data, dict):
        return None
    rest = deepcopy(data)
    for _ in range(ROUNDS_MAX):
        try:
            return SoundPart(Topology.model_validate(rest), rest, data)
        except ValidationError as error:
            for path in broken(error, rest):
                if path:
                    _take_out(rest, path)
            rest = _required(rest)
    return None


def _required(rest: dict[str, Any]) -> dict[str, Any]:
    """The document with stand-ins, which name nothing else, for required fields it lacks."""
    rest = {"name": _NAMELESS, "rate": "1 rps"} | rest
    if not rest.get("components"):
        rest["components"] = {_NAMELESS: {"kind": "delay", "latency": "0s"}}
    if not rest.get("requests"):
        rest["requests"] = {_NAMELESS: {"entry": next(iter(rest["components"]))}}
    return rest


def _take_out(data: Any, path: DocumentPath) -> None:
    here = data
    for part in path[:-1]:
        if not _has(here, part):
            return
        here = here[part]
    last = path[-1]
    if not _has(here, last):
        return
    if isinstance(here, dict):
        del here[last]
    elif here[last] != _STAND_IN:
        here[last] = dict(_STAND_IN)
    else:
        _take_out(data, path[:-1])


def _has(here: Any, part: str | int) -> bool:
    if isinstance(here, dict):
        return part in here
    return isinstance(here, list) and isinstance(part, int) and part < len(here)
