"""Timeouts that cost next to nothing when they do not fire."""

from collections import deque

from simulator.kernel.clock import Clock
from simulator.kernel.request import Request

LIMIT_MIN = 64


class Timers:
    """Alarms of one length, for branches that are waited for.

    Alarms of equal length go off in the order they were set, so a queue holds them and only its
    head needs an entry on the agenda; an alarm whose branch has ended is dropped. A
    run with a 30 s timeout on every call thus keeps one entry instead of thousands.
    """

    __slots__ = ("armed", "clock", "limit", "pending", "seconds")

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock = clock
        self.seconds = seconds
        self.pending: deque[tuple[float, Request, Request]] = deque()
        self.armed = False
        self.limit = LIMIT_MIN

    def watch(self, waiting: Request, branch: Request) -> None:
        """Resume ``waiting`` after the set time unless ``branch`` has ended by then."""
        pending = self.pending
        if len(pending) > self.limit:
            self._forget_the_ended()
        due = self.clock.now + self.seconds
        pending.append((due, waiting, branch))
        if not self.armed:
            self.armed = True
            self.clock.call_at(due, self._ring)

    def _forget_the_ended(self) -> None:
        # An entry holds on to its branch. Sweeping each time the queue has doubled costs a
        # constant per alarm and keeps at most two entries for each alarm that is still needed.
        kept = [entry for entry in self.pending if entry[2].outcome is None]
        self.pending.clear()
        self.pending.extend(kept)
        self.limit = 2 * len(kept) + LIMIT_MIN

    def _ring(self) -> None:
        now, pending = self.clock.now, self.pending
        while pending:
            due, waiting, branch = pending[0]
            if branch.outcome is None:
                if due > now:
                    self.clock.call_at(due, self._ring)
                    return
                pending.popleft()
                if waiting.generator is not None:
                    waiting.resume()
            else:
                pending.popleft()
        self.armed = False
