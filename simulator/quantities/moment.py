"""A point or a span of a run: a duration, or a share of the whole run."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from simulator.quantities.duration import parse_duration
from simulator.quantities.fraction import parse_fraction


@dataclass(frozen=True)
class Moment:
    """Seconds, or with ``relative`` a share of the length of the run."""

    value: float
    relative: bool = False

    def seconds(self, horizon_s: float) -> float:
        """The moment in seconds of a run of this length."""
        return self.value * horizon_s if self.relative else self.value

    def __str__(self) -> str:
        return f"{self.value:.0%}" if self.relative else f"{self.value:g}s"


class _MomentSchema:
    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(_parse)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {
            "type": ["string", "number"],
            "description": "A duration such as `90s`, or a share of the run such as `40%`.",
        }


def _parse(value: Any) -> Moment:
    if isinstance(value, Moment):
        return value
    if isinstance(value, str) and value.strip().endswith("%"):
        return Moment(parse_fraction(value), relative=True)
    return Moment(parse_duration(value))


RunMoment = Annotated[Moment, _MomentSchema]
"""A duration, or a share of the run such as ``40%``."""
