"""From the document to a distribution: the families by name, and the shorthands.

::

    distribution ::= quantity                              a constant
                   | "~" quantity ".." quantity            lognormal by its 5th and 95th percentile
                   | {p50: quantity, p99: quantity}        lognormal; with more, percentiles
                   | {family: {parameter: value, ...}}     any family
                   | {family: value}                       a family of one parameter
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from simulator.quantities.count import parse_count, parse_number
from simulator.quantities.distributions.base import Distribution, Role, impossible
from simulator.quantities.distributions.choice import Choice
from simulator.quantities.distributions.constants import Constant
from simulator.quantities.distributions.lognormal import Lognormal
from simulator.quantities.distributions.percentiles import Percentiles, percentile_of
from simulator.quantities.grammar import (
    QUANTITY_SYNTAX,
    Dimension,
    QuantityError,
    bare_number,
    shown,
)
from simulator.quantities.refusal import (
    MISSING,
    SEVERAL_KEYS,
    UNKNOWN_FIELD,
    UNKNOWN_KIND,
    WRONG_FORM,
    Refusals,
    nearest,
)

_DEEPEST = 8
"""Mixtures within mixtures; deeper ones are a mistake or an attack."""


@dataclass(frozen=True)
class Reader:
    """Reads the distributions of one dimension; ``labels`` allows choices between texts."""

    dimension: Dimension
    labels: bool = False
    whole: bool = False
    bound: float = math.inf
    depth: int = 0

    def distribution(self, value: Any) -> Distribution:
        """Read a distribution; raises ValidationError with places inside the value."""
        if isinstance(value, Distribution):
            return value
        if self.depth > _DEEPEST:
            raise impossible("distributions are nested too deep")
        deeper = Reader(self.dimension, self.labels, self.whole, self.bound, self.depth + 1)
        refusals = Refusals("distribution")
        read = deeper.mapping if isinstance(value, dict) else deeper.scalar
        found = refusals.attempt((), read, value)
        refusals.raise_if_any()
        assert found is not None
        return found

    def scalar(self, value: Any) -> Distribution:
        """Read a bare quantity, an interval ``~a..b``, or a label."""
        text = value.strip() if isinstance(value, str) else ""
        low, dots, high = text.removeprefix("~").partition("..")
        if dots and text.startswith("~"):
            given = {"p5": self.quantity(low.strip()), "p95": self.quantity(high.strip())}
            if given["p95"] < given["p5"]:
                raise impossible(f"got {shown(value)}, whose end lies below its start")
            return self.checked(Lognormal, given)
        if dots:
            raise QuantityError(
                QUANTITY_SYNTAX,
                f"got {shown(value)}, expected {self.expected}",
                f"write ~{text} for a lognormal whose middle 90% this is",
            )
        if self.labels and text[:1].isalpha() and text.replace("_", "").replace("-", "").isalnum():
            return Choice((text,), (1.0,))
        try:
            return self.bounded(Constant(self.quantity(value)))
        except QuantityError as refusal:
            if refusal.type != QUANTITY_SYNTAX or bare_number(value) is not None:
                raise
            raise QuantityError(
                QUANTITY_SYNTAX, f"got {shown(value)}, expected {self.expected}", refusal.hint
            ) from None

    def mapping(self, value: dict[str, Any]) -> Distribution:
        """Read the shorthand by percentiles, or a family by its name."""
        refusals = Refusals("distribution")
        if value and all(percentile_of(str(key)) for key in value):
            if len(value) == 1:
                text = f"one percentile does not make {self.expected}"
                refusals.add(WRONG_FORM, text, (), value, "add a second one, such as p99")
                refusals.raise_if_any()
            return self.parametric(Lognormal if len(value) == 2 else Percentiles, value)
        if len(value) != 1:
            text = "a distribution is a mapping with one key, the name of its family"
            hint = "for example {lognormal: {median: 40ms, p99: 200ms}}"
            refusals.add(SEVERAL_KEYS, text, (), value, hint)
            refusals.raise_if_any()
        ((name, parameters),) = value.items()
        family = Distribution.families.get(name)
        if family is None or (family.whole and not self.whole):
            self._refuse_family(name, refusals, value)
        assert family is not None
        try:
            found = refusals.attempt((name,), lambda them: family.read(them, self), parameters)
        except (OverflowError, ZeroDivisionError, ValueError) as error:
            # Pydantic's own errors are ValueErrors too, and `attempt` has taken them.
            raise impossible(f"the parameters of `{name}` are too extreme") from error
        refusals.raise_if_any()
        assert found is not None
        return found

    def _refuse_family(self, name: str, refusals: Refusals, value: dict[str, Any]) -> None:
        known = [
            family.name
            for family in Distribution.families.values()
            if (self.whole or not family.whole) and (self.labels or family is not Choice)
        ]
        close = nearest(name, known)
        hint = f"did you mean `{close}`?" if close else "known: " + ", ".join(sorted(known))
        text = f"unknown distribution `{name}`"
        if name in Distribution.families:
            text = f"`{name}` draws whole numbers, and this is {self.dimension.article_name}"
        refusals.add(UNKNOWN_KIND, text, (name,), value, hint)
        refusals.raise_if_any()

    def parametric(self, family: type[Distribution], value: Any) -> Distribution:
        """Read the parameters of a family and build it."""
        refusals = Refusals(family.name)
        if not isinstance(value, dict):
            alone = [form[0] for form in family.forms if len(form) == 1]
            if not alone or isinstance(value, list) or value is None:
                text = f"`{family.name}` needs its parameters, got {shown(value)}"
                refusals.add(WRONG_FORM, text, (), value, f"{{{family.name}: {family.example}}}")
                refusals.raise_if_any()
            return self.checked(family, {alone[0]: self._parameter(family, alone[0], value)})
        fields = self.fields(family, value, refusals)
        given = {
            name: refusals.attempt((name,), partial(self._parameter, family, name), item)
            for name, item in fields.items()
        }
        refusals.raise_if_any()
        numbers = {name: number for name, number in given.items() if number is not None}
        try:
            return self.checked(family, numbers)
        except PydanticCustomError as refusal:
            parameter = (refusal.context or {}).get("parameter")
            place = (parameter,) if parameter in value else ()
            raise _at(refusal, place, value) from None

    def fields(self, family: type[Distribution], value: Any, refusals: Refusals) -> dict[str, Any]:
        """The known parameters of a mapping that together describe the family; notes the rest."""
        if not isinstance(value, dict):
            text = f"`{family.name}` needs its parameters, got {shown(value)}"
            refusals.add(WRONG_FORM, text, (), value, f"{{{family.name}: {family.example}}}")
            return {}
        unknown = [name for name in value if family.role(name) is None]
        for name in unknown:
            close = nearest(name, family.parameters.keys() - value.keys())
            known = ", ".join(family.parameters)
            hint = f"did you mean `{close}`?" if close else f"`{family.name}` has: {known}"
            text = f"unknown parameter `{name}` of `{family.name}`"
            refusals.add(UNKNOWN_FIELD, text, (name,), value[name], hint)
        if not unknown and not family.fits(set(value)):
            forms = ", or ".join(" and ".join(f"`{name}`" for name in f) for f in family.forms)
            text = f"`{family.name}` needs {forms}"
            refusals.add(MISSING if len(value) < 2 else WRONG_FORM, text, (), value)
        return {name: item for name, item in value.items() if name not in unknown}

    def checked(self, family: type[Distribution], given: dict[str, float]) -> Distribution:
        """Build a family and refuse it where its moments leave the range of floats."""
        try:
            found = family.of(**given)
            # Families of whole numbers bound their parameters, and Zipf's mean is slow to sum.
            finite = family.whole or (math.isfinite(found.mean) and not math.isnan(found.scv))
        except (OverflowError, ZeroDivisionError):
            finite = False
        if not finite:
            raise impossible(f"the parameters of `{family.name}` are too extreme")
        return self.bounded(found)

    def bounded(self, found: Distribution) -> Distribution:
        """Refuse a distribution that exceeds what the dimension allows, such as a fraction of 1."""
        if self.bound < math.inf and found.quantile(1.0) > self.bound:
            raise impossible(
                f"{self.dimension.article_name} cannot exceed {self.bound:g}, but this draws more",
                "use uniform, empirical or a mixture of constants",
            )
        return found

    def quantity(self, value: Any) -> float:
        """Read a number with the unit of the dimension."""
        return self.dimension.read(value)

    def _parameter(self, family: type[Distribution], name: str, value: Any) -> float:
        role = family.role(name)
        if role is Role.COUNT:
            return parse_count(value)
        return parse_number(value) if role is Role.NUMBER else self.quantity(value)

    @property
    def expected(self) -> str:
        """What a message says is expected here."""
        return f"{self.dimension.article_name} or a distribution"


def _at(refusal: PydanticCustomError, place: tuple[Any, ...], value: Any) -> ValidationError:
    return ValidationError.from_exception_data(
        "distribution", [{"type": refusal, "loc": place, "input": value}]
    )
