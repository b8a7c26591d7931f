"""Stations with Poisson arrivals and exponential service: M/M/c, M/M/c/c and M/M/c/K.

Sources: A. K. Erlang (1917); L. Kleinrock, Queueing Systems I (1975), chapter 3;
D. Gross and C. Harris, Fundamentals of Queueing Theory, section 2.3 and 2.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from simulator.theory.inversion import quantile_of_tail


def erlang_b(servers: int, offered_load: float) -> float:
    """Probability that an arrival is lost in M/G/c/c, a station without a queue.

    ``offered_load`` is arrival rate times mean service time, in Erlang. The loss depends on the
    service time only through its mean. Computed by the stable recursion over servers.
    """
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = offered_load * blocked / (count + offered_load * blocked)
    return blocked


def erlang_c(servers: int, offered_load: float) -> float:
    """Probability that an arrival has to wait in M/M/c, a station with an unbounded queue."""
    utilization = offered_load / servers
    if utilization >= 1.0:
        return 1.0
    blocked = erlang_b(servers, offered_load)
    return blocked / (1.0 - utilization * (1.0 - blocked))


@dataclass(frozen=True)
class MMc:
    """The M/M/c queue in steady state: c servers, one FIFO queue without a bound.

    ``arrival_rate`` and ``service_rate`` (of one server) are per second. Exact.
    """

    arrival_rate: float
    service_rate: float
    servers: int = 1

    @property
    def offered_load(self) -> float:
        """Mean number of busy servers if none is lost, in Erlang."""
        return self.arrival_rate / self.service_rate

    @property
    def utilization(self) -> float:
        """Offered load per server; at or above 1 the queue grows without end."""
        return self.offered_load / self.servers

    @property
    def wait_probability(self) -> float:
        """Share of arrivals that find every server busy."""
        return erlang_c(self.servers, self.offered_load)

    @property
    def drain_rate(self) -> float:
        """Spare service rate, c mu - lambda: the rate of the exponential tail of the wait."""
        return self.servers * self.service_rate - self.arrival_rate

    @property
    def mean_wait_s(self) -> float:
        """Mean time in the queue."""
        return self.wait_probability / self.drain_rate if self.drain_rate > 0 else math.inf

    @property
    def mean_response_s(self) -> float:
        """Mean time in the station, wait and service."""
        return self.mean_wait_s + 1.0 / self.service_rate

    @property
    def mean_queue_length(self) -> float:
        """Mean number waiting, by Little's law."""
        return self.arrival_rate * self.mean_wait_s

    @property
    def mean_in_system(self) -> float:
        """Mean number waiting or in service."""
        return self.arrival_rate * self.mean_response_s

    def wait_tail(self, time_s: float) -> float:
        """Probability that the wait is longer than ``time_s``."""
        if self.drain_rate <= 0:
            return 1.0
        return self.wait_probability * math.exp(-self.drain_rate * time_s)

    def wait_quantile(self, p: float) -> float:
        """The wait that a share ``p`` of requests does not exceed."""
        if self.drain_rate <= 0:
            return math.inf
        return max(0.0, math.log(self.wait_probability / (1.0 - p)) / self.drain_rate)

    def response_tail(self, time_s: float) -> float:
        """Probability that wait plus service is longer than ``time_s``.

        The wait is 0 or exponential with the drain rate; the service is exponential and
        independent of it, so the sum is a mixture of one and two exponential phases.
        """
        service, drain = self.service_rate, self.drain_rate
        if drain <= 0:
            return 1.0
        at_once = math.exp(-service * time_s)
        if math.isclose(service, drain, rel_tol=1e-9):
            after_wait = (1.0 + service * time_s) * at_once
        else:
            late = math.exp(-drain * time_s)
            after_wait = (drain * at_once - service * late) / (drain - service)
        waits = self.wait_probability
        return (1.0 - waits) * at_once + waits * after_wait

    def response_quantile(self, p: float) -> float:
        """The response time that a share ``p`` of requests does not exceed."""
        if self.drain_rate <= 0:
            return math.inf
        return quantile_of_tail(self.response_tail, p, self.mean_response_s)


@dataclass(frozen=True)
class MMcK:
    """The M/M/c/K queue: at most ``capacity`` requests inside, the others are turned away.

    ``capacity`` counts those in service and those waiting, so a bounded queue of q places behind
    c servers has capacity c + q. Steady state at any load, since the bound keeps it finite. Exact.
    """

    arrival_rate: float
    service_rate: float
    servers: int
    capacity: int

    @property
    def state_probabilities(self) -> list[float]:
        """Probability of n requests inside, n = 0 .. capacity."""
        offered = self.arrival_rate / self.service_rate
        logs = [0.0]
        for count in range(1, self.capacity + 1):
            logs.append(logs[-1] + math.log(offered / min(count, self.servers)))
        largest = max(logs)
        weights = [math.exp(value - largest) for value in logs]
        total = math.fsum(weights)
        return [weight / total for weight in weights]

    @property
    def loss_probability(self) -> float:
        """Share of arrivals turned away, which see the station as it is on average (PASTA)."""
        return self.state_probabilities[-1]

    @property
    def throughput(self) -> float:
        """Requests accepted, and so completed, per second."""
        return self.arrival_rate * (1.0 - self.loss_probability)

    @property
    def mean_in_system(self) -> float:
        """Mean number waiting or in service."""
        return math.fsum(n * p for n, p in enumerate(self.state_probabilities))

    @property
    def mean_queue_length(self) -> float:
        """Mean number waiting."""
        return math.fsum(
            max(0, n - self.servers) * p for n, p in enumerate(self.state_probabilities)
        )

    @property
    def mean_response_s(self) -> float:
        """Mean time in the station of a request that was accepted."""
        return self.mean_in_system / self.throughput

    @property
    def mean_wait_s(self) -> float:
        """Mean time in the queue of a request that was accepted."""
        return self.mean_queue_length / self.throughput
