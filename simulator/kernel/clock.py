"""The simulation clock: SimPy's environment with a loop of its own."""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import repeat
from typing import TYPE_CHECKING, Any

import simpy
from simpy.events import NORMAL, Event

if TYPE_CHECKING:
    from simulator.kernel.request import Request


AFTER_ALL = NORMAL + 1
"""Priority of an entry that comes after everything else at the same time."""


class _Reached(Exception):
    """The clock stands at the time it was to advance to."""


class _Milestone:
    """An entry of the agenda at which :meth:`Clock.advance` ends."""

    __slots__ = ("due",)

    def __init__(self) -> None:
        self.due: float | None = None

    def send(self, value: None) -> float | None:
        """Called when its time has come."""
        self.due = None
        raise _Reached


class Clock(simpy.Environment):
    """A SimPy environment whose agenda holds requests as well as SimPy events.

    SimPy spends five events and a process object on one visit to a resource. A
    :class:`~simulator.kernel.request.Request` is itself the entry in the agenda and is re-used
    for every delay of its life, so that a visit costs one entry. Ordinary SimPy processes,
    timeouts and conditions work on the same clock; both kinds of entries share SimPy's order
    (time, priority, sequence number), so equal seeds give equal runs.

    ``now`` is a plain attribute (seconds): a property look-up per event would cost five percent.
    """

    now: float = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.agenda: list[Any] = self._queue
        self.sequence = self._eid
        self.milestone = _Milestone()

    def schedule(self, event: Event, priority: Any = NORMAL, delay: float = 0) -> None:
        """Put a SimPy event on the agenda, ``delay`` seconds from now."""
        heappush(self.agenda, (self.now + delay, priority, next(self.sequence), event))

    def resume_at(self, due: float, request: "Request") -> None:
        """Let the request's generator go on at time ``due``; replaces an earlier appointment."""
        request.due = due
        heappush(self.agenda, (due, NORMAL, next(self.sequence), request))

    def call_at(self, due: float, action: Callable[[], None]) -> None:
        """Call a plain function at time ``due``."""
        event = Event(self)
        event._ok = True
        event.callbacks = [lambda _: action()]
        heappush(self.agenda, (due, NORMAL, next(self.sequence), event))

    def advance(self, until: float, events_max: int = 65536) -> bool:
        """Run what is due up to and including ``until``; True once the clock stands there.

        Returns False after ``events_max`` entries, so that a caller can look at its budgets.
        The generator of a request yields the seconds to wait, or None to park until somebody
        resumes it. An entry whose time is not the request's current appointment is stale (the
        request was woken early or cancelled) and is skipped.
        """
        agenda, sequence = self.agenda, self.sequence
        self._stop_at(until)
        try:
            for _ in repeat(None, events_max):
                now, _, _, entry = heappop(agenda)
                try:
                    if entry.due != now:
                        continue
                except AttributeError:
                    self.now = now
                    self._fire(entry)
                    continue
                self.now = now
                try:
                    delay = entry.send(None)
                except StopIteration as stop:
                    entry.end(stop.value)
                    continue
                if delay is not None:
                    entry.due = due = now + delay
                    heappush(agenda, (due, NORMAL, next(sequence), entry))
                else:
                    entry.due = None
        except _Reached:
            return True
        return False

    def _stop_at(self, until: float) -> None:
        # A milestone on the agenda ends the loop, which is cheaper than comparing at each entry.
        if self.milestone.due != until:
            self.milestone.due = until
            heappush(self.agenda, (until, AFTER_ALL, next(self.sequence), self.milestone))

    @property
    def events(self) -> int:
        """How many entries have been put on the agenda so far."""
        return next(self.sequence)

    @staticmethod
    def _fire(event: Event) -> None:
        callbacks, event.callbacks = event.callbacks, None  # type: ignore[assignment]
        for callback in callbacks:
            callback(event)
        if not event._ok and not getattr(event, "_defused", False):
            raise event._value
