"""Who is next in a queue."""

from collections import deque
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count
from typing import Any, Literal

from simulator.kernel.station import Line

DisciplineName = Literal["fifo", "lifo", "priority", "edf"]


class LastInFirstOut(deque[list[Any]]):
    """The latest arrival is served first; the oldest wait longest."""

    def popleft(self) -> list[Any]:
        """The next in line."""
        return self.pop()


class Ranked:
    """Smallest rank first, first come first served among equals (Cobham 1954 for priorities)."""

    def __init__(self, rank: "Rank") -> None:
        self._rank = rank
        self._heap: list[tuple[float, int, list[Any]]] = []
        self._order = count()

    def append(self, entry: list[Any], /) -> None:
        """Stand in line."""
        heappush(self._heap, (self._rank(entry), next(self._order), entry))

    def popleft(self) -> list[Any]:
        """The next in line."""
        return heappop(self._heap)[2]

    def __iter__(self) -> Iterator[list[Any]]:
        return (entry for _, _, entry in self._heap)

    def __len__(self) -> int:
        return len(self._heap)


class Rank:
    """The rank of an entry: the priority of its request, 0 being the most urgent."""

    def __call__(self, entry: list[Any]) -> float:
        """The number by which entries are ordered, smallest first."""
        priority: int = entry[0].priority
        return priority


class DeadlineRank(Rank):
    """Earliest deadline first (Liu and Layland 1973)."""

    def __call__(self, entry: list[Any]) -> float:
        deadline: float = entry[0].deadline
        return deadline


def line_of(discipline: DisciplineName) -> Line:
    """An empty queue with this discipline."""
    if discipline == "lifo":
        return LastInFirstOut()
    if discipline == "priority":
        return Ranked(Rank())
    if discipline == "edf":
        return Ranked(DeadlineRank())
    return deque()
