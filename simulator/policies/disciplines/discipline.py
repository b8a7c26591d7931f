"""What every queueing discipline has in common."""

from abc import abstractmethod
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count
from typing import Any, ClassVar

from simulator.kernel.clock import Clock
from simulator.kernel.kinded import OneKey
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Request
from simulator.kernel.station import Line


class Discipline(OneKey):
    """Who is next in a queue."""

    @classmethod
    def from_value(cls, value: Any) -> Any:
        return value or {}

    @abstractmethod
    def line(self, clock: Clock) -> Line:
        """An empty queue with this discipline."""


class Ranked(Discipline):
    """Smallest rank first, first come first served among equals."""

    key: ClassVar[str] = ""

    @abstractmethod
    def rank(self, request: Request) -> float:
        """The number by which requests are ordered."""

    def line(self, clock: Clock) -> Line:
        return RankedLine(self)


class RankedLine:
    """A heap of entries by rank and order of arrival."""

    def __init__(self, ranked: Ranked) -> None:
        self._rank = ranked.rank
        self._heap: list[tuple[float, int, list[Any]]] = []
        self._order = count()

    def append(self, entry: list[Any], /) -> None:
        """Stand in line."""
        heappush(self._heap, (self._rank(entry[0]), next(self._order), entry))

    def popleft(self) -> list[Any]:
        """The next in line."""
        return heappop(self._heap)[2]

    def __len__(self) -> int:
        return len(self._heap)

    def __iter__(self) -> Iterator[list[Any]]:
        return (entry for _, _, entry in self._heap)


def shed(entry: list[Any]) -> None:
    """Send a waiting request away with ``REJECTED_OVERLOAD``; its entry is a ghost from then on.

    A line calls this on an entry that it is about to hand to a station, which skips ghosts.
    """
    request: Request | None = entry[0]
    if request is not None:
        request.interrupt(Outcome.REJECTED_OVERLOAD)
