"""The warm-up cut and the verdict on stability."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.metrics.steady_state import (
    SHARE_MIN,
    mser_cut,
    on_grid,
    stability,
    trend,
    warm_up,
)
from simulator.theory.recursions import kiefer_wolfowitz_responses

GRID = np.linspace(0.0, 1000.0, 240)


def station(
    replications: int, count: int, servers: int, utilization: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Arrival times and response times of M/M/c from an empty start."""
    rng = np.random.default_rng(seed)
    gaps = rng.standard_exponential((replications, count)) / (utilization * servers)
    services = rng.standard_exponential((replications, count))
    return np.cumsum(gaps, axis=1), kiefer_wolfowitz_responses(gaps, services, servers)


def in_flight(arrived: np.ndarray, response: np.ndarray, times: np.ndarray) -> list[np.ndarray]:
    return [
        np.searchsorted(row, times) - np.searchsorted(np.sort(row + spent), times)
        for row, spent in zip(arrived, response, strict=True)
    ]


def test_cut_finds_a_step() -> None:
    # Noise of one fifth of the step: the best cut is at the step itself, within a batch or two.
    rng = np.random.default_rng(1)
    series = np.concatenate((np.zeros(100), np.ones(400))) + 0.2 * rng.standard_normal(500)
    cut = mser_cut(series)
    assert cut is not None
    assert 90 <= cut <= 115


def test_cut_of_a_steady_series_is_early() -> None:
    # The largest of 20 cuts of pure noise; the limit is far beyond what was ever seen.
    cuts = [mser_cut(np.random.default_rng(seed).standard_normal(500)) for seed in range(20)]
    assert all(cut is not None for cut in cuts)
    assert np.median(cuts) < 100


def test_a_series_that_keeps_moving_has_no_cut() -> None:
    noise = 0.01 * np.random.default_rng(2).standard_normal(500)
    assert mser_cut(np.linspace(0.0, 1.0, 500) + noise) is None
    assert mser_cut(np.ones(20)) is None


def test_cut_is_the_minimum_of_its_definition() -> None:
    series = np.random.default_rng(3).standard_exponential(300).cumsum() ** 0.1
    means = series.reshape(60, 5).mean(axis=1)
    errors = [means[d:].var() / (60 - d) for d in range(55)]
    best = int(np.argmin(errors))
    assert mser_cut(series) == (5 * best if best <= 30 else None)


def test_grid_means() -> None:
    means = on_grid(np.array([0.5, 9.5, 1.5, 0.1]), np.array([2.0, 7.0, 5.0, 4.0]), 10.0, 5)
    assert means[0] == pytest.approx(11.0 / 3.0)
    assert np.isnan(means[1:4]).all()
    assert means[4] == 7.0


def test_warm_up_of_a_filling_queue() -> None:
    # Every replication starts with a long transient: a backlog of 300 s that is worked off.
    arrived, response = station(8, 12_000, 1, 0.7, seed=4)
    horizon = float(arrived[:, -1].min())
    backlog = np.maximum(0.0, 300.0 - 0.3 * arrived)
    found = warm_up(list(arrived), list(response + backlog), horizon)
    assert found.steady
    assert 900.0 <= found.cut_s <= 2000.0
    assert "warm-up" in found.sentence


def test_warm_up_of_an_overload_is_not_steady() -> None:
    arrived, response = station(8, 8000, 1, 1.2, seed=5)
    found = warm_up(list(arrived), list(response), float(arrived[:, -1].min()))
    assert not found.steady
    assert found.share == 0.5
    assert "No steady state" in found.sentence


def test_a_burst_is_not_a_warm_up() -> None:
    # None of 100 runs cut more than the least share when this was measured, so the true rate is
    # below 5 %, and more than two of ten happen in fewer than 1.2 % of cases.
    order = np.arange(15_000.0)
    longer = 0
    for seed in range(10):
        _, response = station(8, 15_000, 8, 0.85, seed)
        longer += warm_up([order] * 8, list(response), 15_000.0).share > SHARE_MIN
    assert longer <= 2


def test_warm_up_of_nothing() -> None:
    assert not warm_up([], [], 10.0).steady
    assert not warm_up([np.empty(0)], [np.empty(0)], 10.0).steady


def test_trend() -> None:
    assert trend(GRID, 3.0 + 0.25 * GRID) == pytest.approx(0.25)
    assert trend(np.zeros(4), np.arange(4.0)) == 0.0


@pytest.mark.parametrize("replications", [1, 2, 8])
def test_overload_is_seen_without_being_told(replications: int) -> None:
    arrived, response = station(replications, 14_000, 1, 1.2, seed=6)
    horizon = float(arrived[:, -1].min())
    times = np.linspace(horizon / 2.0, horizon, 240)
    verdict = stability(times, in_flight(arrived, response, times))
    assert verdict.growing
    assert not verdict.stable
    assert verdict.growth_low < 0.2 < verdict.growth_high
    assert "Unstable" in verdict.sentence


@pytest.mark.parametrize(("servers", "utilization"), [(1, 0.8), (8, 0.85), (1, 0.95)])
def test_busy_is_not_unstable(servers: int, utilization: float) -> None:
    # The level makes one in 1000 a false alarm; 10 runs each, so 3 % in all at the very most.
    for seed in range(10):
        arrived, response = station(8, 14_000, servers, utilization, seed)
        horizon = float(arrived[:, -1].min())
        times = np.linspace(horizon / 10.0, horizon, 240)
        verdict = stability(times, in_flight(arrived, response, times), offered=utilization)
        assert verdict.stable, verdict.sentence


def test_offered_load_decides_alone() -> None:
    flat = [np.full(240, 5.0) + row for row in np.random.default_rng(7).random((8, 240))]
    over = stability(GRID, flat, offered=1.05, name="gpu_pool")
    assert not over.stable
    assert over.sentence.startswith("Unstable: gpu_pool is offered 105% of its capacity")
    shed = stability(GRID, flat, offered=1.05, bounded=True, name="gpu_pool")
    assert shed.stable
    assert "turns the rest away" in shed.sentence
    both = stability(GRID, [row + 0.5 * GRID for row in flat], offered=1.3)
    assert both.growing
    assert "offered 130%" in both.sentence
    assert "0.5 more requests" in both.sentence


def test_growth_without_a_known_cause() -> None:
    rows = [0.1 * GRID + row for row in np.random.default_rng(8).random((8, 240))]
    assert "keeps growing" in stability(GRID, rows, offered=0.6).sentence
    assert stability(GRID, []).stable
