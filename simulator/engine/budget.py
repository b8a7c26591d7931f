"""Limits on a run, and why it ended."""

import resource
import sys
import time
from dataclasses import dataclass
from typing import Literal

Ending = Literal["complete", "wall_clock", "memory", "interrupted"]

_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Budget:
    """How much one replication may cost.

    wall_s
        Seconds of real time.
    memory_bytes
        Peak resident size of the process that runs the replication.
    drain_factor
        After the last arrival the run goes on until everything is answered, but no longer than
        this multiple of the simulated time so far; what is left then counts as in flight.
    """

    wall_s: float = 60.0
    memory_bytes: float = 4e9
    drain_factor: float = 3.0


class Meter:
    """Watches a budget while a run goes on."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.began = time.perf_counter()
        self.interrupted = False

    @property
    def spent_s(self) -> float:
        """Real seconds so far."""
        return time.perf_counter() - self.began

    def exceeded(self) -> Ending | None:
        """Which limit has been reached, if any."""
        if self.interrupted:
            return "interrupted"
        if self.spent_s > self.budget.wall_s:
            return "wall_clock"
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT
        if peak > self.budget.memory_bytes:
            return "memory"
        return None
