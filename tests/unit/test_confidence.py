"""Intervals: their invariants, and the coverage of those that are not for queues."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from simulator.metrics.confidence import (
    EXCEEDANCES_MIN,
    Interval,
    mean_interval,
    paired_difference,
    paired_mean,
    paired_quantile,
    quantile_interval,
    quantile_supported,
    ratio_interval,
    replications_needed,
    scalar_interval,
    share_interval,
    t_quantile,
)
from simulator.theory.erlang import MMc
from simulator.theory.recursions import kiefer_wolfowitz_responses


def exponential(replications: int, count: int, seed: int = 0) -> list[np.ndarray]:
    return list(np.random.default_rng(seed).standard_exponential((replications, count)))


def test_interval_describes_itself() -> None:
    made = Interval(10.0, 8.0, 13.0)
    assert made.half_width == 2.5
    assert made.relative == 0.25
    assert made.basis == "replications"
    assert Interval(0.0, 0.0, 0.0).relative == 0.0
    assert Interval(0.0, -1.0, 1.0).relative == math.inf


@settings(max_examples=60, deadline=None)
@given(
    replications=st.integers(1, 12),
    count=st.integers(1, 80),
    seed=st.integers(0, 2**32 - 1),
    p=st.sampled_from([0.0, 0.5, 0.9, 0.99, 1.0]),
)
def test_interval_holds_its_value(replications: int, count: int, seed: int, p: float) -> None:
    samples = exponential(replications, count, seed)
    for made in (mean_interval(samples), quantile_interval(samples, p)):
        assert made.low <= made.value <= made.high


def test_centre_is_the_pooled_estimate() -> None:
    samples = [np.array([1.0, 2.0]), np.array([3.0]), np.array([4.0, 5.0, 6.0]), np.ones(4)]
    assert mean_interval(samples).value == pytest.approx(np.concatenate(samples).mean())
    assert quantile_interval(samples, 0.9).value == np.quantile(np.concatenate(samples), 0.9)


def test_interval_scales_with_the_unit() -> None:
    samples = exponential(8, 2000)
    seconds = quantile_interval(samples, 0.99)
    millis = quantile_interval([1000.0 * run for run in samples], 0.99)
    assert millis.low == pytest.approx(1000.0 * seconds.low)
    assert millis.high == pytest.approx(1000.0 * seconds.high)


def test_level_orders_the_intervals() -> None:
    samples = exponential(8, 500)
    narrow, wide = mean_interval(samples, 0.8), mean_interval(samples, 0.99)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_constant_sample_has_no_width() -> None:
    made = quantile_interval([np.full(50, 0.25)] * 5, 0.99)
    assert (made.low, made.value, made.high) == (0.25, 0.25, 0.25)


def test_zeros_and_negatives_have_an_interval() -> None:
    rng = np.random.default_rng(1)
    zeros = [np.maximum(rng.normal(size=400), 0.0) for _ in range(8)]
    assert quantile_interval(zeros, 0.25).high == 0.0
    made = mean_interval([rng.normal(size=400) for _ in range(8)])
    assert made.low < 0.0 < made.high


def test_few_replications_are_cut_into_batches() -> None:
    single = mean_interval(exponential(1, 6000))
    assert single.basis == "batches"
    assert single.relative < 0.1
    assert mean_interval(exponential(3, 2000)).basis == "batches"
    assert mean_interval(exponential(4, 1500)).basis == "replications"


def test_one_value_bounds_nothing() -> None:
    made = mean_interval([np.array([3.0])])
    assert (made.value, made.low, made.high) == (3.0, -math.inf, math.inf)


def test_empty_replications_are_left_out() -> None:
    samples = exponential(5, 100)
    assert mean_interval([*samples, np.empty(0)]) == mean_interval(samples)
    with pytest.raises(ValueError, match="at least one value"):
        mean_interval([np.empty(0)])


def test_quantile_support() -> None:
    assert quantile_supported(100_000, 0.99)
    assert not quantile_supported(99_000, 0.99)
    assert not quantile_supported(100_000, 0.999)
    assert quantile_supported(1_000_000, 0.999)
    assert quantile_supported(2 * EXCEEDANCES_MIN, 0.5)


def test_student() -> None:
    assert t_quantile(9, 0.95) == pytest.approx(2.262157, abs=1e-6)
    made = scalar_interval([1.0, 2.0, 3.0])
    assert made.high == pytest.approx(2.0 + 4.302653 / math.sqrt(3.0), abs=1e-6)
    assert scalar_interval([7.0]).high == math.inf


def test_share_stays_a_share() -> None:
    none = share_interval([0, 0, 0, 0, 0], [1000] * 5)
    assert none.value == none.low == 0.0
    assert 3.0 / 5000 < none.high < 10.0 / 5000
    everything = share_interval([10, 10], [10, 10])
    assert everything.value == everything.high == 1.0
    assert 0.5 < everything.low < 1.0
    assert share_interval([3], [10]).low > 0.05
    with pytest.raises(ValueError, match="at least one request"):
        share_interval([0], [0])


def coverage_limits(experiments: int) -> tuple[int, int]:
    """Counts that a true coverage of 92 to 98 % stays within, but for one in 1000 on each side."""
    low, high = binom.ppf(0.001, experiments, 0.92), binom.ppf(0.999, experiments, 0.98)
    return int(low), int(high)


@pytest.mark.parametrize("share", [0.01, 0.2])
def test_share_coverage(share: float) -> None:
    # False alarms: 0.2 % for each share.
    rng = np.random.default_rng(2)
    totals = np.full(8, 4000)
    made = [share_interval(rng.binomial(totals, share), totals) for _ in range(1000)]
    low, high = coverage_limits(1000)
    assert low <= sum(interval.low <= share <= interval.high for interval in made) <= high


def test_share_coverage_when_errors_come_in_bursts() -> None:
    # Each replication draws its own error rate: half the runs have an outage. 0.2 % false alarms.
    rng = np.random.default_rng(3)
    totals = np.full(10, 4000)
    made = []
    for _ in range(1000):
        rates = 0.05 + 0.03 * rng.standard_normal(10).clip(-1.5, 1.5)
        made.append(share_interval(rng.binomial(totals, rates), totals))
    low, high = coverage_limits(1000)
    assert low <= sum(interval.low <= 0.05 <= interval.high for interval in made) <= high


def test_ratio_coverage() -> None:
    # Dollars over requests, with both random and related. 0.2 % false alarms.
    rng = np.random.default_rng(4)
    made = []
    for _ in range(1000):
        requests = rng.poisson(500, 10)
        dollars = 0.02 * requests + rng.normal(0.0, 0.3, 10)
        made.append(ratio_interval(dollars, requests))
    low, high = coverage_limits(1000)
    assert low <= sum(interval.low <= 0.02 <= interval.high for interval in made) <= high


def test_ratio_weighs_by_the_denominator() -> None:
    assert ratio_interval([1.0, 30.0], [10.0, 100.0]).value == pytest.approx(31.0 / 110.0)
    with pytest.raises(ValueError, match="not zero"):
        ratio_interval([1.0], [0.0])


def test_pairs_cancel_what_they_share() -> None:
    rng = np.random.default_rng(5)
    shared = rng.normal(10.0, 5.0, 10)
    made = paired_difference(shared, shared + 0.5 + rng.normal(0.0, 0.01, 10))
    assert made.low > 0.4
    assert made.high < 0.6
    with pytest.raises(ValueError, match="equally many"):
        paired_difference([1.0], [1.0, 2.0])


def test_paired_samples() -> None:
    slow = exponential(8, 3000)
    fast = [0.5 * run for run in slow]
    mean, tail = paired_mean(slow, fast), paired_quantile(slow, fast, 0.99)
    assert mean.low < -0.5 < mean.high
    assert tail.low < 0.5 * math.log(0.01) < tail.high
    assert mean.half_width < 0.05
    assert paired_mean(slow[:1], fast[:1]).high == math.inf


def test_the_longer_arm_of_a_difference_turns_with_the_order() -> None:
    """A busy queue is skewed to the right: as the first of the two, it makes the lower arm long."""
    rng = np.random.default_rng(4)
    shape = (6, 5000)
    gaps, work = rng.standard_exponential(shape) / 3.0, rng.standard_exponential(shape)
    busy, idle = (list(kiefer_wolfowitz_responses(gaps, work, servers)) for servers in (4, 5))
    for made, turned in (
        (paired_mean(busy, idle), paired_mean(idle, busy)),
        (paired_quantile(busy, idle, 0.99), paired_quantile(idle, busy, 0.99)),
    ):
        assert made.value - made.low > made.high - made.value > 0.0
        assert turned.low == pytest.approx(-made.high)
        assert turned.high == pytest.approx(-made.low)


@pytest.mark.slow
def test_paired_intervals_cover_the_true_difference() -> None:
    """M/M/4 against M/M/5 in 200 comparisons: with a coverage of 95 %, fewer than 90 % of them
    hold the truth for one seed in 600, and this seed is fixed. Equal arms cover the p99 83 %."""
    rng = np.random.default_rng(17)
    truths = [MMc(3.0, 1.0, servers) for servers in (4, 5)]
    exact = truths[1].response_quantile(0.99) - truths[0].response_quantile(0.99)
    hits = 0
    for _ in range(10):
        shape = (20 * 6, 5000)
        gaps, work = rng.standard_exponential(shape) / 3.0, rng.standard_exponential(shape)
        both = [kiefer_wolfowitz_responses(gaps, work, servers)[:, 500:] for servers in (4, 5)]
        for place in range(0, 120, 6):
            first, second = (list(runs[place : place + 6]) for runs in both)
            made = paired_quantile(first, second, 0.99)
            hits += made.low <= exact <= made.high
    assert hits >= 180


def test_replications_needed() -> None:
    made = Interval(1.0, 0.9, 1.1)
    assert replications_needed(made, 10, 0.1) == 10
    # Half the width takes four times as many, less what Student's factor gives back.
    assert replications_needed(made, 10, 0.05) == 33
    assert replications_needed(made, 10, 1e-6, limit=500) == 500


def test_precision_is_reached_when_promised() -> None:
    # Means of independent values: the promise is for the average of many runs, here of 200.
    first = [mean_interval(exponential(5, 1000, seed)) for seed in range(200)]
    wanted = float(np.mean([made.relative for made in first])) / 2.0
    average = Interval(1.0, 1.0 - 2.0 * wanted, 1.0 + 2.0 * wanted)
    count = replications_needed(average, 5, wanted)
    then = [mean_interval(exponential(count, 1000, seed)) for seed in range(1000, 1200)]
    assert float(np.mean([made.relative for made in then])) == pytest.approx(wanted, rel=0.1)
