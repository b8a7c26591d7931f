"""Thresholds: k6's grammar with units, judged on an interval in three states."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.quantities import QuantityError, Threshold, parse_expectation, parse_threshold
from simulator.quantities.threshold import BOUNDS


@pytest.mark.parametrize(
    ("text", "aggregate", "percentile", "operator", "bound", "dimension"),
    [
        ("p(95)<500ms", "p", 95.0, "<", 0.5, "duration"),
        ("p( 99.9 ) <= 1s", "p", 99.9, "<=", 1.0, "duration"),
        ("rate<1%", "rate", None, "<", 0.01, "fraction"),
        ("mean<=2s", "mean", None, "<=", 2.0, "duration"),
        ("avg<=2s", "mean", None, "<=", 2.0, "duration"),
        ("med<2s", "p", 50.0, "<", 2.0, "duration"),
        ("value>0.9", "value", None, ">", 0.9, "number"),
        ("max != 3m", "max", None, "!=", 180.0, "duration"),
        ("per_hour<$50", "per_hour", None, "<", 50.0, "amount of money"),
        ("value<$50/h", "value", None, "<", 50.0, "price over time"),
        ("value >= 500 rps", "value", None, ">=", 500.0, "rate"),
        ("max<80GB", "max", None, "<", 80e9, "size"),
        ("count==10k", "count", None, "==", 10_000.0, "number"),
    ],
)
def test_thresholds_are_read_by_the_unit_of_the_bound(
    text: str,
    aggregate: str,
    percentile: float | None,
    operator: str,
    bound: float,
    dimension: str,
) -> None:
    expected = Threshold(aggregate, percentile, operator, bound, dimension, text)
    assert parse_threshold(text) == expected


def test_a_dimension_given_reads_the_bound() -> None:
    assert parse_threshold("p(99)<1s", "duration").bound == 1.0
    assert parse_threshold("rate<0.01", BOUNDS["fraction"]).bound == 0.01
    with pytest.raises(QuantityError, match="needs a unit: 500ms, 500s"):
        parse_threshold("p(99)<500", "duration")


def test_an_expectation_has_no_aggregate() -> None:
    found = parse_expectation("< 50ms")
    assert (found.aggregate, found.operator, found.bound) == ("value", "<", 0.05)
    with pytest.raises(QuantityError):
        parse_expectation("mean<50ms")
    with pytest.raises(QuantityError):
        parse_threshold("<50ms")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "p(95)",
        "p(0)<1s",
        "p(100)<1s",
        "p()<1s",
        "rate<",
        "rate<abc",
        "P(95)<1s",
        "rate<<1%",
        "p(95)<-1s",
        "p(95)<1e400s",
        "rate=1%",
        "mean<1s<2s",
    ],
)
def test_what_is_no_threshold_is_refused(text: str) -> None:
    with pytest.raises(QuantityError):
        parse_threshold(text)


NUMBERS = st.floats(0, 10)


@given(NUMBERS, NUMBERS, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]))
def test_an_interval_passes_or_fails_only_as_a_whole(first: float, second: float, op: str) -> None:
    low, high = min(first, second), max(first, second)
    threshold = parse_threshold(f"value{op}5")
    inside = [low, high, 5.0 if low <= 5.0 <= high else low]
    holds = [threshold.holds(value) for value in inside]
    expected = "pass" if all(holds) else "unsure" if any(holds) else "fail"
    if op in ("==", "!=") and low <= 5.0 <= high and low < high:
        expected = "unsure"
    assert threshold.evaluate(low, high, 0.5 * (low + high)) == expected


def test_what_is_not_a_number_is_unsure() -> None:
    assert parse_threshold("value<5").evaluate(math.nan, math.nan, math.nan) == "unsure"
