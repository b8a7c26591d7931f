"""Controlled delay, as in network queues."""

from collections import deque
from collections.abc import Iterator
from math import sqrt
from typing import Any, ClassVar

from simulator.kernel.clock import Clock
from simulator.kernel.station import Line
from simulator.policies.disciplines.discipline import Discipline, shed
from simulator.quantities import PositiveDuration


class Codel(Discipline):
    """Drops from the head while the wait stays above a target: `codel: {target: 5ms}`.

    Once every request has waited longer than `target` for an `interval`, one is dropped, and the
    next after `interval / sqrt(n)` for the n-th drop, until a wait falls below the target. The
    dropped are answered `rejected_overload`. Source: Nichols and Jacobson, Controlling queue
    delay (2012), RFC 8289.
    """

    key: ClassVar[str] = "codel"
    target: PositiveDuration = 0.005
    """Wait that is acceptable as a standing queue."""
    interval: PositiveDuration = 0.1
    """How long it may be exceeded."""

    def line(self, clock: Clock) -> Line:
        return CodelLine(self, clock)


class CodelLine:
    """Entries with the time they came, and the state of RFC 8289."""

    def __init__(self, spec: Codel, clock: Clock) -> None:
        self.target = spec.target
        self.interval = spec.interval
        self.clock = clock
        self.entries: deque[tuple[float, list[Any]]] = deque()
        self.above_until: float | None = None
        self.dropping = False
        self.drop_next = 0.0
        self.count = 0

    def append(self, entry: list[Any], /) -> None:
        """Stand in line."""
        self.entries.append((self.clock.now, entry))

    def popleft(self) -> list[Any]:
        """The next in line; a dropped one is handed out as a ghost."""
        came, entry = self.entries.popleft()
        if entry[0] is None:
            return entry
        now = self.clock.now
        late = self._late(now - came, now)
        if self.dropping:
            if not late:
                self.dropping = False
            elif now >= self.drop_next:
                self.count += 1
                self.drop_next += self.interval / sqrt(self.count)
                shed(entry)
        elif late:
            self.dropping = True
            recent = now - self.drop_next < self.interval
            self.count = self.count - 2 if recent and self.count > 2 else 1
            self.drop_next = now + self.interval / sqrt(self.count)
            shed(entry)
        return entry

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[list[Any]]:
        return (entry for _, entry in self.entries)

    def _late(self, wait_s: float, now: float) -> bool:
        if wait_s < self.target or not self.entries:
            self.above_until = None
            return False
        if self.above_until is None:
            self.above_until = now + self.interval
            return False
        return now >= self.above_until
