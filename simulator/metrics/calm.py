"""The part of a run that tells whether a design holds its load: the one without a fault."""

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.metrics.fault_phases import Document

LEAST = 0.1
"""Share of the run that a calm part needs, to be judged by."""
SETTLING = 0.25
"""Share of the time after the last fault that is left for recovery."""


@dataclass(frozen=True)
class Calm:
    """A span of the run in seconds, empty if a fault leaves none.

    ``since_fault_s`` is how long the last fault has been gone at its end; None without a fault,
    or where only the time before the first one is long enough.
    """

    begin_s: float
    end_s: float
    since_fault_s: float | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing can be judged."""
        return self.end_s <= self.begin_s


def calm_part(bands: Sequence[Document], cut_s: float, horizon_s: float) -> Calm:
    """Where a growing backlog counts against the design.

    A backlog that grows while something is broken does not; one that still grows when everything
    has been well for a while does. So that is the end of the run, without the first quarter of
    the time since the last fault; if that is too short, what lies before the first fault.
    """
    if not bands:
        return Calm(cut_s, horizon_s)
    gone = max(band["to_s"] for band in bands)
    left = horizon_s - gone
    if left >= LEAST * horizon_s:
        return Calm(max(gone + SETTLING * left, cut_s), horizon_s, left)
    first = min(band["from_s"] for band in bands)
    # Where the warm-up was taken to last until the fault, nothing is known of it.
    begin = cut_s if cut_s < first else SETTLING * first
    return Calm(begin, first if first - begin >= LEAST * horizon_s else begin)
