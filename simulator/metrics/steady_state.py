"""Where the warm-up ends, and whether there is a steady state at all.

The warm-up is cut by MSER-5 on the average across replications, and a cut beyond the usual few
per cent has to be confirmed: MSER cuts where the rest looks calmest, which on a busy queue without
any warm-up means behind an early burst, and then the percentiles miss what was thrown away.
Instability is told from a backlog that grows through the measured part, and from an offered load
at or above capacity.

Sources: K. P. White, Simulation 69 (1997) (MSER); K. Hoad, S. Robinson and R. Davies, JORS 61
(2010) (MSER-5 on replications, and its rule of the second half).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.metrics.confidence import scalar_interval

Floats = npt.NDArray[np.float64]

BATCH = 5
"""Observations averaged into one before the cut is sought: the 5 of MSER-5."""

GRID_CELLS = 500
"""Cells of the common time grid that replications are averaged on."""

SHARE_MIN = 0.05
"""Part of every run that is cut in any case, as it starts empty."""

CONFIRM_LEVEL = 0.99
"""Level of the test that what a longer cut removes differs from what it leaves."""

GROWTH_LEVEL = 0.998
"""Level of the test for growth: a steady station is called growing once in 1000 times."""

GROWTH_MIN = 1.0 / 3.0
"""Growth over the measured part, as a share of its mean, below which a backlog may be a drift.

