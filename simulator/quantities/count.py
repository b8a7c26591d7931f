"""Counts and plain numbers: ``3``, ``10k``, ``1.5M``, and real numbers without a unit.

A count has to come out whole: ``1.5k`` is 1500 and ``2.5`` is refused. Larger suffixes: ``B`` is
a (short-scale) billion, ``T`` a trillion.
"""

import re

from simulator.quantities.grammar import (
    MULTIPLIERS,
    NUMBER,
    QUANTITY_SYNTAX,
    Dimension,
    QuantityError,
    bare_number,
    refuse_syntax,
    refuse_unless_possible,
    shown,
    three_digits,
    with_multiplier,
)

_GRAMMAR = rf"({NUMBER})\s?([kKMBT])?"
_COUNT = re.compile(_GRAMMAR)
_FORMS = "3, 10k, 1.5M"
_EXACT_BELOW = 2.0**53


def parse_number(value: object) -> float:
    """Read a number without a unit that is not negative: 0.35, 3, 10k; raises QuantityError."""
    number = bare_number(value)
    if number is None:
        match = _COUNT.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None:
            raise refuse_syntax(value, "a number", _FORMS)
        number = float(match[1]) * MULTIPLIERS[match[2]]
    return refuse_unless_possible(value, number, "a number")


def parse_count(value: object) -> int:
    """Read a whole number that is not negative: 3, 10k, 1.5M; raises QuantityError."""
    try:
        number = parse_number(value)
    except QuantityError as refusal:
        if refusal.type != QUANTITY_SYNTAX:
            raise
        raise refuse_syntax(value, "a whole number", _FORMS) from None
    whole = round(number)
    if abs(number - whole) > 1e-9 * max(1.0, number) or number >= _EXACT_BELOW:
        raise QuantityError(
            QUANTITY_SYNTAX, f"got {shown(value)}, expected a whole number", f"like {_FORMS}"
        )
    return whole


def format_count(number: float) -> str:
    """Print a count with three significant digits: ``12``, ``1000``, ``12.5k``, ``10M``."""
    return with_multiplier(number)


def format_number(number: float) -> str:
    """Print a plain number with three significant digits and no suffix."""
    return three_digits(number)


COUNT = Dimension(
    name="count",
    part="Count",
    read=parse_count,
    show=format_count,
    examples=("3", "10k", "1.5M"),
    pattern=rf"^\s*{_GRAMMAR}\s*$",
    description="A whole number: 3, 10k, 1.5M.",
    plain={"type": "integer", "minimum": 0},
)
NUMBER_OF = Dimension(
    name="number",
    part="Number",
    read=parse_number,
    show=format_number,
    examples=("0.35", "3", "10k"),
    pattern=rf"^\s*{_GRAMMAR}\s*$",
    description="A number without a unit, not negative: 0.35, 3, 10k.",
    plain={"type": "number", "minimum": 0},
)
