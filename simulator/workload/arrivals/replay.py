"""Requests as they were recorded."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, PositiveFloat, field_validator, model_validator

from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Flow, Request
from simulator.quantities.problem import PROBLEMS_MAX, BadRows, Problem
from simulator.quantities.refusal import Refusals, nearest
from simulator.workload.arrival_process import Arrivals, Gate
from simulator.workload.profile import Profile
from simulator.workload.trace import amount, find_trace, items, number_or_text, read_trace


class Replay(Arrivals):
    """The arrival times of a CSV file, with attributes from its other columns.

    The file is looked for beside the document, from the current folder, and among the documents
    we ship. With `at_offered_rate`, time is stretched so that the mean rate is the offered one;
    otherwise the trace runs as recorded, `speed` times as fast. A run longer than the trace
    repeats it.
    """

    kind: Literal["replay"] = "replay"
    files: ClassVar[tuple[str, ...]] = ("file",)
    file: str
    """CSV file with a header."""
    arrived: str = "arrived"
    """Column with the arrival time in seconds, ascending."""
    attributes: dict[str, str] = Field(default_factory=dict)
    """Attributes of requests by the column that they are read from; all others are drawn."""
    speed: PositiveFloat = 1.0
    """How much faster than recorded."""
    at_offered_rate: bool = False
    """Stretch time so that the mean rate is the offered one."""
    repeat: bool = True
    """Begin again when the trace is over before the run is."""

    @field_validator("file")
    @classmethod
    def _exists(cls, value: str) -> str:
        if find_trace(value) is None:
            raise ValueError(f"there is no trace file `{value}`")
        return value

    @model_validator(mode="after")
    def _readable(self) -> Self:
        trace = read_trace(self.file)
        wanted: dict[tuple[str, ...], str] = {("arrived",): self.arrived}
        wanted |= {("attributes", name): column for name, column in self.attributes.items()}
        refusals = Refusals("Replay")
        for place, column in wanted.items():
            if column not in trace.header:
                close = nearest(column, trace.header)
                known = f"known: {', '.join(trace.header)}"
                hint = f"did you mean `{close}`?" if close else known
                message = f"`{self.file}` has no column `{column}`"
                refusals.add("unknown_column", message, place, column, hint)
        refusals.raise_if_any()
        return self

    def problems(self, numbers: frozenset[str], lists: frozenset[str]) -> list[Problem]:
        trace = read_trace(self.file)
        found = list(trace.problems)
        of_times: list[Problem] = []
        trace.times(self.arrived, of_times)
        for attribute in self.attributes:
            cells: list[Problem] = []
            self._cells(attribute, numbers, lists, cells)
            found += cells
        return sorted(found + of_times, key=lambda one: (one.line, one.column))[:PROBLEMS_MAX]

    def _cells(
        self,
        attribute: str,
        numbers: frozenset[str],
        lists: frozenset[str],
        problems: list[Problem],
    ) -> list[Any]:
        """What the requests of the trace carry under this name."""
        read: Callable[[str], Any] = number_or_text
        if attribute in lists:
            read = items
        elif attribute in numbers:
            read = amount
        return read_trace(self.file).column(self.attributes[attribute], read, problems)

    def times(self, rate: float) -> tuple[list[float], float]:
        """Arrival times from 0 (s), and the length of the trace with its last gap."""
        recorded = read_trace(self.file).times(self.arrived, [])
        span = recorded[-1] - recorded[0]
        length = span * len(recorded) / max(len(recorded) - 1, 1) or 1.0
        factor = 1.0 / self.speed
        if self.at_offered_rate:
            factor = len(recorded) / rate / length
        return [(at - recorded[0]) * factor for at in recorded], length * factor

    @property
    def own_rate(self) -> float | None:
        if self.at_offered_rate:
            return None
        times, length = self.times(1.0)
        return len(times) / length

    def drive(self, gate: Gate, rate: float, horizon_s: float) -> Flow:
        clock = gate.clock
        wrong = self.problems(gate.numbers, gate.lists)
        if wrong:
            raise BadRows(wrong)
        times, length = self.times(rate)
        cells = [self._cells(name, gate.numbers, gate.lists, []) for name in self.attributes]
        rows = list(zip(*cells, strict=True)) or [()] * len(times)
        begin = 0.0
        while True:
            for at, row in zip(times, rows, strict=True):
                if begin + at > horizon_s:
                    return Outcome.OK
                yield max(begin + at - clock.now, 0.0)
                gate.arrive(lambda request, row=row: self._fill(request, row))  # type: ignore[misc]
            begin += length
            if not self.repeat:
                return Outcome.OK

    def _fill(self, request: Request, row: tuple[Any, ...]) -> None:
        request.attributes.update(zip(self.attributes, row, strict=True))

    def shape(self, horizon_s: float) -> Profile:
        return Profile((0.0,), (1.0,))

    def expected_requests(self, rate: float, horizon_s: float) -> float:
        times, length = self.times(rate)
        rounds = horizon_s / length
        return len(times) * (rounds if self.repeat else min(rounds, 1.0))

    def describe(self) -> str:
        return f"replay of {Path(self.file).name}"
