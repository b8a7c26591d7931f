"""What all the quantities share: how a number is written, how a refusal reads, how one prints.

A quantity of the document is text with its unit, such as ``250ms`` or ``30k/min``. Grammars are
strict on purpose: a unit that is guessed wrong costs a factor of sixty in a capacity figure.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticCustomError

NUMBER = r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?"
"""An unsigned decimal number; signs are left out because no quantity is negative."""

MULTIPLIERS = {"k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}
"""Suffixes of a count: thousand, million, (short-scale) billion and trillion."""

UNIT_MISSING = "unit_missing"
QUANTITY_SYNTAX = "quantity_syntax"
IMPOSSIBLE_VALUE = "impossible_value"

_PLAIN_NUMBER = re.compile(rf"[+-]?(?:{NUMBER})")


class QuantityError(PydanticCustomError):
    """A value of the document that is refused, with a readable reason and, often, the way out.

    It is a ``ValueError``, so that a command line can print it, and a pydantic custom error, so
    that a model reports it at its place in the document. ``type`` is one of the three constants
    of this module; diagnostics turn it into a stable code.
    """

    def __new__(cls, reason: str, message: str, hint: str = "", **more: Any) -> "QuantityError":
        """Make a refusal; ``more`` is kept in the error's context for whoever renders it."""
        context = {**more, "message": message, "hint": hint}
        return super().__new__(cls, reason, "{message}", context)

    def __init__(self, *args: Any, **more: Any) -> None:
        """Everything is set by ``__new__``; an exception's own would refuse keywords."""

    @property
    def hint(self) -> str:
        """What to write instead, or an empty text."""
        return str((self.context or {}).get("hint", ""))


def shown(value: object, limit: int = 40) -> str:
    """The value as a message quotes it: in double quotes, shortened, without its YAML type."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return f'"{text if len(text) <= limit else text[: limit - 1] + "…"}"'


@dataclass(frozen=True)
class Dimension:
    """A kind of quantity: its name, its grammar, how it prints and what its JSON Schema is.

    ``part`` is the name of that schema among the definitions of a document.

    Distributions and thresholds are generic over it: ``{uniform: {low: 1ms, high: 2ms}}`` reads
    its parameters with the grammar of the field that it stands in.
    """

    name: str
    part: str
    read: Callable[[object], float]
    show: Callable[[float], str]
    examples: tuple[str, ...]
    pattern: str
    description: str
    plain: Mapping[str, Any] | None = None
    """JSON Schema of the plain numbers that are accepted beside the text, if any are."""

    @property
    def article_name(self) -> str:
        """The name with its article, as a message says it: ``a duration``."""
        return f"{'an' if self.name[0] in 'aeiou' else 'a'} {self.name}"

    def positive(self, value: object) -> float:
        """Read a value that has to be above zero."""
        number = self.read(value)
        if number <= 0:
            raise QuantityError(
                IMPOSSIBLE_VALUE,
                f"got {shown(value)}, this {self.name} must be above 0",
                f"for example {self.examples[0]}",
            )
        return number

    def json_schema(self) -> dict[str, Any]:
        """The JSON Schema an editor completes and checks with."""
        text: dict[str, Any] = {"type": "string", "pattern": self.pattern}
        schema = {"anyOf": [text, dict(self.plain)]} if self.plain else text
        return {**schema, "description": self.description, "examples": list(self.examples)}


def refuse_syntax(value: object, what: str, forms: str) -> QuantityError:
    """The refusal of a text that is no such quantity; ``forms`` lists what is accepted."""
    return QuantityError(
        QUANTITY_SYNTAX, f"got {shown(value)}, expected {what}", f"write it like {forms}"
    )


def refuse_bare(value: object, what: str, forms: str) -> QuantityError:
    """The refusal of a number without its unit."""
    return QuantityError(UNIT_MISSING, f"got {shown(value)}, {what} needs a unit: {forms}")


def refuse_unless_possible(value: object, number: float, what: str) -> float:
    """Pass a finite number that is not negative, refuse any other."""
    if math.isnan(number) or math.isinf(number):
        raise QuantityError(IMPOSSIBLE_VALUE, f"got {shown(value)}, {what} must be a finite number")
    if number < 0:
        raise QuantityError(IMPOSSIBLE_VALUE, f"got {shown(value)}, {what} cannot be negative")
    return number


def bare_number(value: object) -> float | None:
    """The value as a float where it is a number or the text of one, else None; no bool."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        try:
            return float(value)
        except OverflowError:
            return math.inf
    if isinstance(value, str) and _PLAIN_NUMBER.fullmatch(value.strip()):
        return float(value)
    return None


def text_of(value: object, what: str, forms: str, bare: str) -> str | None:
    """The text to parse, or None for the plain 0 that every unit agrees on.

    Raises the fitting refusal for a bare number, an impossible one, and anything but text. ``bare``
    says what a bare number may have meant, as a format: ``"{0}ms, {0}s"``.
    """
    number = bare_number(value)
    if number is not None:
        refuse_unless_possible(value, number, what)
        if number == 0:
            return None
        raise refuse_bare(value, what, bare.format(str(value).strip()))
    if not isinstance(value, str):
        raise refuse_syntax(value, what, forms)
    text = value.strip()
    if text.startswith("-") and text[1:2].isdigit():
        raise QuantityError(IMPOSSIBLE_VALUE, f"got {shown(value)}, {what} cannot be negative")
    return text


def three_digits(number: float) -> str:
    """The number with at most three significant digits and no exponent: 2.61, 418, 0.0015."""
    if number == 0:
        return "0"
    if not math.isfinite(number):
        return str(number)
    digits = 2 - math.floor(math.log10(abs(number)))
    text = f"{round(number, digits):.{max(digits, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def with_multiplier(number: float) -> str:
    """The number in thousands, millions or billions where that is shorter: 12.5k, 10M."""
    for suffix, factor in (("T", 1e12), ("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(float(three_digits(number))) >= factor * (10 if suffix == "k" else 1):
            return three_digits(number / factor) + suffix
    return three_digits(number)
