"""Where the queue is, and who chooses it."""

from typing import Any

import numpy as np

from simulator.recording.recording import Recording
from tests.validation.cases import Effort, Estimates, case, near, recordings
from tests.validation.v_mixtures import means, quantiles

Latencies = np.ndarray[Any, Any]

FARM = """
name: farm
rate: {rate} rps
requests: {{request: {{entry: farm}}}}
components:
  farm:
    kind: service
    replicas: {replicas}
    workers: 1
    queue_at: replica
    balancing: {balancing}
    steps: [{{work: {{exponential: {{mean: 1s}}}}}}]
"""
POLICIES = {
    "random": "random",
    "round robin": "round_robin",
    "power of two": "power_of_two",
    "best of three": "{choices: 3}",
    "shortest queue": "least_request",
}
MEANS = {
    0.8: (5.04, 2.89, 2.075, 1.72, 1.354),
    0.9: (9.96, 5.75, 3.011, 2.46, 1.90),
}
P99 = (23.3, 13.2, 7.96, 6.90, 5.91)


def cut(runs: list[Recording], warm_up: float) -> list[Latencies]:
    """Latencies of the requests that arrived after the warm-up."""
    return [
        run.requests["latency"][run.requests["arrived"] >= warm_up * run.horizon_s] for run in runs
    ]


def farm(
    balancing: str, replicas: int, load: float, requests: float, effort: Effort
) -> list[Latencies]:
    """Latencies of a farm with a queue per replica, after a quarter of the run."""
    rate = load * replicas
    text = FARM.format(rate=rate, replicas=replicas, balancing=balancing)
    # Many servers near saturation take hundreds of service times to fill up.
    horizon_s = max(effort.length(requests) / rate, 400.0)
    return cut(list(recordings(text, horizon_s, effort)), 0.25)


@case(
    "V18",
    "Balancing over ten queues",
    system="Ten servers with a FIFO queue each, exponential service (mean 1 s), Poisson arrivals.",
    source="simulation of 3 x 500,000 jobs; random is M/M/1",
    expected={
        **{
            f"mean (s), load {load}, {name}": near(
                MEANS[load][number], 0.03 if load < 0.9 else 0.05
            )
            for load in (0.8, 0.9)
            for number, name in enumerate(POLICIES)
        },
        **{f"p99 (s), load 0.8, {name}": near(P99[n], 0.03) for n, name in enumerate(POLICIES)},
    },
)
def v18(effort: Effort) -> Estimates:
    found: dict[str, list[float]] = {}
    for load, requests in ((0.8, 200_000), (0.9, 400_000)):
        for name, balancing in POLICIES.items():
            samples = farm(balancing, 10, load, requests, effort)
            found[f"mean (s), load {load}, {name}"] = means(samples)
            if load == 0.8:
                found[f"p99 (s), load 0.8, {name}"] = quantiles(samples, 0.99)
    return found


FIXED_POINT = {0.5: 1.2657, 0.7: 1.6145, 0.8: 1.9474, 0.9: 2.6141, 0.95: 3.3830, 0.99: 5.4320}
LENGTH = {0.95: 600_000, 0.99: 1_200_000}
"""Requests where 300,000 would be too few: farms near saturation take longer to fill."""


@case(
    "V19",
    "Power of two choices in the limit of many servers",
    system="500 servers with a FIFO queue each, exponential service (mean 1 s).",
    source="Mitzenmacher (2001), sum of lambda^((d^i - d)/(d - 1)); the d=1 and n=100 figures too",
    expected={
        **{f"mean (s), load {load}": near(value, 0.02) for load, value in FIXED_POINT.items()},
        "mean (s), load 0.9, 100 servers": near(2.627, 0.02),
    },
)
def v19(effort: Effort) -> Estimates:
    found = {
        f"mean (s), load {load}": means(
            farm("power_of_two", 500, load, LENGTH.get(load, 300_000), effort)
        )
        for load in (FIXED_POINT if effort.full else (0.5, 0.7))
    }
    samples = farm("power_of_two", 100, 0.9, 200_000, effort)
    found["mean (s), load 0.9, 100 servers"] = means(samples)
    return found


BALLS = """
name: balls
rate: {balls} rps
requests: {{ball: {{entry: bins}}}}
components:
  bins:
    kind: service
    replicas: 100
    queue_at: replica
    balancing: random
    steps: [{{work: 1000000s}}]
"""


def _largest_bin(run: Recording, balls: int) -> float:
    meters = run.meters["bins"]
    assert meters["queue"][-1] + meters["busy"][-1] == balls
    # One is in service in every bin that is not empty.
    return float(meters["queue_max"][-1]) + 1.0


@case(
    "V20",
    "Balls into bins",
    system="M requests go to 100 replicas at random and stay there.",
    source="simulation; M. Brooker, Balls into bins in distributed systems (2018)",
    expected={
        "largest bin, M=100": near(4.25, 0.01, "exactly 4.2326, by counting; 4.25 was simulated"),
        "largest bin, M=1000": near(18.67, 0.01, "exactly 18.762; 18.67 was simulated"),
        "largest bin, M=10000": near(126.1, 0.01, "exactly 125.96; 126.1 was simulated"),
        "largest bin, M=100000": near(1080.7, 0.01),
    },
)
def v20(effort: Effort) -> Estimates:
    from simulator.workload.arrivals.constant import Constant

    found = {}
    for balls, runs in ((100, 1500), (1000, 400), (10_000, 80), (100_000, 25)):
        text = BALLS.format(balls=balls)
        largest = [
            _largest_bin(run, balls)
            for run in recordings(
                text, 1.0, effort, arrivals=Constant(), replications=effort.count(runs, 4)
            )
        ]
        found[f"largest bin, M={balls}"] = largest
    return found
