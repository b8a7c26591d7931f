"""A cache that was in use before the run, and what sampling does to the laws."""

import math
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from simulator.engine.replicate import Experiment, run_replication
from simulator.metrics.components import station_measure
from simulator.metrics.crosscheck import littles_law
from simulator.metrics.window import Window
from simulator.recording.recording import Recording
from simulator.topology.model import Topology
from simulator.topology.paper import on_paper
from simulator.workload.arrivals.steady import Steady

KEYS = {"zipf": {"items": 2000, "exponent": 0.8}}
RATE, TTL_S = 50.0, 60.0


def run(requests: dict[str, Any], components: dict[str, Any], *, horizon_s: float) -> Recording:
    design = Topology.model_validate(
        {
            "name": "design",
            "rate": f"{RATE} rps",
            "requests": {"ask": {"entry": next(iter(components)), **requests}},
            "components": components,
        }
    )
    return run_replication(Experiment(design, Steady(), horizon_s, seed=5), 0)


def cached(**fields: Any) -> Recording:
    cache = {"kind": "cache", "lookup": "0ms", "key": "page", "ttl": f"{TTL_S}s", **fields}
    return run({"attributes": {"page": KEYS}}, {"cache": cache}, horizon_s=20.0)


def hits_in(recording: Recording, begin_s: float, end_s: float) -> tuple[float, float]:
    meters = recording.meters["cache"]
    edges = np.searchsorted(recording.times, [begin_s, end_s])
    hits, misses = (
        float(np.diff(meters[name][edges])[0]) for name in ("hits_total", "misses_total")
    )
    return hits, hits + misses


def test_a_warmed_cache_hits_from_the_start_as_often_as_theory_says() -> None:
    warm = {"keys": KEYS, "rate": f"{RATE} rps", "duration": f"{2 * TTL_S}s"}
    hits, lookups = hits_in(cached(warmed_by=warm), 0.0, 10.0)
    weights = np.arange(1, 2001) ** -0.8
    shares = weights / weights.sum()
    # A key that is written at a miss and lives for T hits with probability rT / (1 + rT).
    visits = RATE * shares * TTL_S
    expected = float(np.dot(shares, visits / (1.0 + visits)))
    cold_hits, cold_lookups = hits_in(cached(), 0.0, 10.0)
    # 5 standard errors, with twice the variance for look-ups that depend on each other: < 1e-3.
    error = 5.0 * math.sqrt(2.0 * expected * (1.0 - expected) / lookups)
    assert hits / lookups == pytest.approx(expected, abs=error)
    assert cold_hits / cold_lookups < expected - error


def test_keys_of_a_warmed_cache_do_not_expire_together() -> None:
    few = {"zipf": {"items": 100, "exponent": 0.0}}
    warm = {"keys": few, "rate": f"{RATE} rps", "duration": f"{2 * TTL_S}s"}
    cache = {"kind": "cache", "lookup": "0ms", "key": "page", "ttl": f"{TTL_S}s"}
    components = {"cache": {**cache, "warmed_by": warm}}
    recording = run({"attributes": {"page": few}}, components, horizon_s=TTL_S)
    misses = np.diff(recording.meters["cache"]["misses_total"]).reshape(6, -1).sum(axis=1)
    # Each of 100 keys is fetched about once in the minute, some 16 in each sixth of it; fewer
    # than 5 or more than 35 come up less than once in 1000 runs (binomial).
    assert 5 <= misses.min() <= misses.max() <= 35


def test_a_hit_ratio_cannot_be_warmed() -> None:
    fields = {"kind": "cache", "lookup": "1ms", "hit_ratio": "50%"}
    warm = {"keys": KEYS, "rate": "1 rps", "duration": "1s"}
    with pytest.raises(ValidationError, match="needs a `key`"):
        run({}, {"cache": {**fields, "warmed_by": warm}}, horizon_s=1.0)


def test_the_expected_hit_ratio_counts_on_paper() -> None:
    design = Topology.model_validate(
        {
            "name": "design",
            "rate": "100 rps",
            "requests": {"ask": {"entry": "cache", "attributes": {"page": KEYS}}},
            "components": {
                "cache": {"kind": "cache", "lookup": "0ms", "key": "page", "expect": "75%",
                          "on_miss": [{"call": "store"}]},
                "store": {"kind": "database", "query": "10ms", "connections": 1},
            },
        }
    )  # fmt: skip
    assert on_paper(design).utilizations()["store"] == pytest.approx(0.25)


def test_laws_allow_for_requests_that_fan_out() -> None:
    """One in eight requests is traced, and one in a hundred of those makes 200 visits at once."""
    fan_out = {"repeat": {"times": {"per": {"attribute": "copies", "each": 1}}, "parallel": True,
                          "steps": [{"call": "worker"}]}}  # fmt: skip
    components = {
        "fan": {"kind": "service", "workers": 1000, "steps": [fan_out]},
        "worker": {"kind": "service", "workers": 4, "steps": [{"work": {"exponential": "2ms"}}]},
    }
    copies = {"choice": {1: "99%", 200: "1%"}}
    recording = run({"attributes": {"copies": copies}}, components, horizon_s=400.0)
    measure = station_measure([Window(recording, 0.0)], "worker")
    assert measure is not None
    # Nearly all waiting is in some 200 bursts, of which about 25 are traced: a coarse sample.
    assert measure.wait_error_s > 0.15 * measure.mean_wait_s
    assert littles_law(measure).status == "ok"


def test_a_fetch_behind_a_stale_answer_outlives_the_deadline_of_who_set_it_off() -> None:
    """The caller waits 50 ms and has its answer at once; the fetch takes 200 ms all the same."""
    components = {
        "web": {
            "kind": "service",
            "workers": 100,
            "steps": [{"call": {"to": "cache", "timeout": "50ms"}}],
        },
        "cache": {
            "kind": "cache",
            "key": "page",
            "lookup": "0ms",
            "ttl": "1s",
            "stale_while_revalidate": "1h",
            "warmed_by": {"keys": {"constant": 1}, "rate": "50 rps", "duration": "10s"},
            "on_miss": [{"call": {"to": "origin", "propagate_deadline": True}}],
        },
        "origin": {"kind": "delay", "latency": "200ms"},
    }
    recording = run({"attributes": {"page": {"constant": 1}}}, components, horizon_s=60.0)
    finals = recording.finals["cache"]
    # A life of 1 s, then 200 ms and the gap to the next request (20 ms): 49 fetches in 60 s.
    assert 40 <= finals["fetches_total"] <= 51
    assert finals["stale_total"] < 0.3 * recording.issued[0]
