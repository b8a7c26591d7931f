"""Durations: ``250ms``, ``1m30s``, ``2h``, ``7d``, ``50us``, read to seconds and printed back.

Grammar (no spaces inside one part)::

    duration ::= "0" | part part*
    part     ::= number unit
    unit     ::= "ns" | "us" | "µs" | "ms" | "s" | "m" | "min" | "h" | "d" | "w"

Parts go from the largest unit to the smallest, each at most once. A bare number is refused: the
document never leaves open whether 500 is half a second or eight minutes.
"""

import re

from simulator.quantities.grammar import (
    IMPOSSIBLE_VALUE,
    NUMBER,
    Dimension,
    QuantityError,
    refuse_syntax,
    refuse_unless_possible,
    shown,
    text_of,
    three_digits,
)

SECONDS = {
    "w": 604_800.0,
    "d": 86_400.0,
    "h": 3_600.0,
    "min": 60.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 1e-3,
    "us": 1e-6,
    "µs": 1e-6,
    "ns": 1e-9,
}
"""Seconds in each unit of a duration."""

LONGEST_S = 100_000 * 365 * 86_400.0
"""A longer duration is a slip of the pen."""

_PER_SECOND = {"ms": 1e3, "us": 1e6, "µs": 1e6, "ns": 1e9}
_UNITS = "|".join(sorted(SECONDS, key=len, reverse=True))
_PART = re.compile(rf"({NUMBER})\s?({_UNITS})(?![A-Za-zµ.])\s*")
_WHAT = "a duration"
_FORMS = "250ms, 30s, 1m30s, 2h, 7d"
_PATTERN = rf"^\s*(({NUMBER})\s?({_UNITS})\s*)+$"


def parse_duration(value: object) -> float:
    """Read a duration of the document to seconds; raises QuantityError."""
    text = text_of(value, _WHAT, _FORMS, "{0}ms, {0}s")
    if text is None:
        return 0.0
    seconds, position, last_unit = 0.0, 0, float("inf")
    while position < len(text):
        part = _PART.match(text, position)
        if part is None:
            raise refuse_syntax(value, _WHAT, _FORMS)
        number, unit = part.groups()
        if SECONDS[unit] >= last_unit:
            raise refuse_syntax(value, _WHAT, _FORMS)
        last_unit = SECONDS[unit]
        # Dividing keeps 250ms the float nearest to 0.25; multiplying by 0.001 would not.
        whole = unit not in _PER_SECOND
        seconds += float(number) * SECONDS[unit] if whole else float(number) / _PER_SECOND[unit]
        position = part.end()
    if not text:
        raise refuse_syntax(value, _WHAT, _FORMS)
    if LONGEST_S < seconds < float("inf"):
        raise QuantityError(
            IMPOSSIBLE_VALUE, f"got {shown(value)}, which is more than 100 000 years"
        )
    return refuse_unless_possible(value, seconds, _WHAT)


def is_duration(text: str) -> bool:
    """Whether a text is a duration with its unit."""
    return re.fullmatch(_PATTERN, text) is not None


def format_duration(seconds: float) -> str:
    """Print seconds with three significant digits in the unit that reads best: 418ms, 10m."""
    if seconds < 0:
        return f"-{format_duration(-seconds)}"
    rounded = float(three_digits(seconds)) if seconds < 1e15 else seconds
    if rounded == 0 or rounded != rounded or rounded == float("inf"):
        return "0s" if rounded == 0 else str(rounded)
    for unit, floor in (("d", 172_800.0), ("h", 3_600.0), ("m", 60.0), ("s", 1.0), ("ms", 1e-3)):
        if rounded >= floor:
            return three_digits(seconds / SECONDS[unit]) + unit
    small, unit = (1e6, "us") if rounded >= 1e-6 else (1e9, "ns")
    return three_digits(seconds * small) + unit


def told_duration(seconds: float) -> str:
    """A duration as people read it: parts of minutes are told in seconds, 106s, not 1.76m."""
    text = format_duration(seconds)
    if text.endswith("m") and "." in text:
        return f"{seconds:.3g}s" if seconds < 1000.0 else f"{seconds / 60.0:.3g}min"
    return text


DURATION = Dimension(
    name="duration",
    part="Duration",
    read=parse_duration,
    show=format_duration,
    examples=("250ms", "30s", "1m30s", "2h", "7d"),
    pattern=_PATTERN,
    description="A duration with its unit (ns, us, ms, s, m, h, d, w), or 0.",
    plain={"const": 0},
)
