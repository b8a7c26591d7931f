"""The estimates of a design, computed with units and compared with what the document says."""

import math
import re
from dataclasses import dataclass, replace
from typing import Any

from simulator.quantities import three_digits
from simulator.quantities.grammar import with_multiplier
from simulator.quantities.grouping import grouped
from simulator.topology.estimates import (
    PER_CENT,
    TIMES,
    Documented,
    Estimate,
    Given,
    read_unit,
)
from simulator.topology.formula import (
    Formula,
    FormulaError,
    evaluate,
    unit_dimensions,
)
from simulator.topology.model import Topology
from simulator.topology.units import UNITS, UnitWord, thing, unit_named, unit_registry

AGREES = 0.05
CLOSE = 0.20
DATA = ("byte", "KB", "MB", "GB", "TB", "PB", "EB")
TIME = ("us", "ms", "s", "min", "h", "day", "year")
DEPTH_MAX = 50
PLAIN = r"[0-9.eE+_]+[kKMBT]?"
"""A number without a unit."""
NOUN = re.compile(r"\[\s*([A-Za-z_][A-Za-z0-9_]*)\s*\]")
"""A counted thing as formulas write it: ``[drivers]``."""


@dataclass(frozen=True)
class Computed:
    """An estimate with its value.

    ``verdict`` is agrees, close, off, wrong unit, computed (nothing documented) or no value;
    ``factor`` is computed over documented. ``value`` is in ``unit``.
    """

    name: str
    text: str | None
    value: float | None
    unit: str
    shown: str
    exact: str
    derivation: str
    documented: str | None
    verdict: str
    factor: float | None
    section: str | None
    document: str | None
    note: str | None

    @property
    def finding(self) -> str:
        """The verdict in a few words, with the factor where there is one."""
        if self.verdict in ("agrees", "computed") or self.factor is None:
            return self.verdict
        return f"{self.verdict}: {times(self.factor)} the document's figure"


def times(factor: float) -> str:
    """A factor as one says it: ``1.4 times``, ``1/3600 of``."""
    if factor <= 0 or not math.isfinite(factor):
        return f"{factor:g} times"
    return f"{three_digits(factor)} times" if factor >= 0.1 else f"1/{three_digits(1 / factor)} of"


class Arithmetic:
    """Values of the names of a topology: what is given, and estimates, computed when asked for."""

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self.known: dict[str, Any] = {}
        self.open: list[str] = []

    def value(self, formula: Formula) -> Any:
        """The value of a formula, a pint quantity; raises FormulaError."""
        registry = unit_registry()
        result = evaluate(formula.tree, self.word, lambda name: registry.Quantity(1.0, thing(name)))
        found = result if hasattr(result, "units") else registry.Quantity(result, "")
        if not math.isfinite(float(found.magnitude)):
            raise FormulaError("it is not a finite number")
        return found

    def word(self, word: str) -> Any:
        """The value of a name or a unit."""
        if word in self.known:
            return self.known[word]
        formula = self.formula(word)
        if formula is None:
            unit = unit_named(word)
            if unit is None:
                raise FormulaError(f"`{word}` is no unit, nothing given and no estimate")
            return unit_registry().Quantity(1.0, unit)
        if word in self.open or len(self.open) > DEPTH_MAX:
            raise FormulaError(f"`{word}` is computed from itself")
        self.open.append(word)
        try:
            self.known[word] = self.value(formula)
        finally:
            self.open.pop()
        return self.known[word]

    def formula(self, name: str) -> Formula | None:
        """The formula behind a name; None if it is none of ours."""
        if name in self.topology.given:
            return self.topology.given[name].value
        found = self.topology.estimates.get(name)
        return found.formula if found is not None else None

    def shown(self, name: str) -> str:
        """A name's value in a derivation: a given number as it is written, else computed."""
        given = self.topology.given.get(name)
        if given is not None and all(self.formula(word) is None for word in given.value.words):
            return as_said(given.value.text)
        _, unit, text = self.said(self.word(name), self.topology.estimates.get(name))
        return text.removesuffix(TIMES) if unit == TIMES else text

    def said(self, quantity: Any, estimate: Estimate | None) -> tuple[float, str, str]:
        """A value, its unit and both as a text, in the unit that the estimate asks for.

        Plain numbers are per cent where the unit or the documented figure is, else things that
        the unit counts, else times (``x``).
        """
        unit = estimate.unit if estimate is not None else None
        documented = estimate.documented if estimate is not None else None
        wanted = None
        if unit is not None:
            wanted = self.value(unit)
        elif documented is not None:
            wanted = self.value(documented.low)
        value, shown_unit, text = readable(quantity, wanted)
        if shown_unit:
            return value, shown_unit, text
        by_document = documented is not None and PER_CENT in documented.text
        if (unit is None and by_document) or (unit is not None and unit.text == PER_CENT):
            return 100.0 * value, PER_CENT, share_text(value)
        counted = readable(wanted)[1] if unit is not None else ""
        return value, counted or TIMES, with_unit(quantity_text(value, {}), counted or TIMES)

    def derivation(self, formula: Formula) -> str:
        """The formula with names replaced by their values, as one writes it on a board.

        An estimate that stands alone is written as its own formula.
        """
        alone = self.topology.estimates.get(formula.text)
        if alone is not None:
            return self.derivation(alone.formula)
        if self.formula(formula.text) is not None:
            return self.shown(formula.text)
        text = formula.text
        for word in formula.words:
            if self.formula(word) is not None:
                shown = self.shown(word)
                shown = f"({shown})" if " " in shown or "/" in shown else shown
                text = re.sub(rf"(?<![\w.]){re.escape(word)}(?![\w.])", shown, text)
        return as_said(text)


