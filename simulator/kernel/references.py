"""Names inside a topology that refer to something else in it."""

from collections.abc import Collection, Iterable, Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field

from simulator.kernel.spec import PLAIN, fields_of


class TargetName(str):
    """The name of a component that is called."""


class AttributeName(str):
    """The name of an attribute of requests."""


class NumberName(AttributeName):
    """The name of an attribute that has to be a number."""


class CountName(NumberName):
    """The name of an attribute that counts things, which no duration does."""


class ListName(AttributeName):
    """The name of an attribute that has to be a list, which only a trace supplies."""


Target = Annotated[
    str, Field(description="Name of a component.", min_length=1), AfterValidator(TargetName)
]
Attribute = Annotated[
    str, Field(description="Name of a request attribute.", min_length=1),
    AfterValidator(AttributeName),
]  # fmt: skip

NumberAttribute = Annotated[
    str, Field(description="Name of a request attribute, a number.", min_length=1),
    AfterValidator(NumberName),
]  # fmt: skip
CountAttribute = Annotated[
    str, Field(description="Name of a request attribute, a number.", min_length=1),
    AfterValidator(CountName),
]  # fmt: skip
ListAttribute = Annotated[
    str, Field(description="Name of a request attribute, a list from a trace.", min_length=1),
    AfterValidator(ListName),
]  # fmt: skip

Path = tuple[str | int, ...]


def references(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every reference inside a model with its document path, in document order."""
    if isinstance(value, BaseModel):
        key = getattr(type(value), "key", None)
        prefix = (*path, key) if isinstance(key, str) else path
        names = fields_of(type(value))
        parts: Iterable[tuple[str | int, Any]] = ((name, getattr(value, name)) for name in names)
    elif isinstance(value, dict):
        prefix, parts = path, value.items()
    elif isinstance(value, list | tuple):
        prefix, parts = path, enumerate(value)
    else:
        if isinstance(value, TargetName | AttributeName):
            yield path, value
        return
    for name, part in parts:
        if type(part) not in PLAIN:
            yield from references(part, (*prefix, name))


def numbers_and_lists(value: Any) -> tuple[frozenset[str], frozenset[str]]:
    """The names of attributes that a part of a document needs as numbers, and as lists."""
    return needed_as([name for _, name in references(value)])


def needed_as(names: Collection[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Those of references that name attributes needed as numbers, and as lists."""
    numbers = frozenset(str(name) for name in names if isinstance(name, NumberName))
    return numbers, frozenset(str(name) for name in names if isinstance(name, ListName))
