"""Quantities are read strictly to SI floats, print back, and say what is wrong with the rest."""

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from simulator.quantities import (
    Count,
    Duration,
    PositiveCount,
    PositiveDuration,
    QuantityError,
    UsdPerHour,
    format_count,
    format_duration,
    format_fraction,
    format_rate,
    format_size,
    format_usd,
    parse_count,
    parse_duration,
    parse_fraction,
    parse_number,
    parse_rate,
    parse_size,
    parse_usd,
    parse_usd_per_hour,
    parse_usd_per_item,
    parse_usd_per_token,
    read_shares,
    three_digits,
)
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
    parse_usd_per_byte,
)
from simulator.quantities.rate import RATE
from simulator.quantities.schema_parts import document_schema
from simulator.quantities.size import BANDWIDTH, SIZE, format_bandwidth, parse_bandwidth

DIMENSIONS = [
    DURATION,
    RATE,
    SIZE,
    BANDWIDTH,
    COUNT,
    NUMBER_OF,
    FRACTION,
    USD,
    USD_PER_BYTE,
    USD_PER_HOUR,
    USD_PER_ITEM,
    USD_PER_TOKEN,
]


def refusal(read: Callable[[object], Any], value: object) -> QuantityError:
    """The refusal of a value that must not be accepted."""
    with pytest.raises(QuantityError) as caught:
        read(value)
    return caught.value


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        (parse_duration, "250ms", 0.25),
        (parse_duration, "1m30s", 90.0),
        (parse_duration, "1h 30min", 5400.0),
        (parse_duration, "2h", 7200.0),
        (parse_duration, "7d", 604_800.0),
        (parse_duration, "50us", 50e-6),
        (parse_duration, "50µs", 50e-6),
        (parse_duration, "1.5 s", 1.5),
        (parse_duration, 0, 0.0),
        (parse_rate, "500 rps", 500.0),
        (parse_rate, "30k/min", 500.0),
        (parse_rate, "10M requests / day", 1e7 / 86_400),
        (parse_rate, "120/s", 120.0),
        (parse_rate, "80k tokens/min", 80_000 / 60),
        (parse_rate, "60rpm", 1.0),
        (parse_size, "80GB", 80e9),
        (parse_size, "16GiB", 16 * 2**30),
        (parse_size, "4KB", 4000.0),
        (parse_size, "7B", 7.0),
        (parse_bandwidth, "10Gbit/s", 1.25e9),
        (parse_bandwidth, "8Gbps", 1e9),
        (parse_bandwidth, "200MB/s", 2e8),
        (parse_usd_per_hour, "$2.48/h", 2.48),
        (parse_usd_per_hour, "$73/month", 0.1),
        (parse_usd_per_hour, "$24 / day", 1.0),
        (parse_usd_per_token, "$10/Mtok", 10 / 1e6),
        (parse_usd_per_token, "$0.5/ktok", 0.5 / 1e3),
        (parse_usd_per_token, "$2/1M tokens", 2 / 1e6),
        (parse_usd_per_item, "$0.002", 0.002),
        (parse_usd_per_item, "$1/1k requests", 0.001),
        (parse_usd_per_item, "$5/10k", 5 / 1e4),
        (parse_usd_per_item, "$0.40/M", 0.4 / 1e6),
        (parse_usd_per_byte, "$0.09/GB", 0.09 / 1e9),
        (parse_usd, "$3k", 3000.0),
        (parse_fraction, "0.5%", 0.005),
        (parse_fraction, "35%", 0.35),
        (parse_fraction, 0.35, 0.35),
        (parse_fraction, 1, 1.0),
        (parse_count, "10k", 10_000),
        (parse_count, "1.5M", 1_500_000),
        (parse_count, 3.0, 3),
        (parse_number, "2.5k", 2500.0),
    ],
)
def test_quantities_are_read_to_si(
    read: Callable[[object], Any], text: object, expected: float
) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("read", "value", "message"),
    [
        (parse_duration, 500, 'got "500", a duration needs a unit: 500ms, 500s'),
        (parse_duration, "500", 'got "500", a duration needs a unit: 500ms, 500s'),
        (parse_rate, 500, 'got "500", a rate needs a unit: 500 rps, 500/min'),
        (parse_rate, "30k", 'got "30k", a rate needs a unit: 30k rps, 30k/min'),
        (parse_size, 80, 'got "80", a size needs a unit: 80KB, 80GB'),
        (parse_usd_per_hour, 2.48, 'got "2.48", a price over time needs a unit: $2.48/h'),
        (parse_usd_per_hour, "2.48/h", 'got "2.48/h", a price over time starts with $: $2.48/h, '
         "$300/month"),
    ],
)  # fmt: skip
def test_a_missing_unit_is_named(
    read: Callable[[object], Any], value: object, message: str
) -> None:
    error = refusal(read, value)
    assert error.type == "unit_missing"
    assert str(error) == message


