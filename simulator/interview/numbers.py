"""Figures as one says them aloud, with the exact value beside."""

import math
import re
from dataclasses import dataclass

from simulator.quantities import format_duration, three_digits
from simulator.quantities.grammar import with_multiplier
from simulator.quantities.grouping import grouped

SHARE = "share"


@dataclass(frozen=True)
class Figure:
    """A value with its unit, and perhaps an interval; ``unit`` as claims name them."""

    value: float | None
    unit: str = ""
    low: float | None = None
    high: float | None = None

    @property
    def aloud(self) -> str:
        """Rounded to what one remembers."""
        return aloud(self.value, self.unit)

    @property
    def exact(self) -> str:
        """With five digits, and the interval if there is one."""
        if self.value is None:
            return "–"
        text = exact(self.value, self.unit)
        if self.low is None or self.high is None or self.low == self.high:
            return text
        return f"{text} [{exact(self.low, self.unit)}, {exact(self.high, self.unit)}]"

    @property
    def both(self) -> str:
        """What one says, with the exact value and its interval in brackets."""
        if self.value is None:
            return "–"
        return self.aloud if self.exact == self.aloud else f"{self.aloud} ({self.exact})"

    @property
    def beside(self) -> str:
        """What one says, with the exact value in brackets; for tables without room."""
        return Figure(self.value, self.unit).both


def aloud(value: float | None, unit: str) -> str:
    """The value with two significant digits: ``about`` is left to the speaker."""
    if value is None or not math.isfinite(value):
        return "–"
    if unit == SHARE:
        return _percent(value)
    rounded = _rounded(value, 2)
    if unit == "s":
        if rounded <= 0:
            return "0 s" if rounded == 0 else f"-{aloud(-value, unit)}"
        return re.sub(r"(?<=[0-9])(?=[a-z])", " ", format_duration(rounded))
    return _with_unit(with_multiplier(rounded), unit)


def exact(value: float, unit: str) -> str:
    """The value with five significant digits."""
    if not math.isfinite(value):
        return "–"
    if unit == SHARE:
        return f"{100.0 * value:.4f}".rstrip("0").rstrip(".") + "%"
    if unit == "s":
        if value == 0:
            return "0 s"
        if value < 0:
            return f"-{exact(-value, unit)}"
        for factor, name in ((1e-6, "us"), (1e-3, "ms"), (1.0, "s"), (60.0, "min"), (3600.0, "h")):
            limit = {"us": 1e-3, "ms": 1.0, "s": 120.0, "min": 7200.0, "h": math.inf}[name]
            if value < limit:
                return f"{_digits(value / factor, 4)} {name}"
    return _with_unit(_digits(value, 5), unit)


def _with_unit(number: str, unit: str) -> str:
    if unit.startswith("USD"):
        rest = unit.removeprefix("USD")
        sign, digits = ("-", number[1:]) if number.startswith("-") else ("", number)
        return f"{sign}${digits}{rest.replace('/1k requests', ' per 1k requests')}"
    if not unit:
        return number
    return f"{number}{unit}" if unit.startswith("/") else f"{number} {unit}"


def _digits(value: float, count: int) -> str:
    if value == 0:
        return "0"
    places = max(0, count - 1 - math.floor(math.log10(abs(value))))
    text = grouped(value, places)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _rounded(value: float, digits: int) -> float:
    if value == 0:
        return 0.0
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))


def _percent(value: float) -> str:
    """A share: nines are kept where it is near one."""
    if value == 0.0 or value == 1.0:
        return f"{value:.0%}"
    if 0.99 < value < 1.0:
        missing = _rounded(1.0 - value, 1)
        return f"{100.0 * (1.0 - missing):.8f}".rstrip("0").rstrip(".") + "%"
    return f"{three_digits(100.0 * _rounded(value, 2))}%"


def plain_words(name: str) -> str:
    """A name of a document as words: ``average_rate`` is ``average rate``."""
    return re.sub(r"[_\-]+", " ", name)
