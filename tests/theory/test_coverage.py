"""A small version of ``benchmarks/coverage.py``: the intervals cover as often as they say.

The number of 250 experiments whose interval covers the truth is binomial. It must reach what a
true coverage of 92 % reaches with probability 0.9995, so the four counts together raise at most
0.2 % false alarms; a true coverage of 80 % is found out with probability 0.99. So few experiments
cannot tell 98 % from 100 %, therefore the width is held too: on average at most 1.8 times the
1.96 standard deviations of the estimates over the experiments, which is what an interval that
knew the spread would have (Student's factor at eight replications alone is 1.2 times that).
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from simulator.metrics.confidence import mean_interval, quantile_interval, scalar_interval
from simulator.theory.erlang import MMc
from simulator.theory.recursions import Floats, markov_responses

EXPERIMENTS, REPLICATIONS, REQUESTS, WARM_UP = 250, 8, 13_000, 1500
FEWEST = int(binom.ppf(0.0005, EXPERIMENTS, 0.92))
WIDEST = 1.8


def experiments(servers: int, utilization: float) -> list[list[Floats]]:
    rng = np.random.default_rng(servers)
    out = []
    for _ in range(EXPERIMENTS // 50):
        rows = markov_responses(rng, 50 * REPLICATIONS, REQUESTS + WARM_UP, servers, utilization)
        measured = np.ascontiguousarray(rows[:, WARM_UP:])
        out += [list(measured[i : i + REPLICATIONS]) for i in range(0, len(rows), REPLICATIONS)]
    return out


@pytest.mark.parametrize(("servers", "utilization"), [(1, 0.8), (8, 0.85)])
def test_intervals_cover(servers: int, utilization: float) -> None:
    station = MMc(servers * utilization, 1.0, servers)
    mean, p99 = station.mean_response_s, station.response_quantile(0.99)
    runs = experiments(servers, utilization)
    for truth, made in (
        (mean, [mean_interval(samples) for samples in runs]),
        (p99, [quantile_interval(samples, 0.99) for samples in runs]),
    ):
        assert sum(interval.low <= truth <= interval.high for interval in made) >= FEWEST
        ideal = 1.96 * float(np.std([interval.value for interval in made]))
        assert float(np.mean([interval.half_width for interval in made])) <= WIDEST * ideal
    # The test can fail: requests taken for independent of each other do not pass it.
    naive = [scalar_interval(np.concatenate(samples)) for samples in runs]
    assert sum(interval.low <= mean <= interval.high for interval in naive) < FEWEST
