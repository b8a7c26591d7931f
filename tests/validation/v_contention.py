"""Systems that many clients share: contention on a row, and a collapse that feeds itself."""

import numpy as np

from simulator.engine.replicate import Experiment, run_replication
from simulator.recording.recording import Recording
from simulator.workload.arrival_process import Arrivals
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
    topology,
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


METASTABLE = """
name: metastable
rate: {rate} rps
requests:
  insert:
    entry: primary
    per_try_timeout: 3s
    max_attempts: 5
    backoff: {{none: {{}}}}
    cancel_on_timeout: none
components:
  primary: {{kind: service, steps: [{{work: {mean_s}s}}]}}
faults:
  quota: [{{at: 60s, for: {lasts}s, target: primary, slow: {slow}}}]
"""
PROCESSORS = 2.0
BUSY = 0.38
"""Share of the primary that the nominal load takes: the one parameter set to fit the four."""
COARSE = 100
"""So many inserts are simulated as one: rate and capacity are that much smaller."""
TRIGGERS = {
    "quota 0.45 for 10 s, 75 us apart": (0.45, 10, 75.0, 1.0),
    "quota 0.40 for 10 s, 75 us apart": (0.40, 10, 75.0, 0.0),
    "quota 0.40 for 9 s, 75 us apart": (0.40, 9, 75.0, 1.0),
    "quota 0.40 for 10 s, 100 us apart": (0.40, 10, 100.0, 1.0),
}


@case(
    "V44",
    "A trigger that is just too long or just too strong (MongoDB)",
    system="Inserts 75 us apart (100 us: less load), time-out 3 s, 4 resends without a pause; "
    "after 60 s the primary has 0.45 or 0.40 of its 2 processors for 9 or 10 s. One parameter is "
    "calibrated on the four outcomes: the load before takes 38 % of the primary (37 to 39 % fit "
    "all four; up to 35 % all recover, from 40 % none at 75 us). A hundred inserts count as one, "
    "whose work therefore hardly varies.",
    source="Huang et al., Metastable Failures in the Wild (OSDI 2022), Retry_Metastability: "
    "recovers (1) or not (0)",
    expected={f"recovers, {name}": about(setting[-1], 0.0) for name, setting in TRIGGERS.items()},
)
def v44(effort: Effort) -> Estimates:
    found: dict[str, list[float]] = {}
    for name, (quota, lasts, gap_us, _) in TRIGGERS.items():
        if lasts < 10 and not effort.full:
            continue
        text = METASTABLE.format(
            rate=1e6 / gap_us / COARSE,
            mean_s=BUSY * 75e-6 * COARSE,
            lasts=lasts,
            slow=PROCESSORS / quota,
        )
        design = topology(text)
        trigger = tuple(design.faults["quota"])
        experiment = Experiment(design, Constant(), horizon_s=160.0, seed=1, faults=trigger)
        found[f"recovers, {name}"] = [
            # Evenly spaced and of equal work: nothing is random.
            float(goodput_ratio(run_replication(experiment, 0), 140.0, 159.0) > 0.5)
        ]
    return found


SCALING = """
name: scaling
rate: 1 rps
requests: {{script: {{entry: machine}}}}
components:
  machine:
    kind: service
    workers: {users}
    contention: {{alpha: {alpha}, beta: {beta}}}
    steps: [{{work: {work_s}s}}]
"""
ALPHA, BETA, GAMMA = 0.0277285, 0.0001044, 89.995
SDM91 = {18: 1077.5, 36: 1541.0, 72: 1850.0, 96: 1884.0, 216: 1646.0}
MANY = 2000
ROUNDED = 0.0005
"""The published throughputs are rounded to four or five digits."""


@case(
    "V41",
    "Universal scalability law (SPEC SDM91)",
    system="N users without thinking at a service with N workers and `contention`: alpha "
    "0.0277285, beta 0.0001044, 89.995 scripts/h from one; the peak is at N = 96.5.",
    source="Gunther's law with the coefficients of the R package usl; N / (1 + alpha (N - 1) + "
    "beta N (N - 1)); Amdahl's limit gamma / alpha for beta 0",
    expected={
        **{f"throughput, N={users}": near(value, ROUNDED) for users, value in SDM91.items()},
        f"beta 0, N={MANY}": near(GAMMA * MANY / (1.0 + ALPHA * (MANY - 1)), ROUNDED),
        f"beta 0, N={MANY}, Amdahl's limit": at_most(3246.0),
    },
)
def v41(effort: Effort) -> Estimates:
    def throughput(users: int, beta: float) -> list[float]:
        text = SCALING.format(users=users, alpha=ALPHA, beta=beta, work_s=1.0 / GAMMA)
        closed = Arrivals.pick({"kind": "closed", "users": users, "think_time": "0s"})
        run = next(recordings(text, effort.length(50.0), effort, arrivals=closed))
        done = np.sort(run.requests["arrived"] + run.requests["latency"])
        # All work in step: whoever is done after the first round, by the time that took.
        return [(len(done) - users) / float(done[-1] - done[users - 1])]

    found = {f"throughput, N={users}": throughput(users, BETA) for users in SDM91}
    found[f"beta 0, N={MANY}"] = throughput(MANY, 0.0)
    found[f"beta 0, N={MANY}, Amdahl's limit"] = found[f"beta 0, N={MANY}"]
    return found
