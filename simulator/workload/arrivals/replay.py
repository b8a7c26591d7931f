"""Requests as they were recorded."""

import csv
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PositiveFloat, field_validator

from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Flow, Request
from simulator.workload.arrival_process import Arrivals, Gate
from simulator.workload.profile import Profile


class Replay(Arrivals):
    """The arrival times of a CSV file, with attributes from its other columns.

    The file is looked for from the current folder and among the documents we ship. With
    `at_offered_rate`, time is stretched so that the mean rate is the offered one; otherwise the
    trace runs as recorded, `speed` times as fast. A run longer than the trace repeats it.
    """

    kind: Literal["replay"] = "replay"
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

    @field_validator("arrived")
    @classmethod
    def _readable(cls, value: str, info: Any) -> str:
        file = info.data.get("file")
        if file is not None:
            rows = read_trace(file)
            if not rows or value not in rows[0]:
                raise ValueError(f"`{file}` has no rows with a column `{value}`")
        return value

    def times(self, rate: float) -> tuple[list[float], float]:
        """Arrival times from 0 (s), and the length of the trace with its last gap."""
        recorded = [float(row[self.arrived]) for row in read_trace(self.file)]
        span = recorded[-1] - recorded[0]
        length = span * len(recorded) / max(len(recorded) - 1, 1) or 1.0
        factor = 1.0 / self.speed
        if self.at_offered_rate:
            factor = len(recorded) / rate / length
        return [(at - recorded[0]) * factor for at in recorded], length * factor

    def drive(self, gate: Gate, rate: float, horizon_s: float) -> Flow:
        clock, rows = gate.clock, read_trace(self.file)
        times, length = self.times(rate)
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

    def _fill(self, request: Request, row: dict[str, str]) -> None:
        for attribute, column in self.attributes.items():
            request.attributes[attribute] = number_or_text(row[column])

    def shape(self, horizon_s: float) -> Profile:
        return Profile((0.0,), (1.0,))

    def expected_requests(self, rate: float, horizon_s: float) -> float:
        times, length = self.times(rate)
        rounds = horizon_s / length
        return len(times) * (rounds if self.repeat else min(rounds, 1.0))

    def describe(self) -> str:
        return f"replay of {Path(self.file).name}"


def find_trace(name: str) -> Path | None:
    """The file a name means: a path, or one beside the documents we ship."""
    package = Path(__file__).parents[2]
    shelves = [Path(), *(base / shelf for base in (package / "library", package.parent)
                         for shelf in ("topologies", "workloads", "data"))]  # fmt: skip
    return next((shelf / name for shelf in shelves if (shelf / name).is_file()), None)


@lru_cache(maxsize=8)
def read_trace(name: str) -> list[dict[str, str]]:
    """The rows of a trace."""
    path = find_trace(name)
    assert path is not None, f"the trace {name} has vanished"
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def number_or_text(text: str) -> float | str:
    """A number if it is one."""
    try:
        return float(text)
    except ValueError:
        return text
