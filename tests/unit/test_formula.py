"""Formulas: numbers, units, precedence, and what they refuse."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.quantities.grammar import QuantityError
from simulator.topology.formula import LENGTH_MAX, FormulaError, evaluate, parse_formula
from simulator.topology.units import UNITS, thing, unit_named, unit_registry


def value(text: str) -> "object":
    registry = unit_registry()

    def word(name: str) -> object:
        unit = unit_named(name)
        if unit is None:
            raise FormulaError(f"unknown `{name}`")
        return registry.Quantity(1.0, unit)

    return evaluate(parse_formula(text).tree, word, lambda n: registry.Quantity(1.0, thing(n)))


def base(text: str) -> float:
    found = value(text)
    return float(found.to_base_units().magnitude if hasattr(found, "to_base_units") else found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10M requests / day", 10e6 / 86400),
        ("10M requests / 24 hours", 10e6 / 86400),
        ("12 hours per 30 min", 24),
        ("2M images/day / (100 images/GPU/hour)", 2e6 / 24 / 100),
        ("156 tokens * $2.5/1M tokens + 342 tokens * $10/1M tokens", 0.00381),
        ("1 - (1 - 99.9%)^2", 1 - 1e-6),
        ("-2^2 + 3 × 4 ÷ 2", 2.0),
        ("200 [parcels]/day * 1 day / 100 [parcel]", 2),
        ("ceil(2.0000000000001)", 2),
        ("ceil(2M images/day / (100 images/GPU/hour))", 834),
        ("max(3 GB, 2000 MB) / 1 GB", 3),
        ("sum(1, 2, 3) + log2(8) + sqrt(16)", 13),
        ("10_000 + 1e3", 11_000),
        ("8 Gbps * 1 s / 1 GB", 1),
    ],
)
def test_value(text: str, expected: float) -> None:
    assert base(text) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2 +",
        "(1",
        "10 (3)",
        "__import__('os')",
        "a.b.__class__[0]",
        "lambda: 1",
        "1 if 2 else 3",
        "x" * (LENGTH_MAX + 1),
        "(" * 60 + "1" + ")" * 60,
    ],
)
def test_text_that_is_no_formula_is_refused(text: str) -> None:
    with pytest.raises(QuantityError):
        parse_formula(text)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("1 user + 1 request", "cannot add"),
        ("1 / 0", "zero"),
        ("2^999", "exponent"),
        ("2^(1 s)", "plain number"),
        ("(0 - 4)^0.5", "root"),
        ("exp(1e6)", "too large"),
        ("log2(3 GB)", "plain number"),
        ("nothing", "unknown"),
    ],
)
def test_formula_without_a_value_says_why(text: str, part: str) -> None:
    with pytest.raises(FormulaError, match=part):
        value(text)


def test_every_unit_has_a_size_and_no_word_means_two() -> None:
    registry = unit_registry()
    for name in UNITS:
        assert registry.Quantity(1.0, name).to_base_units().magnitude > 0
        assert unit_named(name) == name


NUMBERS = st.floats(0.1, 1e6).map(lambda number: float(f"{number:.6g}"))


def texts() -> st.SearchStrategy[tuple[str, float]]:
    """Formulas together with the value that Python's own arithmetic gives."""
    leaf = NUMBERS.map(lambda number: (f"{number:.17g}", number))

    def deeper(inner: st.SearchStrategy[tuple[str, float]]) -> st.SearchStrategy[tuple[str, float]]:
        def joined(parts: tuple[tuple[str, float], str, tuple[str, float]]) -> tuple[str, float]:
            (left, a), mark, (right, b) = parts
            result = {"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else math.nan}[mark]
            return f"({left}) {mark} ({right})", result

        return st.tuples(inner, st.sampled_from("+-*/"), inner).map(joined)

    return st.recursive(leaf, deeper, max_leaves=6)


@given(texts())
def test_arithmetic_is_that_of_floats(pair: tuple[str, float]) -> None:
    text, expected = pair
    if len(text) > LENGTH_MAX or math.isnan(expected):
        return
    try:
        found = base(text)
    except FormulaError:
        return
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-300)


def test_counted_things_are_written_in_the_plural_of_their_own() -> None:
    for one, many in (("entity", "entities"), ("loss", "losses"), ("person", "people")):
        assert unit_named(one) == unit_named(many) == one
        assert (UNITS[one].shown(1.0), UNITS[one].shown(2.0)) == (one, many)
