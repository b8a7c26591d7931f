"""The words a value of the document may be: quantities with units, distributions, thresholds.

Everything is read to SI floats (seconds, per second, bytes, dollars) and prints back. This package
imports nothing else of the simulator.
"""

from simulator.quantities.count import format_count, parse_count, parse_number
from simulator.quantities.distributions import Distribution, constant
from simulator.quantities.distributions.fields import (
    AttributeDistribution,
    CountDistribution,
    DurationDistribution,
    FractionDistribution,
    SizeDistribution,
)
from simulator.quantities.duration import format_duration, parse_duration, told_duration
from simulator.quantities.fields import (
    Bandwidth,
    Bytes,
    Count,
    Duration,
    Fraction,
    Number,
    PositiveCount,
    PositiveDuration,
    PositiveNumber,
    PositiveRate,
    Rate,
    Usd,
    UsdPerByte,
    UsdPerHour,
    UsdPerItem,
    UsdPerToken,
)
from simulator.quantities.fraction import format_fraction, parse_fraction
from simulator.quantities.grammar import Dimension, QuantityError, three_digits
from simulator.quantities.money import (
    format_usd,
    format_usd_per_hour,
    format_usd_per_item,
    format_usd_per_token,
    parse_usd,
    parse_usd_per_hour,
    parse_usd_per_item,
    parse_usd_per_token,
)
from simulator.quantities.rate import format_rate, parse_rate
from simulator.quantities.shares import parse_weight, read_shares
from simulator.quantities.size import format_size, parse_size
from simulator.quantities.threshold import (
    DimensionName,
    Expectation,
    Threshold,
    ThresholdLine,
    parse_expectation,
    parse_threshold,
)

__all__ = [
    "AttributeDistribution",
    "Bandwidth",
    "Bytes",
    "Count",
    "CountDistribution",
    "Dimension",
    "DimensionName",
    "Distribution",
    "Duration",
    "DurationDistribution",
    "Expectation",
    "Fraction",
    "FractionDistribution",
    "Number",
    "PositiveCount",
    "PositiveDuration",
    "PositiveNumber",
    "PositiveRate",
    "QuantityError",
    "Rate",
    "SizeDistribution",
    "Threshold",
    "ThresholdLine",
    "Usd",
    "UsdPerByte",
    "UsdPerHour",
    "UsdPerItem",
    "UsdPerToken",
    "constant",
    "format_count",
    "format_duration",
    "format_fraction",
    "format_rate",
    "format_size",
    "format_usd",
    "format_usd_per_hour",
    "format_usd_per_item",
    "format_usd_per_token",
    "parse_count",
    "parse_duration",
    "parse_expectation",
    "parse_fraction",
    "parse_number",
    "parse_rate",
    "parse_size",
    "parse_threshold",
    "parse_usd",
    "parse_usd_per_hour",
    "parse_usd_per_item",
    "parse_usd_per_token",
    "parse_weight",
    "read_shares",
    "three_digits",
    "told_duration",
]
