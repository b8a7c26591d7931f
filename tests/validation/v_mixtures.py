"""Latency alone: chains, quorums, fan-out and mixtures of independent latencies."""

from collections.abc import Sequence

import numpy as np

from tests.validation.cases import Effort, Estimates, about, case, near, recordings

DEAN = "Dean and Barroso, The Tail at Scale (2013)"
BROOKER_SERIAL = "M. Brooker, Serial, Parallel and Quorum Latencies (2021); order statistics"

LEAF = "{kind: delay, latency: {exponential: {mean: 1s}}}"


def latencies(text: str, requests: float, effort: Effort) -> list[np.ndarray]:
    """Latencies of all requests, by replication, at one request per second."""
    return [
        recording.requests["latency"]
        for recording in recordings(text, effort.length(requests), effort)
    ]


def means(samples: Sequence[np.ndarray]) -> list[float]:
    """Mean of each replication."""
    return [float(sample.mean()) for sample in samples]


def quantiles(samples: Sequence[np.ndarray], p: float) -> list[float]:
    """Percentile of each replication."""
    return [float(np.quantile(sample, p)) for sample in samples]


def single(step: str, leaf: str = LEAF) -> str:
    """One service without a queue that takes one step; `leaf` is what it may call."""
    return f"""
name: leaf_calls
rate: 1 rps
requests: {{request: {{entry: root}}}}
components:
  root: {{kind: service, workers: 1000, steps: [{step}]}}
  leaf: {leaf}
"""


def fan_out(copies: int) -> str:
    """Call the leaf `copies` times side by side and wait for all."""
    return f"{{repeat: {{times: {copies}, parallel: true, steps: [{{call: leaf}}]}}}}"


@case(
    "V13",
    "Fan-out meets the tail of its leaves",
    system="A root asks n independent leaves with exponential latency (mean 10 ms) side by side.",
    source=f"{DEAN}; maximum of n exponentials",
    expected={
        "P(above leaf p99), n=1": near(0.01, 0.01),
        "P(above leaf p99), n=10": near(0.0956, 0.01),
        "P(above leaf p99), n=100": near(0.634, 0.01),
        "P(above leaf p99.99), n=2000": near(0.1813, 0.01),
        "p50, n=100 (ms)": near(49.75, 0.01),
        "p99, n=100 (ms)": near(92.05, 0.01),
        "mean, n=100 (ms)": near(51.87, 0.01),
    },
)
def v13(effort: Effort) -> Estimates:
    leaf = "{kind: delay, latency: {exponential: {mean: 10ms}}}"
    p99 = -0.010 * np.log(0.01)
    p9999 = -0.010 * np.log(1e-4)
    found: dict[str, list[float]] = {}
    for copies, requests in ((1, 200_000), (10, 30_000), (100, 6_000)):
        samples = latencies(single(fan_out(copies), leaf), requests, effort)
        found[f"P(above leaf p99), n={copies}"] = [float((s > p99).mean()) for s in samples]
    found["p50, n=100 (ms)"] = [1e3 * value for value in quantiles(samples, 0.5)]
    found["p99, n=100 (ms)"] = [1e3 * value for value in quantiles(samples, 0.99)]
    found["mean, n=100 (ms)"] = [1e3 * value for value in means(samples)]
    samples = latencies(single(fan_out(2000), leaf), 1_000, effort)
    found["P(above leaf p99.99), n=2000"] = [float((s > p9999).mean()) for s in samples]
    return found


@case(
    "V14",
    "Serial chains and quorums",
    system="Calls with exponential latency (mean 1 s), in a row or side by side with a quorum.",
    source=BROOKER_SERIAL,
    expected={
        "p99, chain of 3": near(8.406, 0.01),
        "p99, chain of 10": near(18.78, 0.01),
        "p99, 3 of 5": near(2.2477, 0.01),
        "mean, 3 of 5": near(0.7833, 0.01),
        "p99, 4 of 7": near(1.950, 0.01),
        "p99, 2 of 3": near(2.832, 0.01),
    },
)
def v14(effort: Effort) -> Estimates:
    found: dict[str, list[float]] = {}
    for length in (3, 10):
        step = f"{{repeat: {{times: {length}, steps: [{{call: leaf}}]}}}}"
        found[f"p99, chain of {length}"] = quantiles(latencies(single(step), 40_000, effort), 0.99)
    for need, copies in ((3, 5), (4, 7), (2, 3)):
        branches = ", ".join(["{call: leaf}"] * copies)
        step = f"{{parallel: {{branches: [{branches}], need: {need}}}}}"
        samples = latencies(single(step), 40_000, effort)
        found[f"p99, {need} of {copies}"] = quantiles(samples, 0.99)
        if (need, copies) == (3, 5):
            found["mean, 3 of 5"] = means(samples)
    return found


MIXTURE = (
    "{kind: delay, latency: {mixture: ["
    "{weight: 99%, of: {normal: {mean: 10ms, sd: 2ms}}}, "
    "{weight: 1%, of: {normal: {mean: 100ms, sd: 10ms}}}]}}"
)


@case(
    "V16",
    "A rare slow mode and the variance",
    system="A leaf that takes N(10, 2) ms in 99 % and N(100, 10) ms in 1 % of the calls.",
    source="M. Brooker, Tail latency might matter more than you think (2021); moments of a mixture",
    expected={
        "mean (ms)": near(10.9, 0.02),
        "variance (ms2)": near(85.15, 0.02),
        "times the variance without the tail": about(21.3, 0.45),
    },
)
def v16(effort: Effort) -> Estimates:
    samples = [1e3 * s for s in latencies(single("{call: leaf}", MIXTURE), 400_000, effort)]
    variances = [float(sample.var()) for sample in samples]
    return {
        "mean (ms)": means(samples),
        "variance (ms2)": variances,
        "times the variance without the tail": [value / 4.0 for value in variances],
    }
