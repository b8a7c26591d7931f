"""Systems that many clients share: contention on a row, and a collapse that feeds itself."""

import numpy as np

from simulator.recording.recording import Recording
from simulator.workload.arrivals.constant import Constant
from simulator.workload.arrivals.spike import Spike
from tests.validation.cases import (
    Effort,
    Estimates,
    about,
    at_most,
    case,
    near,
    recordings,
)

HOP = "{wait: {normal: {mean: 10ms, sd: 2ms}}}"
CONTEST = """
name: contest
rate: 0.005 rps
requests: {{round: {{entry: clients}}}}
components:
  clients:
    kind: service
    workers: 10000
    steps:
      - repeat:
          times: {clients}
          parallel: true
          steps: [{{call: {{to: change, max_attempts: 10000, backoff: {backoff}}}}}]
  change:
    kind: service
    workers: 10000
    steps:
      - {hop}
      - call: {{to: row, on_failure: [{hop}, {{fail: error}}]}}
      - {hop}
  row: {{kind: versioned_store, steps: [{hop}, {hop}]}}
"""
BACKOFFS = {
    "none": "{none: {}}",
    "exponential": "{exponential: {base: 5ms, cap: 2s, first_exponent: 1}}",
    "equal jitter": "{equal_jitter: {base: 5ms, cap: 2s, first_exponent: 1}}",
    "full jitter": "{full_jitter: {base: 5ms, cap: 2s, first_exponent: 1}}",
    "decorrelated jitter": "{decorrelated_jitter: {base: 5ms, cap: 2s}}",
}
PUBLISHED = {
    "none": (2425, 2029),
    "exponential": (1854, 63_530),
    "equal jitter": (812, 6647),
    "full jitter": (796, 4909),
    "decorrelated jitter": (1000, 4569),
}


@case(
    "V21",
    "Back-off and jitter under contention (AWS)",
    system="100 clients start at once; each reads a versioned row and writes it; a conflict means "
    "back off and read again. Every hop |N(10, 2)| ms; base 5 ms, cap 2 s.",
    source="aws-samples/aws-arch-backoff-simulator, re-run with 400 repetitions",
    expected={
        **{f"writes, {name}": near(figures[0], 0.02) for name, figures in PUBLISHED.items()},
        **{
            f"completion (ms), {name}": near(figures[1], 0.03)
            for name, figures in PUBLISHED.items()
        },
        "writes, full jitter over exponential": at_most(0.5),
    },
)
def v21(effort: Effort) -> Estimates:
    found: dict[str, list[float]] = {}
    for name, backoff in BACKOFFS.items():
        text = CONTEST.format(clients=100, backoff=backoff, hop=HOP)
        writes, times = [], []
        # One round every 200 s: each is over before the next begins.
        rounds = effort.count(40, 4)
        for run in recordings(text, 200.0 * rounds + 1.0, effort, arrivals=Constant()):
            assert run.requests["latency"].max() < 200.0
            total = run.meters["row"]["writes_total"]
            # The last round may not be over when the meters are read.
            over = np.searchsorted(run.times, 200.0 * rounds) - 1
            writes.append(float(total[over]) / (rounds - 1))
            times.append(1e3 * float(run.requests["latency"].mean()))
        found[f"writes, {name}"] = writes
        found[f"completion (ms), {name}"] = times
    pairs = zip(found["writes, full jitter"], found["writes, exponential"], strict=True)
    found["writes, full jitter over exponential"] = [full / plain for full, plain in pairs]
    return found


COLLAPSE = """
name: collapse
rate: {rate} rps
requests:
  request:
    entry: path
    per_try_timeout: 3s
    max_attempts: 3
    backoff: {backoff}
    cancel_on_timeout: none
components:
  path:
    kind: service
    workers: 100000
    steps:
      - wait: {{exponential: {{mean: 100ms}}}}
      - call: server
      - wait: {{exponential: {{mean: 100ms}}}}
  server: {{kind: delay, latency: 1s, per_in_flight: 10ms}}
"""
NO_PAUSE = "{none: {}}"
JITTERED = "{full_jitter: {base: 10s, cap: 1h, first_exponent: 1}}"


def goodput_ratio(run: Recording, since: float, until: float) -> float:
    """Good answers among the requests that arrived in a window."""
    arrived = run.requests["arrived"]
    inside = (arrived >= since) & (arrived < until)
    good = run.requests["outcome"][inside] == run.outcomes.index("ok")
    asked = int(inside.sum())
    return float(good.sum()) / asked if asked else 0.0


def collapsed(rate: float, backoff: str, spike: Spike, horizon_s: float, runs: int) -> list[float]:
    """Per run, 1 if fewer than half the requests of the last twenty seconds were served."""
    text = COLLAPSE.format(rate=rate, backoff=backoff)
    found = []
    for run in recordings(text, horizon_s, Effort(runs), arrivals=spike):
        ratio = goodput_ratio(run, horizon_s - 21.0, horizon_s - 1.0)
        found.append(float(ratio < 0.5))
    return found


def spike(factor: float, at_s: int, lasts_s: int) -> Spike:
    """A spike as a document would describe it."""
    fields = {"kind": "spike", "factor": factor, "at": f"{at_s}s", "lasts": f"{lasts_s}s"}
    return Spike.model_validate(fields)


@case(
    "V22",
    "Retries without pauses keep a system down after the spike is gone",
    system="Latency 1 s + 10 ms per request in flight, hops Exp(100 ms), time-out 3 s, 3 tries, "
    "work is not cancelled. Spike to 80/s during 5 s (hard spike: 200/s during 10 s).",
    source="mbrooker/simulator_example simple_collapse_sim, re-run; fixed point when failed",
    expected={
        "share of runs that stay down, 40/s, no pause": about(0.70, 0.15),
        "the same with U(0, 10 s * 2^n) pauses": about(0.0, 0.0),
        "20/s, no pause": about(0.0, 0.0),
        "50/s, no pause": about(1.0, 0.15),
        "50/s with pauses": about(0.70, 0.15),
        "hard spike, 20/s": about(0.0, 0.0),
        "hard spike, 30/s": about(1.0, 0.0),
    },
)
def v22(effort: Effort) -> Estimates:
    many, some = effort.count(60, 12), effort.count(10, 2)

    def soft(rate: float, backoff: str, runs: int) -> list[float]:
        return collapsed(rate, backoff, spike(80.0 / rate, 20, 5), 120.0, runs)

    def hard(rate: float) -> list[float]:
        return collapsed(rate, NO_PAUSE, spike(200.0 / rate, 20, 10), 400.0, some)

    return {
        "share of runs that stay down, 40/s, no pause": soft(40.0, NO_PAUSE, many),
        "the same with U(0, 10 s * 2^n) pauses": soft(40.0, JITTERED, many),
        "20/s, no pause": soft(20.0, NO_PAUSE, many),
        "50/s, no pause": soft(50.0, NO_PAUSE, many),
        "50/s with pauses": soft(50.0, JITTERED, many),
        "hard spike, 20/s": hard(20.0),
        "hard spike, 30/s": hard(30.0),
    }
