"""Distributions: read from a document, exact in their moments, true to them in their draws."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError
from scipy import stats

from simulator.quantities import (
    AttributeDistribution,
    CountDistribution,
    Distribution,
    DurationDistribution,
    FractionDistribution,
    SizeDistribution,
    constant,
)
from simulator.quantities.distributions.base import FIRST_BLOCK
from simulator.quantities.distributions.choice import Choice
from simulator.quantities.distributions.zipf import Zipf
from simulator.quantities.schema_parts import document_schema
from simulator.topology.source import read_text

DURATIONS = TypeAdapter[Distribution](DurationDistribution)
COUNTS = TypeAdapter[Distribution](CountDistribution)
ATTRIBUTES = TypeAdapter[Distribution](AttributeDistribution)
FRACTIONS = TypeAdapter[Distribution](FractionDistribution)
SIZES = TypeAdapter[Distribution](SizeDistribution)

Z = 5.0
"""Standard errors allowed: a correct sampler fails one check in 1.7 million."""


def yaml(text: str) -> Any:
    """The data of one value of a document."""
    source, _ = read_text(f"value: {text}")
    assert source is not None
    return source.data["value"]


def durations(text: str) -> Distribution:
    """A distribution of durations as a document writes it."""
    return DURATIONS.validate_python(yaml(text))


def refusals(adapter: TypeAdapter[Distribution], text: str) -> dict[tuple[Any, ...], str]:
    """Messages by place, for a distribution that must not be accepted."""
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python(yaml(text))
    return {line["loc"]: line["msg"] for line in caught.value.errors()}


def named(family: type[Distribution]) -> Distribution:
    """The example of a family."""
    adapter = COUNTS if family.whole else ATTRIBUTES if family is Choice else DURATIONS
    return adapter.validate_python(yaml(f"{{{family.name}: {family.example}}}"))


NUMERIC = sorted(
    (family for family in Distribution.families.values() if family is not Choice),
    key=lambda family: family.name,
)


@pytest.mark.parametrize("family", NUMERIC, ids=lambda family: str(family.name))
def test_draws_have_the_moments_and_the_distribution_that_are_promised(
    family: type[Distribution],
) -> None:
    found, n = named(family), 40_000
    drawn = found.draw(np.random.default_rng(1), n)
    assert drawn.shape == (n,)
    assert (drawn >= 0).all()
    assert drawn.mean() == pytest.approx(
        found.mean, abs=Z * math.sqrt(min(found.variance, drawn.var()) / n) + 1e-12
    )
    for p in (0.05, 0.5, 0.9, 0.99):
        # Draws at or below the quantile: a binomial count around n * cdf(quantile).
        at = found.quantile(p)
        share = found.cdf(at)
        assert share >= p - 1e-9
        spread = Z * math.sqrt(share * (1 - share) / n) + 1e-9
        assert (drawn <= at * (1 + 1e-12)).mean() == pytest.approx(share, abs=spread)
        assert found.cdf(at * (1 - 1e-6) - 1e-9) < p + 1e-6


@pytest.mark.parametrize("family", NUMERIC, ids=lambda family: str(family.name))
def test_moments_are_those_of_the_quantile_function(family: type[Distribution]) -> None:
    found = named(family)
    # The midpoint rule on the quantile function, decade by decade into the tail, up to 1 - 1e-10.
    mean = 0.0
    for decade in range(10):
        middles = (np.arange(500) + 0.5) / 500
        rest = 10.0**-decade * (1.0 - 0.9 * middles)
        mean += 0.9 * 10.0**-decade * np.mean([found.quantile(1.0 - float(p)) for p in rest])
    assert mean == pytest.approx(found.mean, rel=0.004)
    assert found.scv == pytest.approx(found.variance / found.mean**2)


@pytest.mark.parametrize("family", Distribution.families.values(), ids=lambda family: family.name)
def test_a_sampler_draws_the_blocks_of_its_stream(family: type[Distribution]) -> None:
    found = named(family)
    draw = found.sampler(np.random.default_rng(7))
    values = [draw() for _ in range(10 * FIRST_BLOCK)]
    rng = np.random.default_rng(7)
    blocks = [found.draw(rng, size).tolist() for size in (FIRST_BLOCK, 4 * FIRST_BLOCK)]
    flat = blocks[0] + blocks[1]
    assert values[: len(flat)] == flat
    assert type(values[0]) in (int, float, str)


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("{gamma: {mean: 3s, cv: 0.5}}", stats.gamma(4, scale=0.75)),
        ("{erlang: {mean: 3s, phases: 3}}", stats.gamma(3, scale=1)),
        ("{exponential: 3s}", stats.expon(scale=3)),
        ("{lognormal: {mean: 2s, cv: 1}}", stats.lognorm(math.sqrt(math.log(2)), scale=2**0.5)),
        ("{weibull: {scale: 2s, shape: 0.7}}", stats.weibull_min(0.7, scale=2)),
        ("{pareto: {minimum: 2s, shape: 2.5}}", stats.pareto(2.5, scale=2)),
        ("{pareto: {minimum: 2s, shape: 1, max: 6s}}", stats.truncpareto(1, 3, scale=2)),
        ("{pareto: {minimum: 2s, shape: 2, max: 6s}}", stats.truncpareto(2, 3, scale=2)),
        ("{normal: {mean: 2s, sd: 3s}}", stats.truncnorm(-2 / 3, np.inf, loc=2, scale=3)),
        ("{uniform: {low: 1s, high: 4s}}", stats.uniform(1, 3)),
    ],
)
def test_families_agree_with_scipy(text: str, reference: Any) -> None:
    found = durations(text)
    assert found.mean == pytest.approx(reference.mean())
    assert found.variance == pytest.approx(reference.var())
    for p in (0.01, 0.3, 0.9, 0.999):
        assert found.quantile(p) == pytest.approx(reference.ppf(p))
        assert found.cdf(found.quantile(p)) == pytest.approx(p)


def test_counts_agree_with_scipy() -> None:
    poisson = COUNTS.validate_python({"poisson": 3.5})
    geometric = COUNTS.validate_python({"geometric": {"mean": 4}})
    pairs = [(poisson, stats.poisson(3.5)), (geometric, stats.geom(0.25))]
    for found, reference in pairs:
        assert found.mean == pytest.approx(reference.mean())
        assert found.variance == pytest.approx(reference.var())
        for p in (0.01, 0.3, 0.9, 0.999):
            assert found.quantile(p) == reference.ppf(p)
    assert COUNTS.validate_python({"geometric": 1}).quantile(0.9) == 1.0


@pytest.mark.parametrize("exponent", [0.0, 0.8, 1.0, 1.3, 3.0])
def test_zipf_is_exact_beyond_its_head(exponent: float) -> None:
    items = 400_000
    found = Zipf(items, exponent)
    weights = np.arange(1, items + 1, dtype=float) ** -exponent
    shares = weights / weights.sum()
    ranks = np.arange(items)
    assert found.mean == pytest.approx(float(shares @ ranks), rel=1e-9)
    assert found.variance == pytest.approx(float(shares @ (ranks - found.mean) ** 2), rel=1e-6)
    levels = np.cumsum(shares)
    for rank in (0, 99, 131_071, 131_072, 250_000, 399_998):
        assert found.cdf(rank) == pytest.approx(levels[rank], abs=1e-9)
    for p in (0.1, 0.5, 0.9, 0.97):
        assert abs(found.quantile(p) - int(np.searchsorted(levels, p))) <= 1
    huge = Zipf(10**12, exponent).draw(np.random.default_rng(3), 5000)
    assert 0 <= huge.min() <= huge.max() < 10**12


PERCENTS = st.lists(st.integers(1, 99), min_size=2, max_size=5, unique=True)


@given(PERCENTS, st.lists(st.floats(1e-4, 0.2), min_size=5, max_size=5))
def test_percentiles_are_met(percents: list[int], steps: list[float]) -> None:
    rising = np.cumsum(steps)
    document = {
        f"p{percent}": f"{1000 * value:.9f}ms"
        for percent, value in zip(sorted(percents), rising, strict=False)
    }
    try:
        found = DURATIONS.validate_python(document)
    except ValidationError as error:
        assert "too far apart" in str(error)
        return
    for name, text in document.items():
        share = int(name[1:]) / 100
        assert found.quantile(share) == pytest.approx(float(text[:-2]) / 1000)
        assert found.cdf(found.quantile(share)) == pytest.approx(share)
    assert found.mean > 0


def test_flat_percentiles_are_a_step() -> None:
    found = durations("{p50: 10ms, p90: 10ms, p99: 80ms}")
    assert found.quantile(0.3) == found.quantile(0.9) == pytest.approx(0.01)
    assert found.cdf(0.0099) == 0.0
    assert found.cdf(0.0101) >= 0.9
    assert durations("{p50: 10ms, p99: 10ms}").scv == 0.0


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("5ms", "{constant: 5ms}"),
        ("{p50: 40ms, p99: 200ms}", "{lognormal: {median: 40ms, p99: 200ms}}"),
        ("{median: 40ms, p95: 200ms}", "{lognormal: {p50: 40ms, p95: 200ms}}"),
        ("~80ms..300ms", "{lognormal: {p5: 80ms, p95: 300ms}}"),
        ("{p50: 1ms, p90: 2ms, p99: 9ms}", "{percentiles: {p50: 1ms, p90: 2ms, p99: 9ms}}"),
        ("{exponential: 3ms}", "{exponential: {mean: 3ms}}"),
        ("{empirical: [1ms, 2ms]}", "{empirical: {values: [2ms, 1ms], weights: [1, 1]}}"),
    ],
)
def test_shorthands_mean_what_they_stand_for(text: str, same: str) -> None:
    assert durations(text) == durations(same)


def test_parameters_are_read_with_the_grammar_of_the_field() -> None:
    assert SIZES.validate_python({"p50": "4KB", "p99": "1MB"}).quantile(0.5) == pytest.approx(4000)
    assert COUNTS.validate_python("10k") == constant(10_000.0)
    assert FRACTIONS.validate_python("35%") == constant(0.35)
    assert ATTRIBUTES.validate_python("2MB") == constant(2e6)
    assert ATTRIBUTES.validate_python("30ms") == constant(0.03)
    assert DURATIONS.validate_python(constant(3.0)) == constant(3.0)


def test_attributes_may_be_labels() -> None:
    tiers = ATTRIBUTES.validate_python({"choice": {"free": "70%", "paid": "30%"}})
    n = 20_000
    drawn = tiers.draw(np.random.default_rng(2), n).tolist()
    assert set(drawn) == {"free", "paid"}
    assert drawn.count("paid") / n == pytest.approx(0.3, abs=Z * math.sqrt(0.21 / n))
    assert math.isnan(tiers.mean)
    assert ATTRIBUTES.validate_python("eu-west_1") == Choice(("eu-west_1",), (1.0,))
    assert ATTRIBUTES.validate_python({"choice": {"1": 1, "3": 1}}).mean == 2.0


@pytest.mark.parametrize(
    ("text", "place", "part"),
    [
        ("5", (), "needs a unit: 5ms, 5s"),
        ("[]", (), "a duration or a distribution"),
        ("{}", (), "one key"),
        ("{p50: 40ms}", (), "one percentile"),
        ("{mean: 3ms, cv: 1}", (), "name of its family"),
        ("{p50: 40ms, p99: 20ms}", ("p99",), "lies below `p50`"),
        ("{p50: 0ms, p99: 20ms}", ("p50",), "above 0"),
        ("{p50: 1us, p51: 9h}", (), "too far apart"),
        ("{median: 1ms, p50: 2ms}", ("p50",), "same percentile"),
        ("80ms..300ms", (), "a duration or a distribution"),
        ("~300ms..80ms", (), "below its start"),
        ("{lognornal: {}}", ("lognornal",), "unknown distribution"),
        ("{lognormal: {median: 40ms}}", ("lognormal",), "needs `median` and `p95`"),
        ("{lognormal: {mean: 1ms, cv: -1}}", ("lognormal", "cv"), "cannot be negative"),
        ("{lognormal: {mean: 1ms, cv: 1e300}}", ("lognormal",), "too extreme"),
        ("{uniform: {low: 3ms, high: 1ms}}", ("uniform", "high"), "below `low`"),
        ("{exponential: {mean: 0}}", ("exponential", "mean"), "above 0"),
        ("{hyperexponential: {mean: 1s, scv: 0.5}}", ("hyperexponential", "scv"), "between"),
        ("{weibull: {mean: 1s, shape: 0.01}}", ("weibull", "shape"), "between"),
        ("{weibull: {mean: 1s, scale: 1s, shape: 1}}", ("weibull",), "needs `mean` and `shape`"),
        ("{pareto: {minimum: 1s, shape: 0.9}}", ("pareto", "shape"), "no mean"),
        ("{pareto: {minimum: 1s, shape: 2, max: 1ms}}", ("pareto", "max"), "above `minimum`"),
        ("{normal: {mean: 0, sd: 0}}", ("normal", "mean"), "both be 0"),
        ("{empirical: []}", ("empirical",), "at least one"),
        ("{empirical: {values: [1s], weights: [1, 2]}}", ("empirical", "weights"), "2 weights"),
        ("{mixture: [{weight: 0, of: 1s}]}", ("mixture",), "add up to 0"),
        ("{mixture: [{of: 1s}]}", ("mixture", 0, "weight"), "missing field `weight`"),
        ("{mixture: [{weight: 1, of: {gamma: 3}}]}", ("mixture", 0, "of", "gamma"), "needs its"),
        ("{zipf: {items: 3, exponent: 1}}", ("zipf",), "draws whole numbers"),
        ("{choice: {a: 1}}", ("choice",), "draws labels"),
        ("{exponential: {mean: 1e308s}}", ("exponential", "mean"), "100 000 years"),
    ],
)
def test_impossible_distributions_are_refused_at_their_place(
    text: str, place: tuple[Any, ...], part: str
) -> None:
    found = refusals(DURATIONS, text)
    assert list(found) == [place]
    assert part in found[place]


def test_all_mistakes_are_found_at_once() -> None:
    found = refusals(
        DURATIONS, "{mixture: [{weight: x, of: 3}, {wieght: 1, of: {gamma: {cv: y}}}]}"
    )
    assert found.keys() >= {
        ("mixture", 0, "of"),
        ("mixture", 1, "wieght"),
        ("mixture", 1, "weight"),
        ("mixture", 1, "of", "gamma"),
        ("mixture", 1, "of", "gamma", "cv"),
    }


def test_a_fraction_never_leaves_its_interval() -> None:
    assert FRACTIONS.validate_python({"uniform": {"low": "10%", "high": 0.9}}).mean == 0.5
    assert "cannot exceed 1" in refusals(FRACTIONS, "{p50: 10%, p99: 90%}")[()]
    assert (
        "between 0 and 1"
        in refusals(FRACTIONS, "{uniform: {low: 0, high: 2}}")[("uniform", "high")]
    )


def test_nesting_is_bounded() -> None:
    document: Any = "1ms"
    for _ in range(30):
        document = {"mixture": [{"weight": 1, "of": document}]}
    with pytest.raises(ValidationError, match="too deep"):
        DURATIONS.validate_python(document)


@given(
    st.sampled_from(NUMERIC),
    st.dictionaries(
        st.sampled_from(sorted({name for family in NUMERIC for name in family.parameters})),
        st.one_of(st.floats(), st.integers(0, 10**20), st.text(max_size=4)),
        max_size=3,
    ),
)
def test_any_parameters_are_read_or_refused(family: Any, parameters: dict[str, Any]) -> None:
    try:
        found = COUNTS.validate_python({family.name: parameters})
    except ValidationError:
        return
    assert found.mean >= 0
    drawn = found.draw(np.random.default_rng(0), 50)
    assert np.isfinite(drawn).all()
    assert (drawn >= 0).all()


class Box(BaseModel):
    """A model of the test."""

    work: DurationDistribution
    size: AttributeDistribution | None = None


def test_the_schema_names_every_family() -> None:
    schema = document_schema(Box)
    forms = schema["$defs"]["DurationDistribution"]["anyOf"]
    names = {name for form in forms for name in form.get("required", [])}
    whole = {family.name for family in Distribution.families.values() if family.whole}
    assert names == Distribution.families.keys() - whole - {"choice"}
    forms = schema["$defs"]["AttributeDistribution"]["anyOf"]
    assert {name for form in forms for name in form.get("required", [])} == (
        Distribution.families.keys()
    )