A backlog that grows in a straight line from an empty start grows by two thirds of its mean over
the second half of a run; one that grew from the start of the measured part by twice its mean.
"""


GROWTH_LEAST = 2.0
"""Requests in flight that a backlog has to gain over the measured part to be one."""

GROWTH_ROWS = 8
"""Slopes that the test for growth wants at least; fewer replications are cut into pieces."""


@dataclass(frozen=True)
class WarmUp:
    """Where to cut: ``cut_s`` on the clock of the run, and whether the rest is steady.

    ``share`` is the part of the run that is cut off.
    """

    cut_s: float
    share: float
    steady: bool
    sentence: str


@dataclass(frozen=True)
class Stability:
    """Whether the run has a steady state, as a verdict with its reasons.

    ``growth_per_s`` is the trend of the number in flight, in requests per second, with the limits
    ``growth_low`` and ``growth_high`` of its interval at :data:`GROWTH_LEVEL`; ``offered`` is
    the offered load of the busiest station over its capacity, if known.
    """

    stable: bool
    growing: bool
    growth_per_s: float
    growth_low: float
    growth_high: float
    offered: float | None
    sentence: str


def mser_cut(series: Floats, batch: int = BATCH) -> int | None:
    """Index of the first observation to keep, or None if the series never settles.

    MSER cuts where the standard error of the mean of what remains is least. The search covers the
    whole series but its last five batches, where that error is small by chance; a minimum in the
    second half means that the series is still moving.
    """
    count = len(series) // batch
    if count < 10:
        return None
    means = np.asarray(series[: count * batch], dtype=float).reshape(count, batch).mean(axis=1)
    left = np.arange(count, 0, -1, dtype=float)
    centred = means - means.mean()
    sums = np.cumsum(centred[::-1])[::-1]
    squares = np.cumsum((centred**2)[::-1])[::-1]
    errors = np.maximum(squares - sums**2 / left, 0.0) / left**2
    best = int(np.argmin(errors[: count - 5]))
    return best * batch if best <= count // 2 else None


def on_grid(times: Floats, values: Floats, horizon_s: float, cells: int = GRID_CELLS) -> Floats:
    """Mean of ``values`` in each of ``cells`` equal stretches of ``[0, horizon_s)``; NaN if none.

    ``times`` need not be sorted.
    """
    cell = np.minimum((np.asarray(times) * (cells / horizon_s)).astype(np.int64), cells - 1)
    counts = np.bincount(cell, minlength=cells)
    totals = np.bincount(cell, weights=values, minlength=cells)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(totals / counts, dtype=float)


def warm_up(
    times: Sequence[Floats],
    values: Sequence[Floats],
    horizon_s: float,
    cells: int = GRID_CELLS,
) -> WarmUp:
    """The warm-up cut of several replications of ``values`` seen at ``times``.

    Each replication is averaged on one grid, the grids are averaged across replications, and
    MSER-5 cuts the average, but never less than :data:`SHARE_MIN`. From three replications on,
    a longer cut counts only if the part between differs from the rest in a t test across them.
    """
    usual = max((len(series) for series in times), default=0)
    cells = max(BATCH * 10, min(cells, usual // 10))
    grids = [
        on_grid(when, what, horizon_s, cells)
        for when, what in zip(times, values, strict=True)
        if len(when) and horizon_s > 0.0
    ]
    if not grids:
        return WarmUp(0.0, 0.0, False, "Nothing was measured, so nothing is known to be steady.")
    table = np.array(grids)
    seen = ~np.isnan(table)
    anyone = np.flatnonzero(seen.any(axis=0))
    average = np.where(seen, table, 0.0).sum(axis=0)[anyone] / seen.sum(axis=0)[anyone]
    found = mser_cut(average)
    steady = found is not None
    shortest = math.ceil(SHARE_MIN * cells)
    cut = int(anyone[found]) if found is not None else cells // 2
    if cut <= shortest or not _differs(table, shortest, cut):
        cut, steady = shortest, True
    share = cut / cells
    sentence = f"The first {share:.0%} of each replication is cut as warm-up (MSER-5)."
    if not steady:
        sentence = "No steady state was reached: the average still moves in the second half."
    return WarmUp(horizon_s * share, share, steady, sentence)


def _differs(table: Floats, start: int, cut: int) -> bool:
    """Whether cells from ``start`` to ``cut`` differ from those after it, across replications."""
    differences = []
    for row in table:
        before, after = row[start:cut], row[cut:]
        before, after = before[~np.isnan(before)], after[~np.isnan(after)]
        if len(before) and len(after):
            differences.append(float(before.mean() - after.mean()))
    if len(differences) < 3:
        return True
    interval = scalar_interval(differences, CONFIRM_LEVEL)
    return interval.low > 0.0 or interval.high < 0.0


def trend(times: Floats, values: Floats) -> float:
    """Slope of the straight line through ``values``, per second; 0 if there is no line."""
    centred = times - times.mean()
    scale = float(centred @ centred)
    return float(centred @ (values - values.mean())) / scale if scale > 0.0 else 0.0


def stability(
    times: Floats,
    in_flight: Sequence[Floats],
    offered: float | None = None,
    bounded: bool = False,
    name: str = "the system",
) -> Stability:
    """Tell a backlog that grows without end from one that merely varies.

    ``times`` is the grid of the measured part and ``in_flight`` the number in flight (or in one
    queue) on it, a row for each replication. ``offered`` is the offered load over capacity of the
    busiest station; ``bounded`` says that its queue has a limit, or that requests give up, so
    that an overload sheds instead of growing. ``name`` is what the sentence is about.

    Growing means two things at once: the slopes of the rows are above 0 by a t test, and the
    growth is a good part of the mean and more than two requests: regular arrivals and the grid
    have a beat, in which one more request is in flight for a while. With fewer than eight rows
    each is cut into pieces.
    """
    clock = np.asarray(times, dtype=float)
    rows = [np.asarray(row, dtype=float) for row in in_flight if len(row)]
    pieces = math.ceil(GROWTH_ROWS / len(rows)) if rows else 1
    slopes = [
        trend(when, what)
        for row in rows
        for when, what in zip(
            np.array_split(clock, pieces), np.array_split(row, pieces), strict=True
        )
        if len(what) > 1
    ]
    if len(slopes) < 2:
        slope, low, high, mean = 0.0, -math.inf, math.inf, 0.0
    else:
        interval = scalar_interval(slopes, GROWTH_LEVEL)
        slope, low, high = interval.value, interval.low, interval.high
        mean = float(np.mean([row.mean() for row in rows]))
    span_s = float(clock[-1] - clock[0]) if len(clock) else 0.0
    growing = low > 0.0 and slope * span_s > max(GROWTH_MIN * mean, GROWTH_LEAST)
    overloaded = offered is not None and offered >= 1.0 and not bounded
    sentence = _verdict(name, growing, overloaded, slope, offered)
    return Stability(not growing and not overloaded, growing, slope, low, high, offered, sentence)


def _verdict(
    name: str, growing: bool, overloaded: bool, slope: float, offered: float | None
) -> str:
    """One sentence for the reader, with the reasons there are."""
    load = f"is offered {offered:.0%} of its capacity" if offered is not None else ""
    growth = f"{slope:.3g} more requests are in flight every second"
    if overloaded and growing:
        return f"Unstable: {name} {load}, and {growth}."
    if overloaded:
        return f"Unstable: {name} {load}, so its queue grows for as long as the load lasts."
    if growing:
        return f"Unstable: the backlog of {name} keeps growing, {growth}."
    if offered is not None and offered >= 1.0:
        return f"Stable by shedding: {name} {load} and turns the rest away."
    return "Stable: the number in flight does not grow."
