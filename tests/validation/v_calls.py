"""Retries, budgets, breakers and hedges against closed forms and published simulations."""

import math

import numpy as np

from simulator.recording.recording import Recording
from simulator.workload.arrivals.constant import Constant
from tests.validation.cases import (
    Effort,
    Estimates,
    Expected,
    about,
    at_least,
    at_most,
    case,
    near,
    recordings,
)
from tests.validation.v_mixtures import MIXTURE, latencies, quantiles, single

GOOD = ("ok", "stale_ok", "fallback_ok")


def calls(policies: str, leaf: str, rate: str = "10 rps") -> str:
    """A client that calls one leaf with these policies."""
    return f"""
name: client
rate: {rate}
requests: {{request: {{entry: client}}}}
components:
  client: {{kind: service, workers: 10000, steps: [{{call: {{to: leaf{policies}}}}}]}}
  leaf: {leaf}
"""


def good_share(recording: Recording) -> float:
    """Share of requests with a good answer."""
    codes = [recording.outcomes.index(name) for name in GOOD]
    return float(np.isin(recording.requests["outcome"], codes).mean())


def meter(recording: Recording, component: str, name: str, since: float = 0.0) -> float:
    """How much a counter grew from a time on."""
    readings = recording.meters[component][name]
    return float(readings[-1] - readings[np.searchsorted(recording.times, since)])


RETRY_TABLE = {
    (0.01, "none"): (0.9903, 1.000),
    (0.01, "3 retries"): (1.0000, 1.010),
    (0.01, "adaptive"): (1.0000, 1.010),
    (0.01, "breaker"): (0.9999, 1.010),
    (0.1, "none"): (0.8998, 1.000),
    (0.1, "3 retries"): (0.9999, 1.111),
    (0.1, "adaptive"): (0.9846, 1.094),
    (0.1, "breaker"): (0.9305, 1.033),
    (0.5, "none"): (0.4988, 1.000),
    (0.5, "3 retries"): (0.9372, 1.871),
    (0.5, "adaptive"): (0.5522, 1.104),
    (0.5, "breaker"): (0.4994, 1.000),
}
STRATEGIES = {
    "none": "",
    "3 retries": ", max_attempts: 4, backoff: {none: {}}",
    "adaptive": ", max_attempts: 10000, backoff: {none: {}}, retry_budget: {adaptive: {}}",
    "breaker": ", max_attempts: 4, backoff: {none: {}}, retry_budget: {failure_share: 10%}",
}


@case(
    "V23",
    "Retry strategies under independent failures",
    system="100 clients with 10 calls a second for 100 s and a budget each; every try fails with "
    "probability p; no pause between tries.",
    source="mbrooker/simulator_example retry_sim, re-run; 1 - p^4 and 1 + p + p^2 + p^3",
    expected={
        f"{what}, p={p:g}, {strategy}": near(figures[column], 0.005)
        for (p, strategy), figures in RETRY_TABLE.items()
        for column, what in enumerate(("success", "load"))
    },
)
def v23(effort: Effort) -> Estimates:
    found: dict[str, list[float]] = {}
    for p, strategy in RETRY_TABLE:
        leaf = f"{{kind: delay, latency: 20ms, errors: {p}}}"
        text = calls(STRATEGIES[strategy], leaf)
        good, load = [], []
        # Clients share nothing, so that each is a replication of one client.
        for recording in recordings(text, 100.0, effort, replications=effort.count(300, 40)):
            good.append(good_share(recording))
            load.append(float(np.mean(recording.requests["latency"] / 0.020)))
        found[f"success, p={p:g}, {strategy}"] = good
        found[f"load, p={p:g}, {strategy}"] = load
    return found


def layers(attempts: list[int]) -> str:
    """A chain of services above a backend that always fails, with so many tries per layer."""
    parts = [
        f"  s{n}: {{kind: service, workers: 10000, steps: [{{call: {{to: s{n + 1}, "
        f"max_attempts: {tries}{', backoff: {none: {}}' if tries > 1 else ''}}}}}]}}"
        for n, tries in enumerate(attempts)
    ]
    backend = f"  s{len(attempts)}: {{kind: delay, latency: 1ms, errors: 100%}}"
    head = "name: layers\nrate: 1 rps\nrequests: {request: {entry: s0}}\ncomponents:\n"
    return head + "\n".join([*parts, backend])