def estimates_of(topology: Topology) -> list[Computed]:
    """Every estimate of the topology, in its order."""
    arithmetic = Arithmetic(topology)
    return [
        _computed(name, estimate, arithmetic, topology)
        for name, estimate in topology.estimates.items()
    ]


def given_of(topology: Topology) -> list[Computed]:
    """Every clarifying number, in its order."""
    arithmetic = Arithmetic(topology)
    return [_given(name, given, arithmetic, topology) for name, given in topology.given.items()]


def _given(name: str, given: Given, arithmetic: Arithmetic, topology: Topology) -> Computed:
    literal = given.value.text
    unit = given.unit or (read_unit(PER_CENT) if literal.endswith(PER_CENT) else None)
    estimate = Estimate.model_construct(
        formula=given.value,
        documented=None,
        section=given.section,
        document=given.document,
        text=given.text,
        unit=unit,
        note=given.note,
    )
    found = _computed(name, estimate, arithmetic, topology)
    if found.value is None or (given.unit is not None and found.unit == PER_CENT):
        return found
    plain = re.fullmatch(PLAIN, literal)
    return replace(found, shown=with_unit(literal, found.unit) if plain else arithmetic.shown(name))


def _computed(
    name: str, estimate: Estimate, arithmetic: Arithmetic, topology: Topology
) -> Computed:
    source = topology.source.document if topology.source is not None else None
    documented = estimate.documented
    value: float | None = None
    unit, shown, exact, factor, note = "", "–", "–", None, estimate.note
    derivation = estimate.formula.text
    try:
        quantity = arithmetic.value(estimate.formula)
        value, unit, shown = arithmetic.said(quantity, estimate)
        exact = with_unit(_seven_digits(value), unit)
        written = arithmetic.derivation(estimate.formula)
        derivation = shown if written == shown else f"{written} = {shown}"
        verdict = "computed"
        if documented is not None:
            verdict, factor = _compare(quantity, documented, arithmetic)
    except FormulaError as error:
        verdict, note = "no value", f"{error}"
    return Computed(
        name=name,
        text=estimate.text,
        value=value,
        unit=unit,
        shown=shown,
        exact=exact,
        derivation=derivation,
        documented=_documented(documented, unit),
        verdict=verdict,
        factor=factor,
        section=estimate.section,
        document=estimate.document or (source if estimate.section else None),
        note=note,
    )


def with_unit(number: str, unit: str) -> str:
    """A number and its unit as one writes them: ``4.2x``, ``15%``, ``3 GB``, ``7/s``."""
    glued = unit in (PER_CENT, TIMES) or unit.startswith("/")
    return f"{number}{unit}" if glued or not unit else f"{number} {unit}"


def share_text(share: float) -> str:
    """Per cent, three digits; near a hundred as many as tell it from a hundred."""
    value = 100.0 * share
    number = three_digits(value) if not 99.0 < value < 100.0 else f"{value:.5g}"
    return with_unit(number, PER_CENT)


def as_said(text: str) -> str:
    """A formula or a figure as one says it, without the brackets around counted things."""
    return NOUN.sub(r"\1", text)


def _documented(documented: Documented | None, unit: str) -> str | None:
    """The documented figure; a plain number with what it is a number of."""
    if documented is None or not re.fullmatch(PLAIN, documented.text):
        return as_said(documented.text) if documented is not None else None
    if unit == PER_CENT:
        share = 100.0 * float(documented.low.tree.value)
        return f"{documented.text} ({three_digits(share)}%)"
    return with_unit(documented.text, unit)


def _seven_digits(value: float) -> str:
    """A number without an exponent, thousands apart."""
    size = f"{abs(value):.7g}"
    if "e+" in size:
        size = f"{abs(value):.0f}"
    if "e" not in size:
        whole, point, rest = size.partition(".")
        size = grouped(int(whole)) + point + rest
    return f"-{size}" if value < 0 else size


