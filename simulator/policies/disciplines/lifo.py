"""Latest first."""

from collections import deque
from typing import Any, ClassVar

from simulator.kernel.clock import Clock
from simulator.kernel.station import Line
from simulator.policies.disciplines.discipline import Discipline


class Lifo(Discipline):
    """The latest arrival is served first; the oldest wait longest."""

    key: ClassVar[str] = "lifo"

    def line(self, clock: Clock) -> Line:
        return Stack()


class Stack(deque[list[Any]]):
    """A queue that is left from the end where it was entered."""

    def popleft(self) -> list[Any]:
        """The next in line."""
        return self.pop()