@case(
    "V24",
    "Retries in every layer multiply",
    system="d layers above a backend that always fails; each layer makes a attempts.",
    source="a^d; Site Reliability Engineering, chapter 22 (64 tries from three layers of four)",
    expected={
        "tries, 3 layers of 3": near(27, 0.0),
        "tries, 3 layers of 4": near(64, 0.0),
        "tries, 5 layers of 3": near(243, 0.0),
        "tries, 3 layers, 4 at the edge only": near(4, 0.0),
    },
)
def v24(effort: Effort) -> Estimates:
    systems = {
        "tries, 3 layers of 3": [3] * 3,
        "tries, 3 layers of 4": [4] * 3,
        "tries, 5 layers of 3": [3] * 5,
        "tries, 3 layers, 4 at the edge only": [4, 1, 1],
    }
    found = {}
    for name, attempts in systems.items():
        recording = next(recordings(layers(attempts), 20.0, effort, arrivals=Constant()))
        tries = np.unique(np.round(recording.requests["latency"] / 0.001, 6))
        found[name] = tries.tolist()
    return found


@case(
    "V25",
    "Retry budgets when everything fails",
    system="1000 calls a second, evenly spaced; every try fails after 100 ms; up to 1000 tries.",
    source="Finagle RetryBudget, Envoy retry_budget, gRPC A6, AWS SDK standard mode",
    expected={
        "tries per second, Finagle 20 % + 10/s": near(1210, 0.02),
        "tries per second, Envoy 20 %": near(1250, 0.02),
        "tries per second, gRPC (10, 0.1)": near(1000, 0.001),
        "retries in total, gRPC (10, 0.1)": at_most(5),
        "retries in total, AWS 500/14": near(35, 0.0),
        "tries per second after that, AWS": near(1000, 0.001),
        "share of failures at which gRPC stops retrying": about(0.0909, 0.01),
    },
)
def v25(effort: Effort) -> Estimates:
    budgets = {"finagle": "finagle: {}", "envoy": "envoy: {}", "grpc": "grpc: {}", "aws": "aws: {}"}
    rates, retries = {}, {}
    leaf = "{kind: delay, latency: 100ms, errors: 100%}"
    for name, budget in budgets.items():
        policy = f", max_attempts: 1000, backoff: {{none: {{}}}}, retry_budget: {{{budget}}}"
        text = calls(policy, leaf, "1000 rps")
        recording = next(recordings(text, 40.0, effort, arrivals=Constant()))
        span = 40.0 - recording.times[np.searchsorted(recording.times, 20.0)]
        rates[name] = meter(recording, "leaf", "served_total", 20.0) / span
        retries[name] = meter(recording, "client", "leaf.retries_total")
    return {
        "tries per second, Finagle 20 % + 10/s": [rates["finagle"]],
        "tries per second, Envoy 20 %": [rates["envoy"]],
        "tries per second, gRPC (10, 0.1)": [rates["grpc"]],
        "retries in total, gRPC (10, 0.1)": [retries["grpc"]],
        "retries in total, AWS 500/14": [retries["aws"]],
        "tries per second after that, AWS": [rates["aws"]],
        "share of failures at which gRPC stops retrying": [_grpc_break_even(effort)],
    }


def _grpc_break_even(effort: Effort) -> float:
    """The share of failures between that at which most failures are retried and few are."""
    shares = np.arange(0.05, 0.14, 0.01)
    retried = []
    for share in shares:
        leaf = f"{{kind: delay, latency: 1ms, errors: {share:.3f}}}"
        policy = ", max_attempts: 2, backoff: {none: {}}, retry_budget: {grpc: {max_tokens: 100}}"
        recording = next(recordings(calls(policy, leaf, "1000 rps"), effort.length(600), effort))
        half = recording.times[-1] / 2
        sent = meter(recording, "client", "leaf.retries_total", half)
        tries = meter(recording, "leaf", "served_total", half)
        retried.append(sent / ((tries - sent) * share))
    return float(np.interp(0.5, retried[::-1], shares[::-1]))


