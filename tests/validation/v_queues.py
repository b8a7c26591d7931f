"""Patience, closed workloads and priorities."""

from simulator.workload.arrival_process import Arrivals
from tests.validation.cases import Effort, Estimates, case, near, recordings

POOL = """
name: pool
rate: {rate} rps
requests: {{query: {{entry: database}}}}
components:
  database:
    {{kind: database, query: {{exponential: 1s}}, connections: 10, acquire_timeout: {patience}s}}
"""
POOLS = {
    (9.0, 1): (0.0307, 0.232),
    (10.0, 1): (0.0677, 0.366),
    (12.0, 1): (0.1775, 0.613),
    (9.5, 3): (0.0108, 0.878),
}


@case(
    "V09",
    "Connection pool with an acquire timeout",
    system="Ten connections, exponential queries of mean 1, patience of fixed length (M/M/10+D).",
    source="simulation of 1,000,000 arrivals",
    expected={
        **{f"timeouts, rate {rate:g}, patience {patience}": near(value[0], 0.03)
           for (rate, patience), value in POOLS.items()},
        **{f"mean wait, rate {rate:g}, patience {patience}": near(value[1], 0.03)
           for (rate, patience), value in POOLS.items()},
    },
)  # fmt: skip
def connection_pool(effort: Effort) -> Estimates:
    found: dict[str, list[float]] = {}
    for rate, patience in POOLS:
        text = POOL.format(rate=rate, patience=patience)
        for run in recordings(text, effort.length(20_000.0), effort):
            kept = run.requests["arrived"] > 0.05 * run.horizon_s
            late = run.requests["outcome"][kept] == run.outcomes.index("timeout")
            name = f"rate {rate:g}, patience {patience}"
            found.setdefault(f"timeouts, {name}", []).append(float(late.mean()))
            # An answered query waited for its latency less its own time, whose mean is 1.
            served = float(run.requests["latency"][kept][~late].mean()) - 1.0
            found.setdefault(f"mean wait, {name}", []).append(served)
    return found


TERMINALS = """
name: terminals
rate: 1 rps
requests: {job: {entry: machine}}
components:
  machine: {kind: service, steps: [{work: {exponential: 1s}}]}
"""
MVA = {1: (1.0, 0.0909), 5: (1.4666, 0.4361), 10: (2.7321, 0.7854), 20: (10.0375, 0.9981),
       50: (40.0, 1.0)}  # fmt: skip


@case(
    "V11",
    "Closed network with think time",
    system="N users who think for 10 (exponential) and share one server of mean 1 (M/M/1//N).",
    source="mean value analysis (Reiser and Lavenberg 1980)",
    expected={
        **{f"response, {users} users": near(value[0], 0.01) for users, value in MVA.items()},
        **{f"throughput, {users} users": near(value[1], 0.01) for users, value in MVA.items()},
    },
)
def closed_network(effort: Effort) -> Estimates:
    found: dict[str, list[float]] = {}
    for users in MVA:
        closed = {"kind": "closed", "users": users, "think_time": {"exponential": "10s"}}
        length = effort.length(100_000.0)
        for run in recordings(TERMINALS, length, effort, arrivals=Arrivals.pick(closed)):
            table = run.requests
            kept = table["arrived"] > 0.05 * length
            done = table["arrived"] + table["latency"]
            finished = ((done > 0.05 * length) & (done <= length)).sum()
            found.setdefault(f"response, {users} users", []).append(
                float(table["latency"][kept].mean())
            )
            found.setdefault(f"throughput, {users} users", []).append(
                float(finished / (0.95 * length))
            )
    return found


CLASSES = """
name: classes
rate: 0.8 rps
requests:
  urgent: {entry: server, share: 0.3, priority: 0}
  normal: {entry: server, share: 0.5, priority: 1}
components:
  server:
    {kind: service, queue: {discipline: priority}, steps: [{work: {exponential: 1s}}]}
"""


@case(
    "V12",
    "Two priorities",
    system="M/M/1, non-preemptive priority, rates 0.3 (urgent) and 0.5 (normal), service mean 1.",
    source="Cobham 1954",
    expected={
        "wait, urgent": near(1.142857, 0.03),
        "wait, normal": near(5.714286, 0.03),
    },
)
def priorities(effort: Effort) -> Estimates:
    found: dict[str, list[float]] = {"wait, urgent": [], "wait, normal": []}
    for run in recordings(CLASSES, effort.length(400_000.0), effort):
        for kind, name in enumerate(found):
            kept = run.requests["kind"] == kind
            kept &= run.requests["arrived"] > 0.05 * run.horizon_s
            found[name].append(float(run.requests["latency"][kept].mean()) - 1.0)
    return found
