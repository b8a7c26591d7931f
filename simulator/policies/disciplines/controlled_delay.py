"""Controlled delay, as in request queues."""

from collections import deque
from collections.abc import Iterator
from typing import Any, ClassVar

from simulator.kernel.clock import Clock
from simulator.kernel.station import Line
from simulator.policies.disciplines.discipline import Discipline, shed
from simulator.quantities import PositiveDuration


class ControlledDelay(Discipline):
    """Impatient while a queue stands: `controlled_delay: {target: 5ms, interval: 100ms}`.

    A request may wait `target` if the queue has not been empty during the last `interval`, and
    `interval` otherwise; who has waited longer when its turn comes is answered
    `rejected_overload`. Source: B. Maurer, Fail at scale (ACM Queue 2015); folly Codel.
    """

    key: ClassVar[str] = "controlled_delay"
    target: PositiveDuration = 0.005
    """Longest wait while a queue stands."""
    interval: PositiveDuration = 0.1
    """Longest wait otherwise, and how far back an empty queue counts."""

    def line(self, clock: Clock) -> Line:
        return ImpatientLine(clock, self.target, self.interval, newest_first=False)


class AdaptiveLifo(Discipline):
    """In order while healthy, latest first while a queue stands: `adaptive_lifo: {}`.

    A queue stands if it has not been empty during the last `interval`. With `target`, requests
    that waited longer than that while it stands are dropped, as under `controlled_delay`. Source:
    B. Maurer, Fail at scale (ACM Queue 2015).
    """

    key: ClassVar[str] = "adaptive_lifo"
    interval: PositiveDuration = 0.1
    """How far back an empty queue counts."""
    target: PositiveDuration | None = None
    """Longest wait while a queue stands; no limit if left out."""

    def line(self, clock: Clock) -> Line:
        return ImpatientLine(clock, self.target, self.interval, newest_first=True)


class ImpatientLine:
    """Entries with the time they came, and when the queue was last empty."""

    def __init__(
        self, clock: Clock, target_s: float | None, interval_s: float, newest_first: bool
    ) -> None:
        self.clock = clock
        self.target_s = target_s
        self.interval_s = interval_s
        self.newest_first = newest_first
        self.entries: deque[tuple[float, list[Any]]] = deque()
        self.empty_at = clock.now

    def append(self, entry: list[Any], /) -> None:
        """Stand in line."""
        if not self.entries:
            self.empty_at = self.clock.now
        self.entries.append((self.clock.now, entry))

    def popleft(self) -> list[Any]:
        """The next in line; one that has waited too long is handed out as a ghost."""
        now = self.clock.now
        standing = now - self.empty_at > self.interval_s
        newest = standing and self.newest_first
        came, entry = self.entries.pop() if newest else self.entries.popleft()
        if not self.entries:
            self.empty_at = now
        if self.target_s is not None:
            patience_s = self.target_s if standing else self.interval_s
            if now - came > patience_s:
                shed(entry)
        return entry

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[list[Any]]:
        return (entry for _, entry in self.entries)
