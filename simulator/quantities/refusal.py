"""Errors of a document, before they have a line: a reason, a place, a message and a hint.

Pydantic gathers them while it validates and puts the path in front; diagnostics turn the path into
a line and the reason into a stable code.
"""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

UNKNOWN_FIELD = "unknown_field"
MISSING = "missing"
UNKNOWN_KIND = "unknown_kind"
UNKNOWN_KEY = "unknown_key"
SEVERAL_KEYS = "several_keys"
WRONG_FORM = "wrong_form"

Location = tuple[str | int, ...]
Read = TypeVar("Read")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name that is spelt most like the word, or None if none is close."""
    names = list(known)
    by_folded = {name.casefold().replace("-", "_"): name for name in sorted(names)}
    close = get_close_matches(word.casefold().replace("-", "_"), by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None


def refused(
    reason: str, message: str, *, loc: Location = (), value: Any = None, hint: str = "", **more: Any
) -> InitErrorDetails:
    """One error of a document, at a place relative to the model that reports it."""
    context = {**more, "hint": hint, "message": message}
    return InitErrorDetails(
        type=PydanticCustomError(reason, "{message}", context), loc=loc, input=value
    )


def details(error: ValidationError, prefix: Location = ()) -> list[InitErrorDetails]:
    """The errors of a validation in the form that another validation can report again."""
    return [
        refused(
            line["type"],
            line["msg"],
            loc=(*prefix, *line["loc"]),
            value=line["input"],
            **{key: item for key, item in line.get("ctx", {}).items() if key != "message"},
        )
        for line in error.errors(include_url=False)
    ]


class Refusals:
    """Gathers the errors of the parts of a value, so that all of them are reported at once."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.lines: list[InitErrorDetails] = []

    def attempt(self, loc: Location, read: Callable[[Any], Read], value: Any) -> Read | None:
        """Read a part; None, and an error at the place, where it is refused."""
        try:
            return read(value)
        except ValidationError as error:
            self.lines += details(error, loc)
        except PydanticCustomError as error:
            self.lines.append(InitErrorDetails(type=error, loc=loc, input=value))
        return None

    def add(self, reason: str, message: str, loc: Location, value: Any, hint: str = "") -> None:
        """Note an error."""
        self.lines.append(refused(reason, message, loc=loc, value=value, hint=hint))

    def raise_if_any(self) -> None:
        """Raise everything that was gathered."""
        if self.lines:
            raise ValidationError.from_exception_data(self.title, self.lines)
