"""Figures as one says them aloud, with the exact value beside."""

import math
import re
from dataclasses import dataclass

from simulator.quantities import three_digits
from simulator.quantities.grammar import with_multiplier
from simulator.quantities.grouping import grouped
from simulator.topology.units import UNITS, unit_named

SHARE = "share"
NAMED = ("p", "z")
"""Statistics that are written with their name, ``p = 0.03``."""
STABLE = {1.0: "stable", 0.0: "not stable"}
LONG_UNIT = re.compile(r"[ /][A-Za-z][^ ]{3,}( .*)?$| per .*$")
"""A unit that is written once behind a value and its interval."""
GLUED = re.compile(r"(?<![\w.])([0-9.]+)(us|ms|s|m|min|h|d)\b")
"""A duration in one unit, without a space before it."""
PERIODS = {"m": "min", "d": "days"}
RATIO = "x"
FAR = 100.0
"""How many times a value the end of its interval is counted in the same unit."""
HARDLY_ANY = 5e-4
"""Mean number of calls that one says to be none."""
NEAR_ONE = 0.1
"""How near to 1 a ratio is said by what it is more or less: 1.03x, not 1x."""
SECONDS = ("s", 1.0, 100.0)
SCALES = (
    ("ns", 1e-9, 1e-6),
    ("us", 1e-6, 1e-3),
    ("ms", 1e-3, 1.0),
    SECONDS,
    ("min", 60.0, 6_000.0),
    ("h", 3_600.0, 172_800.0),
    ("days", 86_400.0, math.inf),
)
"""Units of a duration: name, seconds, and up to how many seconds one counts in it."""


@dataclass(frozen=True)
class Figure:
    """A value with its unit, and perhaps an interval.

    Units are those of :mod:`simulator.studies.metric_units`; there is no figure without one.
    """

    value: float | None
    unit: str
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        assert self.unit, "a figure has a unit"

    @property
    def aloud(self) -> str:
        """Rounded to what one remembers."""
        return aloud(self.value, self.unit)

    @property
    def exact(self) -> str:
        """With five digits, and the interval if there is one to see."""
        if self.value is None:
            return "–"
        text = exact(self.value, self.unit)
        if self.low is None or self.high is None or self.low == self.high:
            return text
        near = [abs(end) < FAR * abs(self.value) for end in (self.low, self.high)]
        ends = [
            exact(end, self.unit, beside=self.value if close else None)
            for end, close in zip((self.low, self.high), near, strict=True)
        ]
        if ends[0] == ends[1]:
            return text
        unit = LONG_UNIT.search(text)
        if unit is not None and all(end.endswith(unit[0]) for end in ends):
            text, *ends = (part.removesuffix(unit[0]) for part in (text, *ends))
            return f"{text} [{', '.join(ends)}]{unit[0]}"
        return f"{text} [{', '.join(ends)}]"

    @property
    def both(self) -> str:
        """What one says, with the exact value and its interval in brackets."""
        if self.value is None:
            return "–"
        return self.aloud if self.exact == self.aloud else f"{self.aloud} ({self.exact})"

    def judged(self, bound: str | None) -> str:
        """What one says, and the exact value alone where one would say the bound itself."""
        whole = rf"(?<![\d.]){re.escape(self.aloud.replace(' ', ''))}(?!\w)"
        return self.exact if re.search(whole, (bound or "").replace(" ", "")) else self.both

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
    if unit == "calls" and abs(value) < HARDLY_ANY:
        value = 0.0
    rounded = _rounded(value, 2)
    if unit == RATIO and abs(value - 1.0) < NEAR_ONE:
        rounded = round(value, 2) if round(value, 2) != 1.0 else round(value, 3)
    if unit == "s":
        name, size, _ = _scale(value)
        return _with_unit(three_digits(_rounded(value / size, 2)), name)
    if unit == "points":
        return _with_unit(three_digits(_rounded(100.0 * value, 2)), unit)
    return _with_unit(with_multiplier(rounded), unit)


def exact(value: float, unit: str, beside: float | None = None) -> str:
    """The value with five significant digits; a duration as one ``beside`` it is counted."""
    if not math.isfinite(value):
        return "–"
    if unit == SHARE:
        return f"{100.0 * value:.4f}".rstrip("0").rstrip(".") + "%"
    if unit == "s":
        name, size, _ = _scale(value if beside is None else beside)
        return _with_unit(_digits(value / size, 4), name)
    return _with_unit(_digits(100.0 * value if unit == "points" else value, 5), unit)


def _scale(seconds: float) -> tuple[str, float, float]:
    """The unit in which one counts a duration: 99 s, but 2 min."""
    size = abs(_rounded(seconds, 2))
    return next(scale for scale in SCALES if size < scale[2]) if size else SECONDS


def _with_unit(number: str, unit: str) -> str:
    if unit.startswith("USD"):
        rest = unit.removeprefix("USD")
        sign, digits = ("-", number[1:]) if number.startswith("-") else ("", number)
        return f"{sign}${digits}{rest.replace('/1k requests', ' per 1k requests')}"
    if unit == "stable":
        return STABLE.get(float(number), f"{number} of 1")
    if unit in NAMED:
        return f"{unit} = {number}"
    if unit in (RATIO, "%") or unit.startswith("/"):
        return f"{number}{unit}"
    return f"{number} {_single(unit) if number == '1' else unit}"


def _single(unit: str) -> str:
    """The unit of one: ``GPU`` for ``GPUs``, ``day`` for ``days``."""
    thing, slash, period = unit.partition("/")
    known = unit_named(thing)
    return (UNITS[known].name if known is not None else thing) + slash + period


def _digits(value: float, count: int) -> str:
    if value == 0:
        return "0"
    places = max(0, count - 1 - math.floor(math.log10(abs(value))))
    text = grouped(value, places)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _rounded(value: float, digits: int) -> float:
    if value == 0:
        return 0.0
    # Up from the middle, as one says it: 42.5 is 43, not the even 42.
    return round(value * (1.0 + 1e-12), digits - 1 - math.floor(math.log10(abs(value))))


def _percent(value: float) -> str:
    """A share: where it is near one, what is missing is rounded, so that 97.8% is not 98%."""
    if value == 0.0 or value == 1.0:
        return f"{value:.0%}"
    if 0.9 < value < 1.0:
        missing = _rounded(1.0 - value, 1 if value > 0.99 else 2)
        return f"{100.0 * (1.0 - missing):.8f}".rstrip("0").rstrip(".") + "%"
    return f"{three_digits(100.0 * (_rounded(value, 2) if abs(value) < 1.0 else round(value, 2)))}%"


def plain_words(name: str) -> str:
    """A name of a document as words: ``average_rate`` is ``average rate``."""
    return re.sub(r"[_\-]+", " ", name)


def spaced(text: str) -> str:
    """A text with its durations as figures write them: ``1.5 s`` for ``1.5s``."""
    return GLUED.sub(lambda found: f"{found[1]} {PERIODS.get(found[2], found[2])}", text)


def sentences(*parts: str | None) -> str:
    """What there is to say, each part ended: ``off: 3 times. Too little was counted.``."""
    said = [part.strip() for part in parts if part and part.strip()]
    ended = [part if part[-1] in ".!?" else f"{part}." for part in said]
    return " ".join(ended) if len(said) > 1 else "".join(said)
