"""Messages that expire, but leave only when they are next in line."""

from collections.abc import Iterator
from typing import Any

from simulator.kernel.clock import Clock
from simulator.kernel.outcome import Outcome
from simulator.kernel.station import Line


class HeadExpiry:
    """A line in which an entry that has waited too long is thrown out once its turn comes.

    Until then it takes up room and counts as waiting, as an expired message behind more urgent
    ones does in RabbitMQ ("Time-to-live and expiration": messages expire at the head only).
    """

    def __init__(self, line: Line, clock: Clock, ttl_s: float) -> None:
        self.line = line
        self.clock = clock
        self.ttl_s = ttl_s

    def append(self, entry: list[Any], /) -> None:
        """Stand in line, with the time of coming."""
        entry.append(self.clock.now)
        self.line.append(entry)

    def popleft(self) -> list[Any]:
        """The next in line; an expired one is handed out as a ghost."""
        entry = self.line.popleft()
        if entry[0] is not None and self.clock.now - entry[2] > self.ttl_s:
            entry[0].interrupt(Outcome.TIMEOUT)
        return entry

    def __iter__(self) -> Iterator[list[Any]]:
        return iter(self.line)

    def __len__(self) -> int:
        return len(self.line)
