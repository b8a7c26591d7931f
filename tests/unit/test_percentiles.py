"""Percentiles, the spectrum, histograms and thinning."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.engine.replicate import Experiment, run_replication
from simulator.metrics.estimates import estimates_by_cut, table_at
from simulator.metrics.percentiles import (
    histogram,
    percentile_name,
    quantile,
    quantiles,
    spectrum,
    thinned_ranks,
    thinned_series,
)
from simulator.metrics.summary import Question, metrics_document
from simulator.metrics.window import Window
from simulator.topology.model import Topology
from simulator.workload.arrivals.steady import Steady

numbers = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300).map(np.array)


def test_names() -> None:
    names = [percentile_name(p) for p in (0.5, 0.9, 0.95, 0.99, 0.999, 0.9999)]
    assert names == ["p50", "p90", "p95", "p99", "p99.9", "p99.99"]


def test_quantiles_are_exact() -> None:
    values = np.arange(101.0)[::-1]
    assert quantiles(values, [0.0, 0.5, 0.99, 1.0]) == [0.0, 50.0, 99.0, 100.0]
    assert quantile(values, 0.255) == pytest.approx(25.5)
    with pytest.raises(ValueError, match="at least one value"):
        quantile(np.empty(0), 0.5)


def test_spectrum_stops_where_support_ends() -> None:
    values = np.random.default_rng(1).standard_exponential(10_000)
    curve = spectrum(values)
    assert curve.nines[0] == 0.0
    assert curve.nines[-1] == pytest.approx(3.0)
    assert np.count_nonzero(values > curve.value[-1]) == 10
    assert (np.diff(curve.value) >= 0.0).all()
    assert curve.value[0] == values.min()


@given(numbers, st.integers(1, 40), st.booleans())
def test_histogram_counts_everything(values: np.ndarray, buckets: int, logarithmic: bool) -> None:
    made = histogram(values, buckets, logarithmic=logarithmic)
    assert made.counts.sum() == len(values)
    assert len(made.edges) == len(made.counts) + 1
    assert made.edges[0] == values.min()
    assert made.edges[-1] == values.max()


def test_histogram_of_nothing() -> None:
    assert histogram(np.empty(0)).counts.sum() == 0


@given(numbers, st.integers(4, 100))
def test_thinning_keeps_the_tail(values: np.ndarray, limit: int) -> None:
    p, kept = thinned_ranks(values, limit)
    assert len(kept) <= max(limit, 1)
    tail = min(len(values), limit // 2)
    assert (kept[len(kept) - tail :] == np.sort(values)[len(values) - tail :]).all()
    assert kept[0] == values.min()
    assert (np.diff(p) > 0.0).all()


@given(numbers, st.integers(4, 100))
def test_thinned_series_keeps_the_extremes(values: np.ndarray, limit: int) -> None:
    times, kept = thinned_series(np.arange(len(values)), values, limit)
    assert len(kept) <= max(limit, len(values) if len(values) <= limit else limit)
    assert kept.max() == values.max()
    assert kept.min() == values.min()
    assert (np.diff(times) > 0.0).all()
    assert times[0] == 0
    assert times[-1] == len(values) - 1


@pytest.mark.parametrize("answers", [True, False])
def test_time_inside_is_that_of_the_classes_that_come_there(answers: bool) -> None:
    wait = [{"wait": "20ms"}]
    parts = {
        "page": [{"call": "store"}],
        "store": wait if answers else [*wait, {"fail": "error"}],
        "log": [{"wait": "1ms"}],
    }
    design = Topology.model_validate(
        {
            "name": "design",
            "rate": "40 rps",
            "requests": {"read": {"entry": "page"}, "write": {"entry": "log", "share": 3}},
            "components": {
                name: {"kind": "service", "workers": 50, "steps": steps}
                for name, steps in parts.items()
            },
        }
    )
    found = [run_replication(Experiment(design, Steady(), 20.0, seed=3), 0)]
    derived: Any = {"reading": (["store"], None), "nowhere": (["gone"], None)}
    derived["rest"] = (None, ["store"])
    windows = [Window(recording, 0.0) for recording in found]
    metrics = metrics_document(windows, Question(derived=derived), None)
    table = table_at(estimates_by_cut(found, derived), 0.0)
    # A page takes no time of its own; what is written, and never comes to the store, takes 1 ms.
    assert metrics["rest"]["p50"]["value"] == pytest.approx(0.0 if answers else 0.001, abs=1e-9)
    assert metrics["nowhere"]["p50"]["value"] == 0.0
    if not answers:
        assert metrics["reading"] is None and "reading.p50" not in table
        return
    # Three of four requests never come to the store; zeros would have made the median 0.
    assert metrics["reading"]["p50"]["value"] == pytest.approx(0.02)
    assert table["reading.p50"]["pooled"] == pytest.approx(0.02)
