"""Any arrivals, any service, c servers: the Allen-Cunneen approximation of G/G/c.

Source: A. O. Allen, Probability, Statistics and Queueing Theory (1990), section 5.3.5.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator.theory.erlang import MMc


@dataclass(frozen=True)
class GGc:
    """The G/G/c FIFO queue, approximated: the M/M/c wait times the mean variability.

    ``arrival_scv`` and ``service_scv`` are the squared coefficients of variation of the times
    between arrivals and of the service times. Exact for M/M/c and for M/G/1. Elsewhere an
    approximation for independent arrivals, worst in light traffic and with very variable
    arrivals: against simulation at 80 to 90 % utilization it is between 7 % low and 20 % high.
    """

    arrival_rate: float
    service_mean_s: float
    servers: int = 1
    arrival_scv: float = 1.0
    service_scv: float = 1.0

    @property
    def utilization(self) -> float:
        """Offered load per server."""
        return self.arrival_rate * self.service_mean_s / self.servers

    @property
    def mean_wait_s(self) -> float:
        """Approximate mean time in the queue."""
        markov = MMc(self.arrival_rate, 1.0 / self.service_mean_s, self.servers)
        return markov.mean_wait_s * (self.arrival_scv + self.service_scv) / 2.0

    @property
    def mean_response_s(self) -> float:
        """Approximate mean time in the station."""
        return self.mean_wait_s + self.service_mean_s

    @property
    def mean_queue_length(self) -> float:
        """Approximate mean number waiting."""
        return self.arrival_rate * self.mean_wait_s
