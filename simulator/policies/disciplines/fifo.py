"""In order of arrival."""

from collections import deque
from typing import ClassVar

from simulator.kernel.clock import Clock
from simulator.kernel.station import Line
from simulator.policies.disciplines.discipline import Discipline


class Fifo(Discipline):
    """First in, first out."""

    key: ClassVar[str] = "fifo"

    def line(self, clock: Clock) -> Line:
        return deque()
