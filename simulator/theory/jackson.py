"""Open networks of M/M/c stations: Jackson's theorem.

Source: J. R. Jackson, Operations Research 5 (1957); Kleinrock, Queueing Systems I, section 4.8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.theory.erlang import MMc


@dataclass(frozen=True)
class OpenNetwork:
    """An open Jackson network in steady state; every station behaves as if it stood alone.

    ``external_rates[i]`` arrive at station i from outside, Poisson; after service there a request
    goes to station j with probability ``routing[i][j]`` and leaves with what remains of 1.
    ``service_rates`` are per server. Mean times are exact, also with feedback.
    """

    external_rates: Sequence[float]
    routing: Sequence[Sequence[float]]
    service_rates: Sequence[float]
    servers: Sequence[int]

    @property
    def rates(self) -> list[float]:
        """Total arrival rate of each station: the solution of the traffic equations."""
        routing = np.asarray(self.routing, dtype=float)
        balance = np.eye(len(self.external_rates)) - routing.T
        return [float(rate) for rate in np.linalg.solve(balance, np.asarray(self.external_rates))]

    @property
    def stations(self) -> list[MMc]:
        """Each station as an M/M/c queue of its own."""
        return [
            MMc(rate, service, count)
            for rate, service, count in zip(
                self.rates, self.service_rates, self.servers, strict=True
            )
        ]

    @property
    def mean_in_network(self) -> float:
        """Mean number of requests anywhere in the network."""
        return sum(station.mean_in_system for station in self.stations)

    @property
    def mean_response_s(self) -> float:
        """Mean time from entering to leaving the network, by Little's law."""
        return self.mean_in_network / sum(self.external_rates)
