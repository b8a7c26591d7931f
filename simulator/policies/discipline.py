"""Queues by the bare name of their discipline, for components that offer only a few."""

from typing import Literal

from simulator.kernel.clock import Clock
from simulator.kernel.station import Line
from simulator.policies.disciplines import Discipline

DisciplineName = Literal["fifo", "lifo", "priority", "edf"]


def line_of(name: DisciplineName) -> Line:
    """An empty queue with this discipline, none of which looks at the clock."""
    return Discipline.pick(name).line(Clock())
