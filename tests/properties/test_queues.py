"""Stations under every discipline against a model of a queue that is a plain list.

The model keeps a list of who waits and a list of who is served, and looks through both at every
integer time; it shares nothing with the agenda of the engine. Times are whole seconds, so that
sums are exact and completions coincide with arrivals often.
"""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from simulator.kernel.clock import Clock
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Request
from simulator.policies.queueing import Queueing


class ListQueue:
    """G/G/c by hand: who waits, who is served until when, and both integrals."""

    def __init__(self, discipline: str, servers: int, capacity: int) -> None:
        self.discipline, self.servers, self.capacity = discipline, servers, capacity
        self.now = 0
        self.line: list[tuple[int, int, int]] = []
        self.served: list[tuple[int, int]] = []
        self.ended: dict[int, tuple[str, int]] = {}
        self.busy_area = self.queue_area = 0

    def arrive(self, who: int, seconds: int, priority: int) -> None:
        if len(self.served) < self.servers:
            self.served.append((self.now + seconds, who))
        elif len(self.line) >= self.capacity:
            self.ended[who] = ("rejected_queue_full", self.now)
        else:
            self.line.append((who, seconds, priority))

    def fill(self) -> None:
        while self.line and len(self.served) < self.servers:
            if self.discipline == "fifo":
                taken = self.line[0]
            elif self.discipline == "lifo":
                taken = self.line[-1]
            else:
                taken = min(self.line, key=lambda entry: (entry[2], entry[0]))
            self.line.remove(taken)
            self.served.append((self.now + taken[1], taken[0]))

    def tick(self) -> None:
        self.busy_area += len(self.served)
        self.queue_area += len(self.line)
        self.now += 1
        done = [entry for entry in self.served if entry[0] == self.now]
        self.served = [entry for entry in self.served if entry[0] != self.now]
        self.ended |= {who: ("ok", self.now) for _, who in done}
        self.fill()

    def gives_up(self, who: int) -> None:
        self.line = [entry for entry in self.line if entry[0] != who]
        self.ended[who] = ("abandoned", self.now)


class StationMachine(RuleBasedStateMachine):
    """Arrivals, time, impatience and resizing, in any order."""

    discipline: str

    @initialize(servers=st.integers(1, 3), capacity=st.integers(0, 6))
    def begin(self, servers: int, capacity: int) -> None:
        self.clock = Clock()
        document: Any = {"discipline": self.discipline, "capacity": capacity}
        self.station = Queueing.model_validate(document).station(self.clock, servers)
        self.model = ListQueue(self.discipline, servers, capacity)
        self.requests: list[Request] = []
        self.ended: dict[int, tuple[str, int]] = {}

    @rule(seconds=st.integers(1, 6), priority=st.integers(0, 2))
    def arrive(self, seconds: int, priority: int) -> None:
        request = Request(self.clock, len(self.requests), 0, {}, priority)
        self.requests.append(request)
        request.on_end = self._note
        self.model.arrive(request.index, seconds, priority)
        request.start(self.station.work(request, float(seconds)))

    def _note(self, request: Request) -> None:
        assert request.outcome is not None
        self.ended[request.index] = (request.outcome.value, int(self.clock.now))

    @rule(seconds=st.integers(1, 8))
    def pass_time(self, seconds: int) -> None:
        for _ in range(seconds):
            self.model.tick()
        while not self.clock.advance(float(self.model.now)):
            pass

    @precondition(lambda self: self.model.line)
    @rule(data=st.data())
    def somebody_gives_up(self, data: st.DataObject) -> None:
        who = data.draw(st.sampled_from([entry[0] for entry in self.model.line]))
        self.model.gives_up(who)
        self.requests[who].interrupt(Outcome.ABANDONED)

    @rule(servers=st.integers(1, 4))
    def resize(self, servers: int) -> None:
        self.station.resize(servers)
        self.model.servers = servers
        self.model.fill()

    @invariant()
    def agree(self) -> None:
        if not hasattr(self, "model"):
            return
        station, model = self.station, self.model
        assert self.ended == model.ended
        assert station.waiting == len(model.line)
        assert station.busy == len(model.served)
        assert station.busy_area() == model.busy_area
        assert station.queue_area() == model.queue_area
        told = station.served + station.refused + station.left
        assert told + station.waiting + station.busy == len(self.requests)


@pytest.mark.parametrize("discipline", ["fifo", "lifo", "priority"])
def test_a_station_is_the_queue_by_hand(discipline: str) -> None:
    machine = type("Machine", (StationMachine,), {"discipline": discipline})
    machine.TestCase.settings = settings(  # type: ignore[attr-defined]
        max_examples=60, stateful_step_count=40, deadline=None
    )
    machine.TestCase("runTest").runTest()  # type: ignore[attr-defined]
