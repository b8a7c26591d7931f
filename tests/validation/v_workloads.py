"""Who sends the requests: open traffic, or users who wait for answers."""

from simulator.workload.arrival_process import Arrivals
from tests.validation.cases import Effort, Estimates, Expected, case, near, recordings
from tests.validation.v_balancing import cut
from tests.validation.v_mixtures import quantiles

SERVER = """
name: server
rate: 8 rps
requests: {request: {entry: server}}
components:
  server: {kind: service, steps: [{work: {exponential: {mean: 100ms}}}]}
"""
LOAD, SERVICE_S, USERS = 0.8, 0.1, 10
THINK_S = SERVICE_S * (1.0 - LOAD) + (USERS - 1) * SERVICE_S / LOAD


@case(
    "V17",
    "Open and closed workloads of the same load",
    system="One server, exponential service (mean 0.1 s), load 0.8: one user without thinking, ten "
    "users who think 1.145 s, and open Poisson arrivals.",
    source="M. Brooker, omission.py (simulator_example): quantiles of the exponential; the ten "
    "users lie strictly between",
    expected={
        "p99 (s), one user": near(0.4605, 0.04),
        "p99 (s), open": near(2.303, 0.04),
        "p99 of ten users over one user": Expected(1.0, 0.0, side="at_least"),
        "p99 of ten users over open": Expected(1.0, 0.0, side="at_most"),
    },
)
def v17(effort: Effort) -> Estimates:
    def p99(arrivals: Arrivals | None, seconds: float) -> list[float]:
        runs = recordings(SERVER, effort.length(seconds), effort, arrivals=arrivals)
        return quantiles(cut(list(runs), 0.1), 0.99)

    def closed(users: int, think_s: float) -> Arrivals:
        fields = {"kind": "closed", "users": users, "think_time": f"{think_s}s"}
        return Arrivals.pick(fields)

    one = p99(closed(1, 0.0), 20_000.0)
    ten = p99(closed(USERS, THINK_S), 20_000.0)
    free = p99(None, 100_000.0)
    return {
        "p99 (s), one user": one,
        "p99 (s), open": free,
        "p99 of ten users over one user": [a / b for a, b in zip(ten, one, strict=True)],
        "p99 of ten users over open": [a / b for a, b in zip(ten, free, strict=True)],
    }
