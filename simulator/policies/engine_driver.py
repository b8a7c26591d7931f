"""A clock-free engine on the simulation's clock."""

from collections.abc import Callable
from heapq import heappush
from typing import Any

from simpy.events import NORMAL

from simulator.kernel.clock import Clock

FOREVER = float("inf")


class Driver:
    """Rings one engine when its batch changes: one entry on the agenda for each change.

    It stands on the agenda itself, as a request does: the clock calls ``send`` when an entry's
    time is ``due``, and skips entries that an earlier or later change has made stale. ``react``
    gets what the engine's ``advance`` returned.
    """

    __slots__ = ("_due", "clock", "engine", "react")

    def __init__(self, clock: Clock, engine: Any, react: Callable[[list[Any]], None]) -> None:
        self.clock = clock
        self.engine = engine
        self.react = react
        self._due = FOREVER

    @property
    def due(self) -> float:
        """When the engine's batch changes next."""
        return self._due

    @due.setter
    def due(self, _: float | None) -> None:
        """Ignore what the clock notes after a call: `send` has made the next appointment."""

    def arm(self) -> None:
        """Make sure that the next change is on the agenda."""
        due = self.engine.next_time()
        if due != self._due:
            self._due = due
            if due < FOREVER:
                clock = self.clock
                heappush(clock.agenda, (due, NORMAL, next(clock.sequence), self))

    def catch_up(self) -> None:
        """Complete what is due by now, before something new is submitted."""
        if self.engine.next_time() <= self.clock.now:
            self.react(self.engine.advance(self.clock.now))

    def send(self, _: None) -> None:
        """Complete what is due now."""
        now = self.clock.now
        engine = self.engine
        if engine.next_time() <= now:
            self.react(engine.advance(now))
        self.arm()
