"""The measured part of a recording."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simulator.recording.recording import Recording, Table

Floats = NDArray[np.float64]
GOOD = ("ok", "stale_ok", "fallback_ok")
EXCUSED = ("rejected_rate_limit", "cancelled")
"""Outcomes for which the system owes no answer: beyond a client's rate limit, or withdrawn."""


@dataclass(frozen=True)
class Window:
    """One replication between the end of warm-up and the last arrival.

    A request belongs to the window it arrived in, however late it was answered, so slow requests
    are not lost at the end. Readings of meters are taken at the first edge of the time grid
    after ``cut_s`` and at the last edge.
    """

    recording: Recording
    cut_s: float

    @cached_property
    def requests(self) -> Table:
        """Finished requests that arrived inside the window, in order of arrival."""
        table = self.recording.requests
        arrived = table["arrived"]
        keep = np.flatnonzero((arrived >= self.cut_s) & (arrived <= self.recording.horizon_s))
        keep = keep[np.argsort(table["index"][keep], kind="stable")]
        return {name: column[keep] for name, column in table.items()}

    @cached_property
    def good(self) -> "NDArray[np.bool_]":
        """Which of them were answered well."""
        codes = [code for code, name in enumerate(self.recording.outcomes) if name in GOOD]
        return np.isin(self.requests["outcome"], codes)

    @cached_property
    def visits(self) -> Table:
        """Visits of traced requests that began inside the window."""
        table = self.recording.visits
        called = table["called"]
        keep = (called >= self.cut_s) & (called <= self.recording.horizon_s)
        return {name: column[keep] for name, column in table.items()}

    @cached_property
    def first_edge(self) -> int:
        """Position of the first edge of the time grid inside the window."""
        times = self.recording.times
        return min(int(np.searchsorted(times, self.cut_s)), max(len(times) - 2, 0))

    @property
    def length_s(self) -> float:
        """Seconds between the first and the last edge used for meters."""
        times = self.recording.times
        return float(times[-1] - times[self.first_edge]) if len(times) else 0.0

    @property
    def span_s(self) -> float:
        """Seconds from the cut to the last arrival."""
        return max(self.recording.horizon_s - self.cut_s, 1e-12)

    def of_kind(self, kind: int | None, *, good: bool) -> "NDArray[np.bool_]":
        """A mask over :attr:`requests`: of one class (None: any), and answered well or any."""
        mask = self.good.copy() if good else np.ones(len(self.good), bool)
        if kind is not None:
            mask &= self.requests["kind"] == kind
        return mask

    def growth(self, component: str, meter: str) -> float:
        """How much a total or an area grew over the window; 0 if there is no such meter."""
        readings = self.recording.meters.get(component, {}).get(meter)
        if readings is None or not len(readings):
            return 0.0
        return float(readings[-1] - readings[self.first_edge])

    def has(self, component: str, meter: str) -> bool:
        """Whether the component has the meter."""
        return meter in self.recording.meters.get(component, {})
