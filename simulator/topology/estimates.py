"""Arithmetic of a design document: clarifying numbers, and estimates computed with units."""

import re
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from simulator.kernel.spec import Spec
from simulator.quantities.grammar import QUANTITY_SYNTAX, QuantityError, shown
from simulator.topology.formula import Formula, FormulaText, parse_formula

_RANGE = re.compile(r"\s*(?P<low>.+?)\s+to\s+(?P<high>.+?)\s*")
_ABOUT = "~≈"


class Documented(Spec):
    """A figure of a document: one value, or both ends of a range."""

    text: str
    """As the document has it."""
    low: Formula
    """The value, or the lower end."""
    high: Formula
    """The value, or the upper end."""

    @property
    def is_range(self) -> bool:
        """Whether the document gives two ends."""
        return self.low != self.high


def parse_documented(value: object) -> Documented:
    """Read ``120 rps``, ``~830 GPUs`` or ``2 to 3 TB``; raises QuantityError."""
    text = str(value).strip()
    plain = text.lstrip(_ABOUT).strip()
    match = _RANGE.fullmatch(plain)
    if match is None:
        figure = parse_formula(plain)
        return Documented(text=text, low=figure, high=figure)
    low, high = match["low"], match["high"]
    if re.fullmatch(r"\$?\s*[0-9._]+", low):
        low += re.sub(r"^\$?\s*[0-9._]+", "", high)
    return Documented(text=text, low=parse_formula(low), high=parse_formula(high))


def _documented(value: Any) -> Any:
    if isinstance(value, Documented):
        return value
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return parse_documented(value)
    raise QuantityError(
        QUANTITY_SYNTAX, f"got {shown(value)}, expected a figure", "for example 120 rps"
    )


DocumentedText = Annotated[
    Documented,
    BeforeValidator(_documented),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string"}, {"type": "number"}],
            "description": "A figure with its unit as the document has it: 120 rps, 2 to 3 TB.",
        }
    ),
]


PER_CENT = "%"
TIMES = "x"


def read_unit(value: Any) -> Any:
    """The unit ``%`` or ``x`` as a formula; anything else as it is."""
    if isinstance(value, str) and value.strip() in (PER_CENT, TIMES):
        return Formula(value.strip(), parse_formula("1%" if value.strip() == PER_CENT else 1).tree)
    return value


UnitText = Annotated[
    FormulaText,
    BeforeValidator(read_unit),
    WithJsonSchema(
        {
            "type": "string",
            "description": "A unit: GB/day. For plain numbers: %, x, or what is counted: cores.",
            "examples": ["GB/day", "%", "x", "cores"],
        }
    ),
]
"""A unit to show a figure in."""


class Given(Spec):
    """A clarifying number or a constant that formulas use."""

    value: FormulaText
    """The number with its unit."""
    unit: UnitText | None = None
    """What a plain number counts: `fields`, `%` or `x` (times, the default)."""
    text: str | None = None
    """What it is."""
    section: str | None = None
    """Heading under which the document gives it; none for an assumption of our own."""
    document: str | None = None
    """The document, if not the source of the topology."""
    note: str | None = None
    """A remark for the reader."""


class Estimate(Spec):
    """A calculation anyone can say aloud, and the figure that the document has for it."""

    formula: FormulaText
    """Arithmetic with units over numbers, names of `given` and other estimates."""
    documented: DocumentedText | None = None
    """The document's result."""
    section: str | None = None
    """Heading under which the document has the figure."""
    document: str | None = None
    """The document, if not the source of the topology."""
    text: str | None = None
    """What is estimated."""
    unit: UnitText | None = None
    """Unit to show the result in; of a plain number `%`, `x` (times, the default) or a thing."""
    note: str | None = None
    """A remark for the reader."""

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        if self.documented is not None and self.section is None:
            raise ValueError("a documented figure names its `section`, so that it can be found")
        return self


def _short(field: str) -> BeforeValidator:
    def read(value: Any) -> Any:
        return {field: value} if isinstance(value, str | int | float) else value

    return BeforeValidator(read)


GivenEntry = Annotated[Given, _short("value"), Field(description="A clarifying number.")]
"""A clarifying number, or its bare value."""

EstimateEntry = Annotated[Estimate, _short("formula"), Field(description="An estimate.")]
"""An estimate, or its bare formula."""