BREAKERS = 200


def many_breakers(p: float, breaker: str) -> str:
    """Independent breakers side by side, one per branch, in front of a leaf that fails."""
    branch = f"{{call: {{to: leaf, optional: true, breaker: {breaker}}}}}"
    return f"""
name: breakers
rate: 10 rps
requests: {{request: {{entry: client}}}}
components:
  client:
    kind: service
    workers: 10000
    steps: [{{parallel: [{", ".join([branch] * BREAKERS)}]}}]
  leaf: {{kind: delay, latency: 1ms, errors: {p}}}
"""


def _counts(recording: Recording, name: str) -> float:
    meters = recording.meters["client"]
    return float(sum(values[-1] for key, values in meters.items() if key.endswith(name)))


def _open_at_100(p: float) -> Expected:
    return {0.4: about(0.0271, 0.011), 0.45: about(0.1827, 0.026), 0.5: about(0.5398, 0.034),
            0.6: about(0.9832, 0.009)}[p]  # fmt: skip


@case(
    "V26",
    "A breaker's decisions are binomial",
    system="resilience4j defaults: 100 calls, 50 %, open 60 s, 10 calls half-open; each call "
    "fails with probability p.",
    source="binomial distribution; tolerance 3 standard deviations of 2000 breakers",
    expected={
        **{f"P(open at call 100), p={p}": _open_at_100(p) for p in (0.4, 0.45, 0.5, 0.6)},
        "P(half-open closes), p=0.1": about(0.9984, 0.004),
        "P(half-open closes), p=0.3": about(0.8497, 0.02),
        "P(half-open closes), p=0.5": about(0.3770, 0.02),
        "admitted share (%), p=1, 100/s": near(0.1664, 0.02),
    },
)
def v26(effort: Effort) -> Estimates:
    found: dict[str, list[float]] = {}
    for p in (0.4, 0.45, 0.5, 0.6):
        text = many_breakers(p, "{open_for: 1000s}")
        runs = recordings(text, 10.05, effort, arrivals=Constant())
        found[f"P(open at call 100), p={p}"] = [
            _counts(run, "breaker_opened_total") / BREAKERS for run in runs
        ]
    for p in (0.1, 0.3, 0.5):
        text = many_breakers(p, "{window: 1, open_for: 50ms}")
        shares = []
        for run in recordings(text, effort.length(40.0) + 4.0, effort, arrivals=Constant()):
            closed = _counts(run, "breaker_closed_total")
            opened = _counts(run, "breaker_opened_total")
            undecided = _counts(run, "breaker_open")
            # Opened from closed: once at first, and once after each closing.
            decided = opened - undecided
            shares.append(closed / decided)
        found[f"P(half-open closes), p={p}"] = shares
    text = calls(", breaker: {}", "{kind: delay, latency: 1ms, errors: 100%}", "100 rps")
    run = next(recordings(text, effort.length(60_000.0), effort, arrivals=Constant()))
    since = 2.0 * 60.1
    share = meter(run, "leaf", "served_total", since) / (100.0 * (run.times[-1] - since))
    found["admitted share (%), p=1, 100/s"] = [100.0 * share]
    return found


P95_EXPONENTIAL = -math.log(0.05)
P95_LOGNORMAL = 10.0 * math.exp(1.6448536)


