"""Fractions between 0 and 1: ``0.5%``, ``35%`` or ``0.35``.

A plain number is read as the fraction itself, so ``35`` is refused rather than read as 35 %.
"""

import re

from simulator.quantities.grammar import (
    IMPOSSIBLE_VALUE,
    NUMBER,
    Dimension,
    QuantityError,
    bare_number,
    refuse_syntax,
    refuse_unless_possible,
    shown,
    three_digits,
)

_GRAMMAR = rf"({NUMBER})\s?%"
_PERCENT = re.compile(_GRAMMAR)
_WHAT = "a fraction"


def parse_fraction(value: object) -> float:
    """Read a fraction of the document to a float in [0, 1]; raises QuantityError."""
    number = bare_number(value)
    if number is None:
        match = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None:
            if isinstance(value, str) and re.match(r"\s*-[0-9.]", value):
                raise QuantityError(
                    IMPOSSIBLE_VALUE, f"got {shown(value)}, {_WHAT} cannot be negative"
                )
            raise refuse_syntax(value, _WHAT, "0.5%, 35%, 0.35")
        number = float(match[1]) / 100
    refuse_unless_possible(value, number, _WHAT)
    if number > 1:
        percent = f"write {three_digits(number)}%" if bare_number(value) and number <= 100 else ""
        raise QuantityError(
            IMPOSSIBLE_VALUE, f"got {shown(value)}, {_WHAT} lies between 0 and 1", percent
        )
    return number


def format_fraction(fraction: float) -> str:
    """Print a fraction as a percentage with three significant digits: ``12.6%``."""
    return f"{three_digits(fraction * 100)}%"


FRACTION = Dimension(
    name="fraction",
    part="Fraction",
    read=parse_fraction,
    show=format_fraction,
    examples=("0.5%", "35%", "0.35"),
    pattern=rf"^\s*{_GRAMMAR}\s*$",
    description="A fraction between 0 and 1: 0.5%, 35% or 0.35.",
    plain={"type": "number", "minimum": 0, "maximum": 1},
)