@pytest.mark.parametrize("dimension", DIMENSIONS, ids=lambda dimension: str(dimension.part))
def test_every_dimension_refuses_what_no_quantity_can_be(dimension: Dimension) -> None:
    for value in (math.nan, math.inf, -math.inf, -1, -0.5, 10**400):
        assert refusal(dimension.read, value).type == "impossible_value"
    for value in (None, True, False, [], {}, "", " ", "ms", "a 2", "abc", "--1", "١"):
        assert refusal(dimension.read, value).type == "quantity_syntax", value
    assert refusal(dimension.positive, 0).type == "impossible_value"
    for text in dimension.examples:
        assert dimension.positive(text) > 0


@pytest.mark.parametrize("dimension", DIMENSIONS, ids=lambda dimension: str(dimension.part))
def test_the_pattern_of_the_schema_accepts_the_examples(dimension: Dimension) -> None:
    for text in dimension.examples:
        plain = dimension.plain and "type" in dimension.plain
        assert re.search(dimension.pattern, text) or (plain and float(text) >= 0)
    assert not re.search(dimension.pattern, "abc")


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (parse_duration, "1s2h"),
        (parse_duration, "1s1s"),
        (parse_duration, "10mins"),
        (parse_duration, "PT1M"),
        (parse_duration, "00:01:30"),
        (parse_duration, "1,5s"),
        (parse_rate, "5/fortnight"),
        (parse_size, "80gb"),
        (parse_usd_per_token, "$10"),
        (parse_usd_per_item, "$1/h"),
        (parse_usd_per_hour, "€2/h"),
        (parse_count, 2.5),
        (parse_count, "0.5"),
        (parse_fraction, "half"),
    ],
)
def test_what_is_no_quantity_gets_the_accepted_forms(
    read: Callable[[object], Any], text: object
) -> None:
    error = refusal(read, text)
    assert error.type == "quantity_syntax"
    assert "like" in error.hint


def test_fractions_lie_between_0_and_1() -> None:
    assert refusal(parse_fraction, 35).hint == "write 35%"
    assert refusal(parse_fraction, "135%").type == "impossible_value"
    assert refusal(parse_fraction, "-3%").type == "impossible_value"


