"""Pass/fail lines of a run, in the grammar of k6: ``p(95)<500ms``, ``rate<1%``, ``value>0.9``.

::

    threshold   ::= aggregate operator bound
    expectation ::= operator bound
    aggregate   ::= "p(" number ")" | word           (mean, max, rate, value, per_hour, ...)
    operator    ::= "<" | "<=" | ">" | ">=" | "==" | "!="
    bound       ::= duration | rate | fraction | money | size | number

Spaces are free. ``avg`` is the mean and ``med`` and ``median`` are p(50), as in k6. Unlike there,
a bound carries its unit, and the outcome has three states, because a run only knows an interval.
"""

import math
import re
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import PlainValidator, WithJsonSchema

from simulator.quantities.count import NUMBER_OF
from simulator.quantities.duration import DURATION
from simulator.quantities.fraction import FRACTION
from simulator.quantities.grammar import (
    IMPOSSIBLE_VALUE,
    NUMBER,
    QUANTITY_SYNTAX,
    UNIT_MISSING,
    Dimension,
    QuantityError,
    bare_number,
    shown,
)
from simulator.quantities.money import USD, USD_PER_HOUR
from simulator.quantities.rate import RATE
from simulator.quantities.schema_parts import define_part
from simulator.quantities.size import SIZE

Outcome = Literal["pass", "fail", "unsure"]
DimensionName = Literal["duration", "rate", "fraction", "money", "size", "number"]

BOUNDS: dict[DimensionName, Dimension] = {
    "duration": DURATION,
    "rate": RATE,
    "fraction": FRACTION,
    "money": USD,
    "size": SIZE,
    "number": NUMBER_OF,
}
"""The dimensions of bounds by name."""

_OPERATORS = r"<=|>=|==|!=|<|>"
_AGGREGATE = rf"p\(\s*(?P<percentile>{NUMBER})\s*\)|(?P<word>[a-z][a-z0-9_]*)"
_THRESHOLD = re.compile(
    rf"\s*(?:{_AGGREGATE})?\s*(?P<operator>{_OPERATORS})\s*(?P<bound>[^\s<>=!].*?)\s*"
)
_SYNONYMS = {"avg": "mean"}
_MEDIANS = ("median", "med")
_FORMS = "p(95)<500ms, mean<=2s, rate<1%, value>0.9"
_BOUNDS = (DURATION, RATE, SIZE, USD_PER_HOUR)


@dataclass(frozen=True)
class Threshold:
    """One pass/fail line: an aggregate of a metric, an operator and a bound in SI units.

    ``percentile`` is set for ``p(...)`` alone, in percent. ``dimension`` names the unit that the
    bound was written in: duration, rate, fraction, size, amount of money, price over time, number.
    """

    aggregate: str
    percentile: float | None
    operator: str
    bound: float
    dimension: str
    text: str

    def holds(self, value: float) -> bool:
        """Whether a value known exactly is on the right side."""
        return {
            "<": value < self.bound,
            "<=": value <= self.bound,
            ">": value > self.bound,
            ">=": value >= self.bound,
            "==": value == self.bound,
            "!=": value != self.bound,
        }[self.operator]

    def evaluate(self, low: float, high: float, value: float) -> Outcome:
        """Judge the interval [low, high] around an estimate.

        All of it on the right side passes, all of it on the wrong side fails, anything else is
        unsure; so is a value that is not a number.
        """
        if any(math.isnan(number) for number in (low, high, value)):
            return "unsure"
        if self.operator in ("==", "!="):
            if low <= self.bound <= high and low < high:
                return "unsure"
            return "pass" if self.holds(low) else "fail"
        ends = {self.holds(low), self.holds(high)}
        if len(ends) == 2:
            return "unsure"
        return "pass" if ends.pop() else "fail"


def parse_threshold(value: object, dimension: Dimension | DimensionName | None = None) -> Threshold:
    """Read a threshold such as ``p(99)<800ms``; raises QuantityError.

    With a dimension, the bound is read with its grammar; otherwise the unit tells.
    """
    return _parse(value, dimension, expectation=False)


def parse_expectation(
    value: object, dimension: Dimension | DimensionName | None = None
) -> Threshold:
    """Read an operator and a bound, ``<50ms``, whose aggregate is given elsewhere: ``value``."""
    return _parse(value, dimension, expectation=True)


def _parse(
    value: object, dimension: Dimension | DimensionName | None, *, expectation: bool
) -> Threshold:
    match = _THRESHOLD.fullmatch(value) if isinstance(value, str) else None
    named = match is not None and bool(match["word"] or match["percentile"])
    if match is None or named == expectation:
        what, forms = ("an expectation", "<50ms, >=99.9%") if expectation else (
            "a threshold", _FORMS
        )  # fmt: skip
        raise QuantityError(
            QUANTITY_SYNTAX, f"got {shown(value)}, expected {what}", f"write it like {forms}"
        )
    aggregate, percentile = match["word"] or "value", None
    if match["percentile"] or aggregate in _MEDIANS:
        percentile = float(match["percentile"] or 50)
        aggregate = "p"
        if not 0 < percentile < 100:
            raise QuantityError(
                IMPOSSIBLE_VALUE,
                f"got {shown(value)}, a percentile lies between 0 and 100",
                "use min or max for the ends",
            )
    if isinstance(dimension, str):
        dimension = BOUNDS[dimension]
    found = dimension or _dimension_of(match["bound"])
    return Threshold(
        aggregate=_SYNONYMS.get(aggregate, aggregate),
        percentile=percentile,
        operator=match["operator"],
        bound=found.read(match["bound"]),
        dimension=found.name,
        text=str(value).strip(),
    )


def _dimension_of(bound: str) -> Dimension:
    """The dimension whose grammar reads the bound."""
    if bare_number(bound) is not None:
        return NUMBER_OF
    if bound.endswith("%"):
        return FRACTION
    if bound.startswith("$"):
        return USD_PER_HOUR if "/" in bound else USD
    for dimension in (*_BOUNDS, NUMBER_OF):
        try:
            dimension.read(bound)
        except QuantityError as refusal:
            if refusal.type not in (QUANTITY_SYNTAX, UNIT_MISSING):
                return dimension
        else:
            return dimension
    raise QuantityError(
        QUANTITY_SYNTAX,
        f"got the bound {shown(bound)}, expected a number with its unit",
        f"write thresholds like {_FORMS}",
    )


ThresholdLine = Annotated[
    Threshold,
    PlainValidator(lambda value: parse_threshold(value)),
    WithJsonSchema(
        define_part(
            "Threshold",
            lambda: {
                "type": "string",
                "pattern": rf"^\s*(p\(\s*({NUMBER})\s*\)|[a-z][a-z0-9_]*)\s*({_OPERATORS}).+$",
                "description": "A pass/fail line: aggregate, operator, bound with its unit.",
                "examples": _FORMS.split(", "),
            },
        )
    ),
]
"""A threshold of a document whose bound is read by its unit."""

Expectation = Annotated[
    Threshold,
    PlainValidator(lambda value: parse_expectation(value)),
    WithJsonSchema(
        define_part(
            "Expectation",
            lambda: {
                "type": "string",
                "pattern": rf"^\s*({_OPERATORS}).+$",
                "description": "An operator and a bound with its unit: <50ms, >=99.9%.",
                "examples": ["<50ms", ">=99.9%"],
            },
        )
    ),
]
"""An operator and a bound, as a claim of a document writes it."""
