"""A fixed number of users who wait for each answer."""

from typing import ClassVar, Literal

from pydantic import PositiveInt

from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Flow, Request
from simulator.kernel.site import Draw
from simulator.quantities import DurationDistribution, constant
from simulator.workload.arrival_process import Arrivals, Gate, answered


class Closed(Arrivals):
    """Closed workload: each user thinks, asks, waits for the answer, and begins again.

    The offered rate plays no part: `users` and `think_time` make the load, and a slow system
    slows its users, so latencies look better than those of open traffic at the same throughput
    (coordinated omission; Schroeder et al., NSDI 2006).
    """

    kind: Literal["closed"] = "closed"
    closed: ClassVar[bool] = True
    users: PositiveInt = 10
    """How many users there are."""
    think_time: DurationDistribution = constant(1.0)
    """Time between an answer and the next question."""

    def drive(self, gate: Gate, rate: float, horizon_s: float) -> Flow:
        think = self.think_time.sampler(gate.streams.generator(f"{gate.name}.think_time"))
        for _ in range(self.users):
            line = Request(gate.clock, -1, 0, {})
            line.start(self._user(line, gate, think, horizon_s))
        return Outcome.OK
        yield

    @staticmethod
    def _user(line: Request, gate: Gate, think: Draw, horizon_s: float) -> Flow:
        clock = gate.clock
        while True:
            yield think()
            if clock.now > horizon_s:
                return Outcome.OK
            yield from answered(line, gate.arrive())

    @property
    def own_rate(self) -> float:
        """What the users would ask for if answers took no time: the most that there can be."""
        return self.users / max(float(self.think_time.mean), 1e-3)

    def expected_requests(self, rate: float, horizon_s: float) -> float:
        return self.own_rate * horizon_s

    def describe(self) -> str:
        return f"{self.users} closed {'user' if self.users == 1 else 'users'}"
