"""What a scaler steers: replicas that come, serve, and leave."""

from collections.abc import Callable
from typing import Protocol

from simulator.kernel.clock import Clock
from simulator.kernel.station import Station

Gone = Callable[[], None]
"""Told when a replica has left and is no longer paid for."""


class Fleet(Protocol):
    """The replicas of one component as its scaler sees them.

    ``load`` is the number of requests waiting and in work. The areas are integrals over time:
    of that load (request-seconds), of busy workers and of all workers (worker-seconds).
    """

    def grow(self, over_s: float) -> None:
        """One more replica serves; its workers come one by one over this time."""

    def shrink(self, count: int, gone: Gone) -> None:
        """So many replicas take no more work, finish what they have, and go."""

    def take_back(self, count: int, gone: Gone) -> None:
        """The provider takes so many replicas; what they do may be lost."""

    def load(self) -> float: ...
    def load_area(self) -> float: ...
    def busy_area(self) -> float: ...
    def servers_area(self) -> float: ...


class SharedFleet:
    """Replicas that serve one queue: their workers are servers of one station.

    A worker that is busy when its replica leaves finishes first. Nobody knows which worker
    belongs to which replica, so the replica is not paid for from the moment it is told to leave.
    """

    def __init__(self, clock: Clock, station: Station, workers: int) -> None:
        self.clock = clock
        self.station = station
        self.workers = workers
        self.load = lambda: station.in_system
        self.busy_area = station.busy_area
        self.servers_area = station.servers_area

    def grow(self, over_s: float) -> None:
        """One more replica serves."""
        bring_in(self.clock, self.station, self.workers, over_s)

    def shrink(self, count: int, gone: Gone) -> None:
        """So many replicas take no more work; those that a fault has struck go first."""
        self.station.discharge(count * self.workers)
        for _ in range(count):
            gone()

    def take_back(self, count: int, gone: Gone) -> None:
        """The provider gives notice that is long enough for what is in work."""
        self.shrink(count, gone)

    def load_area(self) -> float:
        """Integral of the requests inside."""
        return self.station.busy_area() + self.station.queue_area()


def bring_in(clock: Clock, station: Station, workers: int, over_s: float) -> None:
    """Add workers to a station, one by one over a time."""
    if not over_s or workers == 1:
        station.resize(station.servers + workers)
        return
    for number in range(workers):
        clock.call_at(
            clock.now + over_s * number / workers, lambda: station.resize(station.servers + 1)
        )
