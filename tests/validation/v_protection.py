"""Rate limits and throttles under Poisson arrivals."""

import numpy as np

from simulator.recording.recording import Recording
from tests.validation.cases import Effort, Estimates, about, case, near, recordings
from tests.validation.v_calls import calls

LIMITED = """
name: limited
rate: {rate} rps
requests: {{request: {{entry: limiter}}}}
components:
  limiter: {{kind: rate_limiter, rate: {limit} rps, burst: {burst}{more}}}
"""
BUCKETS = {
    (80, 1): 0.4443,
    (80, 5): 0.0354,
    (80, 10): 0.0036,
    (100, 10): 0.0509,
    (100, 100): 0.0052,
    (150, 10): 0.3335,
}


def share(run: Recording, outcome: str) -> float:
    """Share of the requests with an outcome."""
    return float((run.requests["outcome"] == run.outcomes.index(outcome)).mean())


@case(
    "V34",
    "A token bucket under Poisson arrivals",
    system="Rate 100/s filled continuously, burst B, arrivals at lambda.",
    source="simulation of 10^6 arrivals; lambda / (lambda + r) for B = 1",
    expected={
        f"refused, lambda {rate}, B {burst}": about(expected, 0.002)
        for (rate, burst), expected in BUCKETS.items()
    },
)
def v34(effort: Effort) -> Estimates:
    found = {}
    for rate, burst in BUCKETS:
        text = LIMITED.format(rate=rate, limit=100, burst=burst, more="")
        runs = recordings(text, effort.length(2000.0), effort)
        found[f"refused, lambda {rate}, B {burst}"] = [
            share(run, "rejected_rate_limit") for run in runs
        ]
    return found


@case(
    "V35",
    "nginx's leaky bucket",
    system="limit_req with rate 100/s, burst 20, delay mode, Poisson arrivals.",
    source="simulation of ngx_http_limit_req_module; M/D/1 with a bounded wait",
    expected={
        "refused, 80/s": about(0.0, 0.002),
        "mean delay of the admitted (ms), 80/s": near(19.9, 0.04),
        "refused, 100/s": near(0.0238, 0.04),
        "mean delay of the admitted (ms), 100/s": near(98.4, 0.04),
        "refused, 150/s": near(0.3333, 0.04),
        "mean delay of the admitted (ms), 150/s": near(188.5, 0.04),
    },
)
def v35(effort: Effort) -> Estimates:
    found: dict[str, list[float]] = {}
    for rate in (80, 100, 150):
        more = ", algorithm: leaky_bucket"
        text = LIMITED.format(rate=rate, limit=100, burst=20, more=more)
        refused, delays = [], []
        for run in recordings(text, effort.length(2000.0), effort):
            refused.append(share(run, "rejected_rate_limit"))
            fine = run.requests["outcome"] == run.outcomes.index("ok")
            delays.append(1e3 * float(run.requests["latency"][fine].mean()))
        found[f"refused, {rate}/s"] = refused
        found[f"mean delay of the admitted (ms), {rate}/s"] = delays
    return found


@case(
    "V36",
    "Adaptive throttling sends K times what is accepted",
    system="1000 calls a second; the callee accepts C a second and refuses the rest at no cost.",
    source="Site Reliability Engineering, chapter 21; steady state min(R, K C)",
    expected={
        "sent to the callee (1/s), K=2, C=250": near(500, 0.03),
        "accepted (1/s), K=2, C=250": near(250, 0.03),
        "sent to the callee (1/s), K=1.1, C=500": near(550, 0.03),
        "accepted (1/s), K=1.1, C=500": near(500, 0.03),
    },
)
def v36(effort: Effort) -> Estimates:
    found: dict[str, list[float]] = {}
    for k, capacity in ((2.0, 250), (1.1, 500)):
        leaf = f"{{kind: rate_limiter, rate: {capacity} rps, burst: {capacity // 10}}}"
        text = calls(f", throttle: {{google: {{k: {k}, window: 12s}}}}", leaf, "1000 rps")
        sent, accepted = [], []
        for run in recordings(text, effort.length(200.0) + 30.0, effort):
            first = int(np.searchsorted(run.times, 25.0))
            span = run.times[-1] - run.times[first]
            good = run.meters["leaf"]["served_total"]
            refused = run.meters["leaf"]["refused_total"]
            accepted.append(float(good[-1] - good[first]) / span)
            sent.append(accepted[-1] + float(refused[-1] - refused[first]) / span)
        found[f"sent to the callee (1/s), K={k:g}, C={capacity}"] = sent
        found[f"accepted (1/s), K={k:g}, C={capacity}"] = accepted
    return found
