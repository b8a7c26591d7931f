"""Two systems that were measured: HAProxy in front of ten servers, PgBouncer before PostgreSQL."""

from math import exp

import numpy as np

from simulator.recording.recording import Recording
from tests.validation.cases import Effort, Estimates, Expected, about, case, recordings

WARM_UP = 0.05
FIGURES = {"mean": None, "p50": 0.5, "p95": 0.95, "p99": 0.99}

PROXY = """
name: proxy
rate: 200 rps
requests: {{request: {{entry: proxy, attributes: {{one: {{constant: 1}}}}}}}}
components:
  proxy: {{kind: service, workers: 100000, steps: [{{wait: 0.3ms}}, {{call: farm}}]}}
  farm:
    kind: service
    replicas: 10
    workers: 1
    queue_at: balancer
    balancing: {balancing}
    steps:
      - work: {{base: {{exponential: {{mean: 40ms}}}}, per: {{attribute: one, each: 1.4ms}}}}
"""
BALANCERS = {
    "leastconn": "least_request",
    "roundrobin": "round_robin",
    "random(2)": "power_of_two",
    "random(1)": "random",
}
MEASURED = {
    "leastconn": (51.7, 39.4, 138.5, 205.7),
    "roundrobin": (54.6, 42.9, 143.2, 210.2),
    "random(2)": (60.7, 49.6, 150.1, 215.6),
    "random(1)": (66.9, 55.8, 159.8, 227.7),
}
TRACE_DRIVEN = {
    "leastconn": (51.5, 39.9, 135.8, 205.7),
    "roundrobin": (51.5, 39.9, 135.8, 205.7),
    "random(2)": (56.1, 45.0, 140.8, 210.7),
    "random(1)": (61.5, 50.9, 148.5, 217.7),
}
PROXY_SD = {
    "leastconn": (2.2, 1.9, 6.3, 9.4),
    "roundrobin": (2.2, 1.9, 6.3, 9.4),
    "random(2)": (2.3, 1.9, 6.3, 9.5),
    "random(1)": (2.3, 1.9, 6.5, 9.2),
}
"""Standard deviation (ms) of each figure over simulated runs of 60 s: `sampling_deviations`."""


def accepted(figure: str, value: float, sd: float) -> Expected:
    """A measured figure: off by 5 % (percentiles 10 %) or two standard deviations of such a run."""
    share = 0.05 if figure == "mean" else 0.10
    return about(value, max(share * value, 2.0 * sd))


def figures(run: Recording) -> dict[str, float]:
    """Mean and percentiles (ms) of the requests after the warm-up."""
    kept = run.requests["arrived"] > WARM_UP * run.horizon_s
    latency = 1e3 * run.requests["latency"][kept]
    return {
        name: float(latency.mean() if p is None else np.quantile(latency, p))
        for name, p in FIGURES.items()
    }


def sampling_deviations(text: str, horizon_s: float, runs: int = 200) -> dict[str, float]:
    """How far single runs of this length scatter: where the tolerances above come from."""
    found = [figures(run) for run in recordings(text, horizon_s, Effort(runs), seed=99)]
    return {name: float(np.std([one[name] for one in found], ddof=1)) for name in FIGURES}


SLEEP_MS = 20.0
LONGEST_MS = 400
POOL = """
name: pool
rate: {rate} rps
requests: {{query: {{entry: client}}}}
components:
  client: {{kind: service, workers: 100000, steps: [{{wait: 0.3ms}}, {{call: pool}}]}}
  pool: {{kind: database, connections: 8, acquire_timeout: 120s, query: {query}}}
"""
POOLED = {
    "200/s": (200, 40, (20.96, 60.1, 91.9), (0.27, 0.99, 2.2)),
    "280/s": (280, 60, (24.13, 66.7, 97.5), (0.42, 1.1, 1.9)),
    "320/s, run a": (320, 90, (27.62, 71.1, 104.3), (0.83, 2.7, 4.5)),
    "320/s, run b": (320, 90, (29.19, 77.3, 113.3), (0.83, 2.7, 4.5)),
    "340/s": (340, 90, (38.05, 95.6, 137.4), (1.7, 6.2, 11.6)),
}
"""Rate, length of the run (s), measured mean, p95, p99 and standard deviations of each (ms)."""
POOL_FIGURES = ("mean", "p95", "p99")


def pool(rate: float) -> str:
    """The pool at a rate; a sleep is rounded up to whole milliseconds, so it is geometric."""
    times = range(1, LONGEST_MS)
    stay = exp(-1.0 / SLEEP_MS)
    weights = [
        stay ** (time - 1) * (1.0 - stay) / (1.0 - stay ** (LONGEST_MS - 1)) for time in times
    ]
    values = ", ".join(f"{time + 0.25}ms" for time in times)
    shares = ", ".join(f"{100.0 * weight:.15g}%" for weight in weights)
    return POOL.format(
        rate=rate, query=f"{{empirical: {{values: [{values}], weights: [{shares}]}}}}"
    )


@case(
    "E1",
    "PgBouncer before PostgreSQL, measured",
    system="Eight server connections; a query sleeps Exp(20 ms) rounded up to whole milliseconds "
    "and takes 0.25 ms more, the client 0.3 ms; nothing is fitted to latencies under load.",
    source="measurement: PgBouncer 1.18, PostgreSQL 15, pg_sleep, Poisson arrivals, 40 to 90 s; "
    "accepted within max(5 %, percentiles 10 %; 2 sampling deviations of a run of that length)",
    expected={
        f"{name}, {figure} (ms)": accepted(figure, value, sd)
        for name, (_, _, measured, deviations) in POOLED.items()
        for figure, value, sd in zip(POOL_FIGURES, measured, deviations, strict=True)
    },
)
def pgbouncer(effort: Effort) -> Estimates:
    found: dict[str, list[float]] = {}
    for rate, seconds in dict.fromkeys((row[0], row[1]) for row in POOLED.values()):
        if rate > 300 and not effort.full:
            continue
        runs = recordings(pool(rate), seconds, effort, replications=effort.count(30, 4))
        read = [figures(run) for run in runs]
        for name, row in POOLED.items():
            if row[0] == rate:
                for figure in POOL_FIGURES:
                    found[f"{name}, {figure} (ms)"] = [one[figure] for one in read]
    return found


@case(
    "E2",
    "HAProxy with the queue at the balancer, measured",
    system="Ten servers with maxconn 1, Exp(40 ms) + 1.4 ms, 0.3 ms at the client, 200 requests/s "
    "(Poisson) for 60 s; full servers are skipped except by random(n), which queues at once.",
    source="measurement of HAProxy 2.6 (one run each), and a model driven by its trace; "
    "accepted within max(5 %, percentiles 10 %; 2 sampling deviations of a run of that length)",
    expected={
        f"{name}, {figure} (ms), {what}": accepted(figure, value, PROXY_SD[name][column])
        for what, table in (("measured", MEASURED), ("trace model", TRACE_DRIVEN))
        for name, row in table.items()
        for column, (figure, value) in enumerate(zip(FIGURES, row, strict=True))
    },
)
def haproxy(effort: Effort) -> Estimates:
    found: dict[str, list[float]] = {}
    for name, balancing in BALANCERS.items():
        text = PROXY.format(balancing=balancing)
        for run in recordings(text, 60.0, effort, replications=effort.count(60, 8)):
            for figure, value in figures(run).items():
                for what in ("measured", "trace model"):
                    found.setdefault(f"{name}, {figure} (ms), {what}", []).append(value)
    return found
