"""Closed networks: N users who think, send one request, wait for the answer and think again.

The mean values of Mean Value Analysis (Reiser and Lavenberg, JACM 27, 1980), computed by Buzen's
convolution (CACM 16, 1973) in logarithms: the recursion of MVA loses all its digits at stations
with several servers near saturation, while the convolution only adds positive terms. Exact for
exponential FIFO stations, for processor sharing, and for thinking times of any distribution.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ClosedNetwork:
    """The steady state of one closed network at one number of users.

    ``throughput`` is in requests per second, ``response_s`` without the thinking time;
    ``residence_s`` and ``in_station`` are per station, over all visits of one request.
    """

    users: int
    throughput: float
    response_s: float
    residence_s: tuple[float, ...]
    in_station: tuple[float, ...]
    utilization: tuple[float, ...]


def closed_network(
    users: int,
    demands_s: Sequence[float],
    think_s: float = 0.0,
    servers: Sequence[int] | None = None,
) -> ClosedNetwork:
    """Solve the closed network of ``users`` over stations with the given service demands.

    ``demands_s[i]`` is visits times mean service time at station i; ``servers[i]`` is 1 unless
    given. Costs O(users^2) per station: fine to some thousands of users.
    """
    counts = list(servers) if servers is not None else [1] * len(demands_s)
    if len(counts) != len(demands_s):
        raise ValueError("a closed network needs one number of servers for each demand")
    factors = [_station(demand, c, users) for demand, c in zip(demands_s, counts, strict=True)]
    everything = _thinking(think_s, users)
    for factor in factors:
        everything = _convolve(everything, factor)
    throughput = math.exp(everything[users - 1] - everything[users]) if users else 0.0
    population = np.arange(users + 1)
    inside = []
    for index, factor in enumerate(factors):
        others = _thinking(think_s, users)
        for other in factors[:index] + factors[index + 1 :]:
            others = _convolve(others, other)
        share = np.exp(factor + others[::-1] - everything[users])
        inside.append(float(population @ share))
    residence = tuple(number / throughput if users else 0.0 for number in inside)
    return ClosedNetwork(
        users=users,
        throughput=throughput,
        response_s=sum(residence),
        residence_s=residence,
        in_station=tuple(inside),
        utilization=tuple(
            throughput * demand / count for demand, count in zip(demands_s, counts, strict=True)
        ),
    )


def machine_repair(users: int, service_mean_s: float, think_s: float, servers: int = 1) -> float:
    """Mean response time of M/M/c//N: ``users`` in front of one station of ``servers``."""
    return closed_network(users, [service_mean_s], think_s, [servers]).response_s


def _station(demand_s: float, servers: int, users: int) -> Floats:
    """Logarithms of demand^n / (product of min(k, servers) for k to n), n = 0 .. users."""
    numbers = np.arange(1, users + 1)
    logs = np.full(users, -np.inf)
    if demand_s > 0:
        logs = np.cumsum(math.log(demand_s) - np.log(np.minimum(numbers, servers)))
    return np.concatenate(([0.0], logs))


def _thinking(think_s: float, users: int) -> Floats:
    """A delay: a station where nobody ever waits, as it has a server for each user."""
    return _station(think_s, max(1, users), users)


def _convolve(left: Floats, right: Floats) -> Floats:
    """Convolution of two sequences given by their logarithms."""
    out = np.empty_like(left)
    for total in range(len(left)):
        terms = left[: total + 1] + right[total::-1]
        largest = terms.max()
        if largest == -np.inf:
            out[total] = -np.inf
        else:
            out[total] = largest + math.log(float(np.exp(terms - largest).sum()))
    return out
