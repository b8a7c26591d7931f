"""One queue at the balancer for replicas that take no more than they can work on."""

from collections import deque
from collections.abc import Callable, Collection
from typing import Any

from simulator.kernel.clock import Clock
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Interrupted, Request
from simulator.kernel.station import UNLIMITED, Line, Station
from simulator.policies.balancing import Pick


class Backlog:
    """HAProxy's `maxconn`: a replica takes so many requests, the rest wait at the balancer.

    The balancer picks a replica; if that one is full, the request goes to the backlog, from which
    every usable replica that frees a place serves itself in the order of the queue's discipline.
    Policies that skip full replicas thus behave as one queue (M/M/c), while `random` may queue a
    request although another replica is free. Source: HAProxy 2.6 manual (`maxconn`, `maxqueue`,
    `timeout queue`) and measurements of it.
    """

    def __init__(
        self,
        clock: Clock,
        stations: list[Station],
        places: int,
        limit: float = UNLIMITED,
        max_wait_s: float | None = None,
        line: Line | None = None,
    ) -> None:
        self.clock = clock
        self.places = places
        self.free = dict.fromkeys(stations, 0)
        self.closed = dict.fromkeys(stations, 0)
        self.limit = limit
        self.max_wait_s = max_wait_s
        self.line: Line = deque() if line is None else line
        self.waiting = self.longest = self.refused = self.left = 0
        self._area = 0.0

    def around(self, pick: Pick, call: Call) -> Call:
        """The call on a replica with a free place; `request.station` is that replica's."""

        def on_free_replica(request: Request) -> Flow:
            outer, came = request.station, self.clock.now
            station = pick(request)
            if self.free[station] > 0:
                self.free[station] -= 1
                request.station = station
            else:
                request.station = None
                outcome = yield from self._wait(request)
                if outcome is not Outcome.OK:
                    request.station = outer
                    return outcome
                if request.visit is not None:
                    request.visit.wait += self.clock.now - came
            held = request.station
            assert held is not None
            try:
                return (yield from call(request))
            finally:
                request.station = outer
                self._release(held)

        return on_free_replica

    def skipping_full(self, pick: Pick) -> Pick:
        """The choice among the replicas with a free place, if there is one."""

        def choose(request: Request) -> Station:
            station = pick(request)
            for _ in range(len(self.free)):
                if self.free[station] > 0:
                    break
                station = pick(request)
            return station

        return choose

    def least_full(self, request: Request) -> Station:
        """The replica with the most free places."""
        return max(self.free, key=lambda station: self.free[station])

    def follow(self, usable: Collection[Station]) -> None:
        """Let these replicas serve, and no others; those who wait are served at once.

        Places that are taken at a replica that leaves are gone when they are given back.
        """
        for station in self.free:
            closed = self.closed.get(station)
            if station in usable:
                if closed is not None:
                    del self.closed[station]
                    for _ in range(self.places - closed):
                        self._release(station)
            elif closed is None:
                self.closed[station] = self.places - self.free[station]
                self.free[station] = 0

    def meters(self) -> dict[str, Callable[[], float]]:
        """What to read at every edge of the time grid, in the words of a station."""
        return {
            "queue": lambda: self.waiting,
            "queue_area": lambda: self._area + self.waiting * self.clock.now,
            "queue_max": lambda: self.longest,
            "refused_total": lambda: self.refused,
            "left_total": lambda: self.left,
        }

    def _wait(self, request: Request) -> Flow:
        if self.waiting >= self.limit:
            self.refused += 1
            return Outcome.REJECTED_QUEUE_FULL
        entry: list[Any] = [request, 0.0]
        self.line.append(entry)
        self.waiting += 1
        self.longest = max(self.longest, self.waiting)
        self._area -= self.clock.now
        request.started = None
        try:
            yield self.max_wait_s
        except (Interrupted, GeneratorExit) as fault:
            self._leave(request, entry)
            if isinstance(fault, Interrupted):
                return fault.outcome
            raise
        if request.station is not None:
            return Outcome.OK
        self._leave(request, entry)
        return Outcome.TIMEOUT

    def _leave(self, request: Request, entry: list[Any]) -> None:
        if request.station is not None:
            self._release(request.station)
            return
        entry[0] = None
        request.started = 0.0
        self.left += 1
        self.waiting -= 1
        self._area += self.clock.now

    def _release(self, station: Station) -> None:
        if station in self.closed:
            self.closed[station] -= 1
            return
        while self.line:
            request = self.line.popleft()[0]
            if request is not None:
                self.waiting -= 1
                self._area += self.clock.now
                request.station = station
                request.started = self.clock.now
                self.clock.resume_at(self.clock.now, request)
                return
        self.free[station] += 1
