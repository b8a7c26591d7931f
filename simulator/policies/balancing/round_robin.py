"""Turns."""

from heapq import heappush, heapreplace
from typing import Any, ClassVar

from simulator.kernel.request import Request
from simulator.kernel.station import Station
from simulator.policies.balancing.balancing import Backends, Balancing, Pick


class RoundRobin(Balancing):
    """Every replica in turn; with weights, in the order of earliest virtual deadlines (Envoy)."""

    key: ClassVar[str] = "round_robin"

    @classmethod
    def from_value(cls, value: Any) -> Any:
        return value or {}

    def picker(self, backends: Backends) -> Pick:
        if not backends.equal:
            return Deadlines(backends)
        turn = -1

        def next_in_turn(request: Request) -> Station:
            nonlocal turn
            turn = (turn + 1) % len(backends.stations)
            return backends.stations[turn]

        return next_in_turn


class Deadlines:
    """Each turn of a replica sets its next deadline 1/weight later; the earliest is next."""

    def __init__(self, backends: Backends) -> None:
        self.backends = backends
        self.version = -1
        self.turns: list[tuple[float, int]] = []
        self.now = 0.0

    def __call__(self, request: Request) -> Station:
        backends = self.backends
        if self.version != backends.version:
            self.version = backends.version
            self.turns = []
            for number, station in enumerate(backends.stations):
                heappush(self.turns, (self.now + 1.0 / backends.weight(station), number))
        self.now, number = self.turns[0]
        station = backends.stations[number]
        heapreplace(self.turns, (self.now + 1.0 / backends.weight(station), number))
        return station
