"""Pydantic types of the quantities: a model writes ``timeout: Duration`` and gets SI floats.

They read the text of a document and nothing else: a model dumped to Python holds plain numbers,
which these types would refuse, because a number without a unit is an error.
"""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from simulator.quantities.count import COUNT, NUMBER_OF
from simulator.quantities.duration import DURATION
from simulator.quantities.fraction import FRACTION
from simulator.quantities.grammar import Dimension
from simulator.quantities.money import (
    USD,
    USD_PER_BYTE,
    USD_PER_HOUR,
    USD_PER_ITEM,
    USD_PER_TOKEN,
)
from simulator.quantities.rate import RATE
from simulator.quantities.schema_parts import define_part
from simulator.quantities.size import BANDWIDTH, SIZE


def _reads(read: Callable[[object], Any]) -> BeforeValidator:
    return BeforeValidator(lambda value: read(value))


def _schema(dimension: Dimension) -> WithJsonSchema:
    return WithJsonSchema(define_part(dimension.part, dimension.json_schema, dimension.show))


Duration = Annotated[float, _reads(DURATION.read), _schema(DURATION)]
"""Seconds, written ``250ms``, ``1m30s``, ``2h``; zero is allowed."""

PositiveDuration = Annotated[float, _reads(DURATION.positive), _schema(DURATION)]
"""Seconds above zero."""

Rate = Annotated[float, _reads(RATE.read), _schema(RATE)]
"""Events per second, written ``500 rps``, ``30k/min``, ``10M/day``."""

PositiveRate = Annotated[float, _reads(RATE.positive), _schema(RATE)]
"""Events per second, above zero."""

Bytes = Annotated[float, _reads(SIZE.read), _schema(SIZE)]
"""Bytes, written ``80GB``, ``16GiB``, ``4KB``."""

Bandwidth = Annotated[float, _reads(BANDWIDTH.positive), _schema(BANDWIDTH)]
"""Bytes per second above zero, written ``10Gbit/s`` or ``200MB/s``."""

Usd = Annotated[float, _reads(USD.read), _schema(USD)]
"""Dollars, written ``$41.20``."""

UsdPerHour = Annotated[float, _reads(USD_PER_HOUR.read), _schema(USD_PER_HOUR)]
"""Dollars per hour, written ``$2.48/h`` or ``$300/month``."""

UsdPerToken = Annotated[float, _reads(USD_PER_TOKEN.read), _schema(USD_PER_TOKEN)]
"""Dollars per token, written ``$10/Mtok``."""

UsdPerItem = Annotated[float, _reads(USD_PER_ITEM.read), _schema(USD_PER_ITEM)]
"""Dollars per item, written ``$0.002`` or ``$1/1k requests``."""

UsdPerByte = Annotated[float, _reads(USD_PER_BYTE.read), _schema(USD_PER_BYTE)]
"""Dollars per byte, written ``$0.09/GB``."""

Fraction = Annotated[float, _reads(FRACTION.read), _schema(FRACTION)]
"""A float between 0 and 1, written ``0.5%`` or ``0.005``."""

Number = Annotated[float, _reads(NUMBER_OF.read), _schema(NUMBER_OF)]
"""A float that is not negative and has no unit."""

PositiveNumber = Annotated[float, _reads(NUMBER_OF.positive), _schema(NUMBER_OF)]
"""A float above zero without a unit."""

Count = Annotated[int, _reads(COUNT.read), _schema(COUNT)]
"""A whole number, written ``3`` or ``10k``; zero is allowed."""

PositiveCount = Annotated[int, _reads(COUNT.positive), _schema(COUNT)]
"""A whole number from 1."""
