"""What a claim expects: ``<50ms``, ``>=80%, <=90%``, ``2.3s ±10%``."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, WithJsonSchema

from simulator.quantities.grammar import QUANTITY_SYNTAX, QuantityError, shown
from simulator.topology.formula import Formula, parse_formula

_BOUND = re.compile(r"(?P<operator><=|>=|==|!=|<|>)\s*(?P<bound>[^<>=!]+)")
_TOLERANCE = re.compile(
    r"~?\s*(?P<centre>.+?)\s*(?:±|\+/-|\+-)\s*(?P<percent>[0-9]+(?:\.[0-9]+)?)\s*%"
)

Decision = Literal["holds", "fails", "unsure"]


@dataclass(frozen=True)
class Bound:
    """One side of an expectation: an operator and a figure with its unit."""

    operator: str
    figure: Formula
    factor: float = 1.0

    def holds(self, value: float, bound: float) -> bool:
        """Whether a value known exactly is on the right side of the bound in the same unit."""
        # the width of a tolerance goes outwards from a negative figure too
        limit = bound * (self.factor if bound >= 0.0 else 2.0 - self.factor)
        return {
            "<": value < limit,
            "<=": value <= limit,
            ">": value > limit,
            ">=": value >= limit,
            "==": value == limit,
            "!=": value != limit,
        }[self.operator]

    def decide(self, value: float, low: float, high: float, bound: float) -> Decision:
        """Judge an interval: all of it on the right side holds, on the wrong side fails."""
        ends = {self.holds(low, bound), self.holds(high, bound), self.holds(value, bound)}
        if len(ends) == 2:
            return "unsure"
        return "holds" if ends.pop() else "fails"


@dataclass(frozen=True)
class Expected:
    """Bounds that have to hold together, and the text they were read from."""

    text: str
    bounds: tuple[Bound, ...]


def parse_expected(value: object) -> Expected:
    """Read an expectation; raises QuantityError."""
    if not isinstance(value, str) or not value.strip():
        raise _refuse(value)
    text = value.strip()
    tolerance = _TOLERANCE.fullmatch(text)
    if tolerance is not None:
        centre = parse_formula(tolerance["centre"])
        width = float(tolerance["percent"]) / 100.0
        return Expected(text, (Bound(">=", centre, 1.0 - width), Bound("<=", centre, 1.0 + width)))
    bounds = []
    for part in text.split(","):
        match = _BOUND.fullmatch(part.strip())
        if match is None:
            raise _refuse(value)
        bounds.append(Bound(match["operator"], parse_formula(match["bound"])))
    return Expected(text, tuple(bounds))


def _refuse(value: object) -> QuantityError:
    return QuantityError(
        QUANTITY_SYNTAX,
        f"got {shown(value)}, expected an operator and a bound",
        "write it like <50ms, >=99.9%, 2.3s ±10%",
    )


def _expected(value: Any) -> Any:
    return value if isinstance(value, Expected) else parse_expected(value)


ExpectedText = Annotated[
    Expected,
    BeforeValidator(_expected),
    WithJsonSchema(
        {
            "type": "string",
            "description": "An operator and a bound with its unit, several, or ±: 2.3s ±10%.",
            "examples": ["<50ms", ">=80%, <=90%", "2.3s ±10%"],
        }
    ),
]
