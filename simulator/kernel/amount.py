"""Amounts that may depend on the request: a distribution, plus so much per attribute."""

from typing import Any, ClassVar

from pydantic import Field, GetCoreSchemaHandler, TypeAdapter
from pydantic_core import CoreSchema, core_schema

from simulator.kernel.component import Means
from simulator.kernel.references import NumberAttribute
from simulator.kernel.request import Request
from simulator.kernel.site import Measure, Site
from simulator.kernel.spec import Spec
from simulator.quantities import CountDistribution, Distribution, DurationDistribution
from simulator.quantities.distributions.constants import Constant
from simulator.quantities.schema_parts import one_or_many

NOTHING = Constant(0.0)


class PerAttribute(Spec):
    """So much for each unit of a request attribute."""

    attribute: NumberAttribute
    """Attribute of the request, a number."""
    each: Any
    """Amount per unit, drawn once per request and multiplied by the attribute."""


class DurationPer(PerAttribute):
    """A duration for each unit of a request attribute."""

    each: DurationDistribution
    """Duration per unit, drawn once per request and multiplied by the attribute."""


class CountPer(PerAttribute):
    """A number for each unit of a request attribute."""

    each: CountDistribution
    """Number per unit, drawn once per request and multiplied by the attribute."""


class Amount(Spec):
    """A distribution, or `{base: 2ms, per: {attribute: pages, each: 300ms}}`.

    `per` may be a list. The document may give the distribution by itself, without `base`.
    """

    adapter: ClassVar[TypeAdapter[Any]]
    stretches: ClassVar[bool] = False

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        structured = handler(source)
        return core_schema.no_info_wrap_validator_function(cls._read, structured)

    @classmethod
    def _read(cls, value: Any, structured: Any) -> Any:
        if isinstance(value, cls):
            return value
        if isinstance(value, dict) and ("per" in value or "base" in value):
            if isinstance(value.get("per"), dict):
                value = {**value, "per": [value["per"]]}
            return structured(value)
        fields: dict[str, Any] = {"base": cls.adapter.validate_python(value), "per": []}
        return cls.model_construct(**fields)

    @classmethod
    def other_forms(cls) -> list[dict[str, Any]]:
        return [cls.adapter.json_schema()]

    @property
    def parts(self) -> tuple[Distribution, list[Any]]:
        """The base and what is added per attribute."""
        return self.base, self.per  # type: ignore[attr-defined]

    def mean(self, attributes: Means) -> float:
        """The mean for requests with these mean attributes."""
        base, per = self.parts
        extra = sum(part.each.mean * attributes.get(part.attribute, 0.0) for part in per)
        return float(base.mean + extra)

    def measure(self, site: Site, owner: str, purpose: str) -> Measure:
        """The amount for a request."""
        base, per = self.parts
        own = self._draws(site, owner, purpose, base)
        if not per:
            return own
        slopes = [
            (part.attribute, self._draws(site, owner, f"{purpose}.{part.attribute}", part.each))
            for part in per
        ]

        def measure(request: Request) -> float:
            total = own(request)
            for attribute, each in slopes:
                total += each(request) * request.attributes[attribute]
            return total

        return measure

    def _draws(self, site: Site, owner: str, purpose: str, distribution: Distribution) -> Measure:
        if self.stretches:
            return site.durations_of(owner, purpose, distribution)
        return site.draws_of(owner, purpose, distribution)


class DurationAmount(Amount):
    """A duration, a distribution of one, or `{base: 2ms, per: {attribute: pages, each: 300ms}}`."""

    adapter: ClassVar[TypeAdapter[Any]] = TypeAdapter(DurationDistribution)
    stretches: ClassVar[bool] = True
    base: DurationDistribution = NOTHING
    """Amount for every request."""
    per: list[DurationPer] = Field(default_factory=list, json_schema_extra=one_or_many)
    """Amounts that grow with attributes."""


class CountAmount(Amount):
    """A number, a distribution of one, or `{base: 1, per: {attribute: pages, each: 2}}`."""

    adapter: ClassVar[TypeAdapter[Any]] = TypeAdapter(CountDistribution)
    base: CountDistribution = NOTHING
    """Amount for every request."""
    per: list[CountPer] = Field(default_factory=list, json_schema_extra=one_or_many)
    """Amounts that grow with attributes."""