@pytest.mark.parametrize(
    ("show", "number", "text"),
    [
        (format_duration, 0.418, "418ms"),
        (format_duration, 2.607, "2.61s"),
        (format_duration, 600.0, "10m"),
        (format_duration, 90.0, "1.5m"),
        (format_duration, 50e-6, "50us"),
        (format_duration, 0.0, "0s"),
        (format_duration, 0.9996, "1s"),
        (format_duration, 86_400.0, "24h"),
        (format_duration, 604_800.0, "7d"),
        (format_duration, math.inf, "inf"),
        (format_rate, 437.2, "437/s"),
        (format_rate, 12_500.0, "12.5k/s"),
        (format_rate, 0.5, "30/min"),
        (format_rate, 1 / 86_400, "1/day"),
        (format_size, 80e9, "80GB"),
        (format_size, 999_999.0, "1MB"),
        (format_size, 512.0, "512B"),
        (format_bandwidth, 1.25e9, "1.25GB/s"),
        (format_fraction, 0.126, "12.6%"),
        (format_fraction, 0.00012, "0.012%"),
        (format_usd, 41.2, "$41.20"),
        (format_usd, 0.0261, "$0.0261"),
        (format_usd, 12_345.0, "$12.3k"),
        (format_count, 1000.0, "1000"),
        (format_count, 1e7, "10M"),
        (three_digits, 1234.0, "1230"),
        (three_digits, 0.00012345, "0.000123"),
        (three_digits, -2.606, "-2.61"),
    ],
)
def test_quantities_print_with_three_digits(
    show: Callable[[float], str], number: float, text: str
) -> None:
    assert show(number) == text


POSITIVE = st.floats(1e-6, 1e12)


@given(POSITIVE, st.sampled_from(DIMENSIONS))
def test_what_is_printed_is_read_back_to_three_digits(number: float, dimension: Dimension) -> None:
    if dimension is FRACTION:
        number /= 1e12
    if dimension is COUNT:
        number = float(math.ceil(number))
    shown = dimension.show(number)
    # Half a unit of the third digit; cents are two digits after the point.
    error = 0.5 * 10.0 ** (math.floor(math.log10(number)) - 2) * 1.001
    assert dimension.read(shown) == pytest.approx(number, abs=max(error, 0.0), rel=0.00501)


@given(st.one_of(st.text(max_size=20), st.floats(), st.integers(), st.none(), st.booleans()))
def test_any_value_is_read_or_refused(value: object) -> None:
    for dimension in DIMENSIONS:
        try:
            number = dimension.read(value)
        except QuantityError as error:
            assert str(error)
        else:
            assert math.isfinite(number)
            assert number >= 0


class Box(BaseModel):
    """A model of the test."""

    timeout: Duration = 1.5
    pause: PositiveDuration | None = None
    replicas: PositiveCount = 1
    extra: Count = 0
    cost: UsdPerHour | None = None


def test_types_read_documents_and_nothing_else() -> None:
    box = Box.model_validate({"timeout": "2s", "replicas": "2k", "cost": "$3/h"})
    assert (box.timeout, box.replicas, box.cost) == (2.0, 2000, 3.0)
    with pytest.raises(ValidationError) as caught:
        Box.model_validate({"timeout": 2.0, "pause": 0, "replicas": 0, "extra": -1})
    assert [line["type"] for line in caught.value.errors()] == [
        "unit_missing",
        "impossible_value",
        "impossible_value",
        "impossible_value",
    ]
    assert TypeAdapter(Duration).validate_python("1s") == 1.0


def test_the_schema_refers_to_each_quantity_once_and_shows_defaults_with_units() -> None:
    schema = document_schema(Box)
    assert schema["properties"]["timeout"] == {
        "allOf": [{"$ref": "#/$defs/Duration"}],
        "default": "1.5s",
        "title": "Timeout",
    }
    assert schema["$defs"].keys() == {"Duration", "Count", "UsdPerHour"}


def test_shares_are_scaled_and_percentages_have_to_add_up() -> None:
    assert read_shares({("a",): 1, ("b",): 3}, "split") == [0.25, 0.75]
    assert read_shares({("a",): "33.3%", ("b",): "66.7%"}, "split") == pytest.approx([0.333, 0.667])
    with pytest.raises(ValidationError, match=r"add up to 90%, not 100%"):
        read_shares({("a",): "30%", ("b",): "60%"}, "split")
    with pytest.raises(ValidationError, match=r"add up to 0"):
        read_shares({("a",): 0, ("b",): 0}, "split")
