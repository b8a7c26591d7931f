"""Draws belong to requests: whatever order they ask in, and whoever else asks."""

import itertools
from collections.abc import Iterable

import numpy as np
import pytest

from simulator.engine.replicate import Experiment, run_replication
from simulator.kernel.by_request import LATE_MAX, by_request
from simulator.kernel.clock import Clock
from simulator.kernel.request import Request
from simulator.topology.model import Topology
from simulator.workload.arrivals.steady import Steady

CLOCK = Clock()
AGAIN = 1_000_000


def asked(order: Iterable[int]) -> list[float]:
    """What requests of these numbers are given; request n should get n, a second time more."""
    measure = by_request(itertools.count().__next__, itertools.count(AGAIN).__next__)
    return [measure(Request(CLOCK, number, 0, {})) for number in order]


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [7, 2, 9, 0], [1, 3, 2, 100, 4]])
def test_a_request_gets_its_own_value_in_any_order(order: list[int]) -> None:
    assert asked(order) == order


def test_who_asks_twice_gets_another_value() -> None:
    assert asked([1, 1, 0, 1, 0, 2]) == [1, AGAIN, 0, AGAIN + 1, AGAIN + 2, 2]


def test_what_is_no_request_gets_values_that_belong_to_none() -> None:
    assert asked([-1, 0, -1, 1]) == [AGAIN, 0, AGAIN + 1, 1]


def test_a_request_that_very_many_have_overtaken_gets_a_fresh_value() -> None:
    """What is kept for late requests is bounded; no value is ever given twice."""
    late = [0, 2 * LATE_MAX, 1, 2 * LATE_MAX - 1]
    assert asked(late) == [0, 2 * LATE_MAX, AGAIN, 2 * LATE_MAX - 1]


def latencies(hit_ratio: str) -> dict[int, float]:
    """Latency by request of a cache in front of a provider that errs, and its fallback."""
    provider = {
        "kind": "llm_api",
        "first_token": {"p50": "100ms", "p99": "1s"},
        "per_token": {"p50": "5ms", "p99": "20ms"},
        "errors": "10%",
    }
    topology = Topology.model_validate(
        {
            "name": "cached",
            "rate": "50 rps",
            "requests": {
                "all": {
                    "entry": "cache",
                    "attributes": {"output_tokens": {"lognormal": {"median": 50, "p95": 200}}},
                }
            },
            "components": {
                "cache": {
                    "kind": "cache",
                    "lookup": "1ms",
                    "hit_ratio": hit_ratio,
                    "on_miss": [{"call": "chain"}],
                },
                "chain": {"kind": "fallback", "targets": ["first", "second"]},
                "first": provider,
                "second": provider,
            },
        }
    )
    found = run_replication(Experiment(topology, Steady(), 40.0, seed=5), 0).requests
    return dict(zip(found["index"].tolist(), found["latency"].tolist(), strict=True))


def test_a_variant_treats_the_requests_alike_that_it_sends_the_same_way() -> None:
    """Hits of the smaller cache are hits of the larger one; whoever misses both takes as long.

    A quarter of some 2000 requests changes; the bounds are ten standard errors away."""
    few, many = latencies("5%"), latencies("30%")
    assert few.keys() == many.keys()
    changed = [number for number in few if few[number] != many[number]]
    assert 0.15 < len(changed) / len(few) < 0.35
    assert all(np.isclose(many[number], 0.001) for number in changed)
