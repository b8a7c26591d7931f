"""What a study varies: a path of the document and the values it takes.

::

    over    ::= path "=" values
    values  ::= value ("," value)*                 4,6,8   or   fifo,lifo
              | number ".." number [":" count [":log"]]    100..2000:12   100ms..1s:5:log

Ends may carry a unit; one that stands on one end counts for both. Between whole ends without a
unit only whole values are taken, and without a count all of them.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from simulator.studies.errors import StudyError

VALUES_MAX = 10_000
POINTS_MAX = 100_000
DEFAULT_COUNT = 8
_FORMS = "write it like rps=100..2000:12, gpu_pool.replicas=4,6,8 or timeout=100ms..1s:5:log"
_END = re.compile(r"(?P<sign>\$?)(?P<number>[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?P<unit>.*)")

Setting = tuple[str, Any]


@dataclass(frozen=True)
class Range:
    """A path and the values it takes, in order."""

    path: str
    values: tuple[Any, ...]
    low: float | None = None
    high: float | None = None
    shape: tuple[str, str, bool, bool] | None = None
    """Prefix, unit, whether whole, whether logarithmic: how to make a value between the ends."""

    def between(self, share: float) -> Any:
        """The value at a share (0 to 1) of the range; of a list, the one at that position."""
        if self.low is None or self.high is None or self.shape is None:
            return self.values[min(int(share * len(self.values)), len(self.values) - 1)]
        return _worded(_between(self.low, self.high, share, self.shape[3]), self.shape)


def parse_range(text: str, flag: str = "--over") -> Range:
    """Read ``PATH=VALUES``; raises StudyError."""
    path, separator, words = text.partition("=")
    path, words = path.strip(), words.strip()
    if not separator or not path:
        raise StudyError(f"{flag}: `{text}` is not of the form PATH=RANGE", _FORMS)
    if not words:
        raise StudyError(f"{flag} {path}: the range is empty", _FORMS)
    if ".." in words:
        return _interval(path, words, flag)
    values = tuple(_value(word.strip()) for word in words.split(",") if word.strip())
    if not values:
        raise StudyError(f"{flag} {path}: the range `{words}` is empty", _FORMS)
    return Range(path, values)


def grid(ranges: Sequence[Range]) -> list[tuple[Setting, ...]]:
    """Every combination of the values, the last range changing fastest."""
    total = math.prod(len(item.values) for item in ranges)
    if total > POINTS_MAX:
        raise StudyError(
            f"the grid has {total} points, more than {POINTS_MAX}", "use fewer values, or --lhs N"
        )
    paths = [item.path for item in ranges]
    return [
        tuple(zip(paths, values, strict=True))
        for values in product(*(item.values for item in ranges))
    ]


def latin_hypercube(ranges: Sequence[Range], count: int, seed: int) -> list[tuple[Setting, ...]]:
    """``count`` points such that each range, cut in ``count`` equal parts, has one in every part.

    Source: M. McKay, R. Beckman, W. Conover, Technometrics 21 (1979).
    """
    from scipy.stats import qmc

    if not 1 <= count <= POINTS_MAX:
        raise StudyError(f"--lhs: got {count}, it must be between 1 and {POINTS_MAX}")
    shares = qmc.LatinHypercube(d=len(ranges), rng=seed).random(count)
    return [
        tuple(
            (item.path, item.between(float(share))) for item, share in zip(ranges, row, strict=True)
        )
        for row in shares
    ]


def _interval(path: str, words: str, flag: str) -> Range:
    ends, *more = words.split(":")
    first, _, last = ends.partition("..")
    matches = [_END.fullmatch(end.strip()) for end in (first, last)]
    if matches[0] is None or matches[1] is None:
        raise StudyError(f"{flag} {path}: cannot read the range `{words}`", _FORMS)
    units = [match["unit"].strip() for match in matches if match is not None]
    unit = units[1] or units[0]
    if units[0] and units[1] and units[0] != units[1]:
        raise StudyError(
            f"{flag} {path}: `{words}` mixes the units {units[0]} and {units[1]}",
            "write both ends in the same unit",
        )
    low, high = (float(match["number"]) for match in matches if match is not None)
    whole = not unit and all(
        "." not in m["number"] and "e" not in m["number"] for m in matches if m
    )
    log = "log" in more
    counts = [word for word in more if word != "log"]
    if len(counts) > 1 or any(not word.isdigit() for word in counts):
        raise StudyError(f"{flag} {path}: cannot read the range `{words}`", _FORMS)
    if low > high:
        raise StudyError(f"{flag} {path}: the range `{words}` is empty", "the lower end goes first")
    if log and low <= 0.0:
        raise StudyError(f"{flag} {path}: a logarithmic range has to start above 0")
    count = int(counts[0]) if counts else 0
    if counts and not 1 <= count <= VALUES_MAX:
        raise StudyError(
            f"{flag} {path}: the range `{words}` is empty"
            if count == 0
            else f"{flag} {path}: got {count} values, at most {VALUES_MAX}"
        )
    if not count:
        count = int(high - low) + 1 if whole else DEFAULT_COUNT
    if count > VALUES_MAX:
        raise StudyError(
            f"{flag} {path}: `{words}` has {count} values, more than {VALUES_MAX}",
            f"say how many to take: {path}={first}..{last}:12",
        )
    sign = next((match["sign"] for match in matches if match is not None and match["sign"]), "")
    shape = (sign, unit, whole, log)
    shares = [0.0] if count == 1 else [place / (count - 1) for place in range(count)]
    values = [_worded(_between(low, high, share, log), shape) for share in shares]
    return Range(path, tuple(dict.fromkeys(values)), low, high, shape)


def _between(low: float, high: float, share: float, log: bool) -> float:
    if log:
        return float(low * math.pow(high / low, share))
    return low + (high - low) * share


def _worded(value: float, shape: tuple[str, str, bool, bool]) -> Any:
    sign, unit, whole, _ = shape
    if whole:
        return round(value)
    text = f"{value:.6g}"
    return f"{sign}{text}{unit}" if sign or unit else float(text)


def _value(word: str) -> Any:
    for read in (int, float):
        try:
            return read(word)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(word, word)