@case(
    "V27",
    "Hedging cuts the tail",
    system="Independent latencies; a second copy after the leaf's 95th percentile (mixture: after "
    "15 ms); the first answer counts.",
    source="P(T > t) = S(t) S(t - d) for t > d; Dean and Barroso (2013)",
    expected={
        "p99, exponential (s)": near(3.801, 0.02),
        "p99.9, exponential (s)": near(4.952, 0.02),
        "extra calls (%), exponential": near(5.0, 0.02),
        "p99, exponential, live percentile (s)": near(3.801, 0.02),
        "p99, log-normal (ms)": near(66.7, 0.02),
        "p99.9, log-normal (ms)": near(93.1, 0.02),
        "p99, mixture (ms)": near(18.65, 0.02),
        "p99.9, mixture (ms)": near(27.67, 0.02),
        "extra calls (%), mixture": near(1.6, 0.02),
        "fan-out 100 of the mixture, p50 (ms)": near(95.0, 0.02),
        "the same hedged, p50 (ms)": near(24.0, 0.02),
    },
)
def v27(effort: Effort) -> Estimates:
    exponential = "{kind: delay, latency: {exponential: {mean: 1s}}}"
    lognormal = f"{{kind: delay, latency: {{lognormal: {{median: 10ms, p95: {P95_LOGNORMAL}ms}}}}}}"
    found: dict[str, list[float]] = {}
    requests = 120_000

    def hedged(hedge: str, leaf: str) -> tuple[list[np.ndarray], list[float]]:
        step = f"{{call: {{to: leaf, hedge: {hedge}}}}}"
        samples, extra = [], []
        for run in recordings(single(step, leaf), effort.length(requests), effort):
            samples.append(run.requests["latency"])
            extra.append(100.0 * meter(run, "root", "leaf.hedges_total") / len(samples[-1]))
        return samples, extra

    samples, extra = hedged(f"{{delay: {P95_EXPONENTIAL}s}}", exponential)
    found["p99, exponential (s)"] = quantiles(samples, 0.99)
    found["p99.9, exponential (s)"] = quantiles(samples, 0.999)
    found["extra calls (%), exponential"] = extra
    samples, _ = hedged("{delay_percentile: 95%}", exponential)
    found["p99, exponential, live percentile (s)"] = quantiles(samples, 0.99)
    samples, _ = hedged(f"{{delay: {P95_LOGNORMAL}ms}}", lognormal)
    found["p99, log-normal (ms)"] = [1e3 * value for value in quantiles(samples, 0.99)]
    found["p99.9, log-normal (ms)"] = [1e3 * value for value in quantiles(samples, 0.999)]
    samples, extra = hedged("{delay: 15ms}", MIXTURE)
    found["p99, mixture (ms)"] = [1e3 * value for value in quantiles(samples, 0.99)]
    found["p99.9, mixture (ms)"] = [1e3 * value for value in quantiles(samples, 0.999)]
    found["extra calls (%), mixture"] = extra
    for name, call in (
        ("fan-out 100 of the mixture, p50 (ms)", "{call: leaf}"),
        ("the same hedged, p50 (ms)", "{call: {to: leaf, hedge: {delay: 15ms}}}"),
    ):
        step = f"{{repeat: {{times: 100, parallel: true, steps: [{call}]}}}}"
        samples = latencies(single(step, MIXTURE), 2_000, effort)
        found[name] = [1e3 * value for value in quantiles(samples, 0.5)]
    return found


TWO_MODES = (
    "{kind: delay, latency: {mixture: [{weight: 99.9%, of: {lognormal: {median: 4ms, p95: 7.7ms}}},"
    " {weight: 0.1%, of: {lognormal: {median: 2s, p95: 3.3s}}}]}}"
)


@case(
    "V28",
    "A hedge against a rare slow mode, as in BigTable",
    system="A read of 10 leaves; a leaf answers in about 4 ms, one call in a thousand takes about "
    "2 s; a second copy after 10 ms.",
    source="Dean and Barroso (2013): p99.9 from 1,800 ms to 74 ms with 2 % more requests (shape)",
    expected={
        "p99.9 without over p99.9 with the hedge": at_least(10.0),
        "extra calls (%)": at_most(3.0),
    },
)
def v28(effort: Effort) -> Estimates:
    ratios, extras = [], []
    for number in range(effort.replications):
        tails = []
        for hedge in ("", ", hedge: {delay: 10ms}"):
            call = f"{{call: {{to: leaf{hedge}}}}}"
            step = f"{{repeat: {{times: 10, parallel: true, steps: [{call}]}}}}"
            run = next(
                recordings(single(step, TWO_MODES), effort.length(40_000), effort, seed=number)
            )
            tails.append(float(np.quantile(run.requests["latency"], 0.999)))
        sent = meter(run, "root", "leaf.hedges_total")
        extras.append(100.0 * sent / (10.0 * len(run.requests["latency"])))
        ratios.append(tails[0] / tails[1])
    return {"p99.9 without over p99.9 with the hedge": ratios, "extra calls (%)": extras}
