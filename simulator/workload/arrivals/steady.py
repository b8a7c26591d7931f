"""Poisson arrivals at a constant rate."""

from typing import Literal

from simulator.workload.arrival_process import Arrivals


class Steady(Arrivals):
    """Independent users: Poisson arrivals at the offered rate (the M of Kendall's notation)."""

    kind: Literal["steady"] = "steady"

    def describe(self) -> str:
        return "poisson"
