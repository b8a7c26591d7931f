"""One server, Poisson arrivals, any service time: the M/G/1 queue.

Source: F. Pollaczek (1930), A. Khinchine (1932); Kleinrock, Queueing Systems I, section 5.6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class MG1:
    """The M/G/1 FIFO queue in steady state, known by the first two moments of its service time.

    ``service_scv`` is the squared coefficient of variation: variance over squared mean, 0 for
    constant and 1 for exponential service. Means are exact; nothing is said about percentiles.
    """

    arrival_rate: float
    service_mean_s: float
    service_scv: float

    @property
    def utilization(self) -> float:
        """Busy share of the server."""
        return self.arrival_rate * self.service_mean_s

    @property
    def mean_wait_s(self) -> float:
        """Mean time in the queue: the residual work found, divided by the spare share."""
        if self.utilization >= 1.0:
            return math.inf
        residual = self.arrival_rate * self.service_mean_s**2 * (1.0 + self.service_scv) / 2.0
        return residual / (1.0 - self.utilization)

    @property
    def mean_response_s(self) -> float:
        """Mean time in the station."""
        return self.mean_wait_s + self.service_mean_s

    @property
    def mean_queue_length(self) -> float:
        """Mean number waiting."""
        return self.arrival_rate * self.mean_wait_s


def mixture_moments(parts: list[tuple[float, float, float]]) -> tuple[float, float]:
    """Mean and squared coefficient of variation of a mixture of ``(share, mean, scv)`` parts."""
    total = math.fsum(share for share, _, _ in parts)
    mean = math.fsum(share * part for share, part, _ in parts) / total
    second = math.fsum(share * part**2 * (1.0 + scv) for share, part, scv in parts) / total
    return mean, second / mean**2 - 1.0
