"""Bounds that need no simulation: what a design can never exceed, from demands alone.

Source: E. Lazowska et al., Quantitative System Performance (1984), chapter 5; J. F. C. Kingman,
Proc. Cambridge Phil. Soc. 57 (1961).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ClosedBounds:
    """Asymptotic bounds of a closed system at one number of users.

    ``knee_users`` is where the two straight lines of the throughput bound cross: more users than
    that must queue somewhere.
    """

    throughput_max: float
    response_min_s: float
    knee_users: float


def open_capacity(demands_s: Sequence[float], servers: Sequence[int]) -> float:
    """Highest request rate that every station can sustain, in requests per second.

    ``demands_s[i]`` is visits per request times mean service time at station i.
    """
    limits = [count / demand for demand, count in zip(demands_s, servers, strict=True) if demand]
    return min(limits, default=math.inf)


def utilizations(rate: float, demands_s: Sequence[float], servers: Sequence[int]) -> list[float]:
    """Utilization of each station on paper, above 1 where it is offered more than it can do."""
    return [rate * demand / count for demand, count in zip(demands_s, servers, strict=True)]


def closed_bounds(
    users: int,
    demands_s: Sequence[float],
    think_s: float = 0.0,
    servers: Sequence[int] | None = None,
) -> ClosedBounds:
    """Asymptotic bounds: nobody ever waits, or the slowest station is always busy."""
    counts = servers if servers is not None else [1] * len(demands_s)
    total, ceiling = sum(demands_s), open_capacity(demands_s, counts)
    throughput = min(ceiling, users / (total + think_s)) if total + think_s > 0 else ceiling
    return ClosedBounds(
        throughput_max=throughput,
        response_min_s=max(total, users / ceiling - think_s),
        knee_users=ceiling * (total + think_s),
    )


def kingman_wait(
    arrival_rate: float, service_mean_s: float, arrival_scv: float, service_scv: float
) -> float:
    """Upper bound on the mean wait of any G/G/1 queue with independent times."""
    utilization = arrival_rate * service_mean_s
    if utilization >= 1.0:
        return math.inf
    variances = arrival_scv / arrival_rate**2 + service_scv * service_mean_s**2
    return arrival_rate * variances / (2.0 * (1.0 - utilization))
