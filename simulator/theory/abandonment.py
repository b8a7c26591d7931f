"""Stations whose requests give up waiting: the connection pool with an acquire timeout."""

from __future__ import annotations

import math
from dataclasses import dataclass

from simulator.theory.erlang import erlang_b


@dataclass(frozen=True)
class MMcPatience:
    """The M/M/c+D queue: every request gives up after waiting exactly ``patience_s``.

    The model of a connection pool with an acquire timeout. Exact, from the density of the wait an
    infinitely patient request would be offered, which falls with rate c mu - lambda up to the
    patience and c mu beyond it (Baccelli and Hebuterne 1981). Steady state at any load.
    """

    arrival_rate: float
    service_rate: float
    servers: int
    patience_s: float

    def _shape(self) -> tuple[float, float, float, float]:
        """Weights of: a free server, served after a wait, given up; and the summed wait."""
        rate, full = self.arrival_rate, self.servers * self.service_rate
        offered, patience = rate / self.service_rate, self.patience_s
        blocked = erlang_b(self.servers - 1, offered)
        # Weights relative to the probability of exactly c - 1 busy servers.
        idle = 1.0 / blocked
        slope = full - rate
        if abs(slope) * patience < 1e-6:
            served, waited = rate * patience, rate * patience**2 / 2.0
        else:
            left = math.exp(-slope * patience)
            served = rate * (1.0 - left) / slope
            waited = rate * (1.0 - left * (1.0 + slope * patience)) / slope**2
        lost = rate * math.exp(-slope * patience) / full
        return idle, served, lost, waited

    @property
    def timeout_probability(self) -> float:
        """Share of requests that give up."""
        idle, served, lost, _ = self._shape()
        return lost / (idle + served + lost)

    @property
    def mean_wait_served_s(self) -> float:
        """Mean wait of the requests that were served."""
        idle, served, _, waited = self._shape()
        return waited / (idle + served)
