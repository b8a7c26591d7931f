"""What is left of a document when its broken parts are taken out.

A mistyped field must not hide an unknown name elsewhere in the file: the checks that go across
fields need a model, so they run on the sound part of one that has errors.
"""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from simulator.topology.model import Topology
from simulator.topology.source import DocumentPath

ROUNDS_MAX = 12
"""Each round takes out what the one before left without a required field."""

_STAND_IN = {"wait": "0s"}

_NO_NAMES_IN = {"name": "unnamed", "rate": "1 rps"}
"""Required fields of the document that name nothing: any sound value serves."""


def sound_part(
    data: Any, broken: Callable[[ValidationError, Any], list[DocumentPath]]
) -> Topology | None:
    """The model of a document without its broken parts; None if nothing sound is left.

    ``broken`` names the places that a validation refused. A broken item of a list is replaced by
    a step without effect, so that the places of the others stay what they are in the text.
    """
    if not isinstance(data, dict):
        return None
    rest = deepcopy(data)
    for _ in range(ROUNDS_MAX):
        try:
            return Topology.model_validate(rest)
        except ValidationError as error:
            for path in broken(error, rest):
                if path:
                    _take_out(rest, path)
                elif _NO_NAMES_IN.keys() <= rest.keys():
                    return None
                else:
                    rest = _NO_NAMES_IN | rest
    return None


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