def _compare(
    quantity: Any, documented: Documented, arithmetic: Arithmetic
) -> tuple[str, float | None]:
    low, high = arithmetic.value(documented.low), arithmetic.value(documented.high)
    if unit_dimensions(quantity) != unit_dimensions(low):
        return "wrong unit", None
    base = float(quantity.to_base_units().magnitude)
    ends = sorted(float(end.to_base_units().magnitude) for end in (low, high))
    if ends[0] <= base <= ends[1]:
        return "agrees", 1.0
    nearest = min(ends, key=lambda end: abs(end - base))
    if nearest == 0:
        return "off", None
    factor = base / nearest
    distance = max(factor, 1 / factor) - 1 if factor > 0 else math.inf
    verdict = "agrees" if distance <= AGREES else "close" if distance <= CLOSE else "off"
    return verdict, factor


def readable(quantity: Any, wanted: Any = None) -> tuple[float, str, str]:
    """A quantity in a unit one would say: its value, the unit, and both as a text."""
    if wanted is not None and unit_dimensions(quantity) == unit_dimensions(wanted):
        found = quantity.to(wanted.units)
    else:
        found = _said(quantity)
    value = float(found.magnitude)
    powers = {str(unit): power for unit, power in found.unit_items()}
    return value, unit_text(powers, 2.0), quantity_text(value, powers)


def _said(quantity: Any) -> Any:
    """The quantity in its own units, simplified; data and time in the prefix that fits."""
    found = _expanded(quantity).to_reduced_units()
    dimensions = {name.strip("[]"): power for name, power in unit_dimensions(found).items()}
    registry = unit_registry()
    if dimensions == {"time": 1}:
        return _fitting(found, [registry.Unit(name) for name in TIME])
    if dimensions == {"data": 1}:
        return _fitting(found, [registry.Unit(name) for name in DATA])
    if dimensions == {"request": 1, "time": -1} and abs(found.to("rps").magnitude) >= 1.0:
        return found.to("rps")
    if dimensions == {"data": 1, "time": -1}:
        periods = [str(unit) for unit, power in found.unit_items() if power == -1]
        period = registry.Unit(periods[0] if periods else "s")
        return _fitting(found, [registry.Unit(name) / period for name in DATA])
    return found


def _expanded(quantity: Any) -> Any:
    """Without units that are short for two, so that what can cancel does: rps times seconds."""
    registry = unit_registry()
    units = registry.Unit("")
    for unit, power in quantity.unit_items():
        definition = UNITS[str(unit)].definition if str(unit) in UNITS else ""
        parts = definition.split(" / ")
        short = len(parts) == 2 and all(part in UNITS for part in parts)
        one = registry.Unit(parts[0]) / registry.Unit(parts[1]) if short else registry.Unit(unit)
        units = units * one**power
    return quantity.to(units)


def _fitting(quantity: Any, units: list[Any]) -> Any:
    """In the largest of the units in which the value is at least 1."""
    best = quantity.to(units[0])
    for unit in units[1:]:
        larger = quantity.to(unit)
        if abs(float(larger.magnitude)) < 1.0 - 1e-9:
            break
        best = larger
    return best


def unit_text(powers: dict[str, float], value: float = 1.0) -> str:
    """Units as one writes them: ``GPUs``, ``requests/day``, ``USD/GPU/h``."""
    above = [name for name, power in powers.items() if power > 0]
    below = [name for name, power in powers.items() if power < 0]
    text = "·".join(_power(_word(name).shown(value), powers[name]) for name in above)
    return text + "".join(f"/{_power(_word(name).name, -powers[name])}" for name in below)


def _word(name: str) -> UnitWord:
    return UNITS.get(name) or UnitWord(name.removeprefix("thing_"))


def _power(text: str, power: float) -> str:
    return text if power == 1 else f"{text}^{power:g}"


def quantity_text(value: float, powers: dict[str, float]) -> str:
    """A value with its unit, rounded to three digits as one says it aloud."""
    number = with_multiplier(value) if abs(value) >= 10_000 else three_digits(value)
    if powers.get("USD") == 1:
        rest = unit_text({name: power for name, power in powers.items() if name != "USD"})
        return f"${number}{rest if rest.startswith('/') or not rest else f' {rest}'}"
    unit = unit_text(powers, value)
    return f"{number}{unit}" if unit.startswith("/") or not unit else f"{number} {unit}"


__all__: list[str] = [
    "Arithmetic", "Computed", "as_said", "estimates_of", "given_of", "quantity_text", "readable",
    "share_text", "times", "unit_text", "with_unit",
]  # fmt: skip
