"""Exact percentiles, the percentile spectrum, histograms, and thinning that keeps the tail.

Everything is computed from all values: no sketch and no buckets, so two runs with the same values
give the same bytes. Percentiles interpolate between order statistics (Hyndman and Fan type 7,
numpy's default).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

STANDARD = (0.5, 0.9, 0.95, 0.99, 0.999)
"""The percentiles every summary shows, the last ones only if the sample supports them."""


@dataclass(frozen=True)
class Spectrum:
    """Values against their rank on an axis of nines, as HdrHistogram plots them.

    ``p`` rises from 0, ``nines`` is -log10(1 - p): 1 at p90, 2 at p99, 3 at p99.9.
    """

    p: Floats
    nines: Floats
    value: Floats


@dataclass(frozen=True)
class Histogram:
    """Counts between neighbouring edges: ``edges`` has one entry more than ``counts``."""

    edges: Floats
    counts: npt.NDArray[np.int64]


def percentile_name(p: float) -> str:
    """The name of a quantile: 0.99 is ``p99``, 0.999 is ``p99.9``."""
    return f"p{round(100.0 * p, 10):g}"


def quantile(values: Floats, p: float) -> float:
    """The value that a share ``p`` of ``values`` does not exceed."""
    return quantiles(values, [p])[0]


def quantiles(values: Floats, ps: Sequence[float]) -> list[float]:
    """Several quantiles of one sample, which must not be empty."""
    if len(values) == 0:
        raise ValueError("a percentile needs at least one value")
    return [float(value) for value in np.quantile(values, np.asarray(ps, dtype=float))]


def spectrum(values: Floats, points_per_nine: int = 20, beyond: int = 10) -> Spectrum:
    """The percentile spectrum, up to the rank that ``beyond`` values still lie above.

    The steps are even on the axis of nines; the last point is where the sample ends to support
    the curve, not its maximum, which is one number of chance.
    """
    nines_max = max(0.0, math.log10(max(1.0, len(values) / max(1, beyond))))
    count = max(2, math.ceil(nines_max * points_per_nine) + 1)
    nines = np.linspace(0.0, nines_max, count)
    p = 1.0 - 10.0**-nines
    return Spectrum(p=p, nines=nines, value=np.asarray(quantiles(values, list(p)), dtype=float))


def histogram(values: Floats, buckets: int = 60, *, logarithmic: bool = True) -> Histogram:
    """Counts of every value in buckets from the least to the largest, none left out.

    ``logarithmic`` spaces the edges evenly in the logarithm; zeros and negatives then share a
    first bucket. A sample of one distinct value is a single bucket.
    """
    data = np.asarray(values, dtype=float)
    if len(data) == 0:
        return Histogram(np.zeros(1), np.zeros(0, dtype=np.int64))
    low, high = float(data.min()), float(data.max())
    positive = data[data > 0.0]
    if low == high:
        edges = np.array([low, high])
        return Histogram(edges, np.array([len(data)], dtype=np.int64))
    if logarithmic and len(positive):
        least = float(positive.min())
        edges = np.geomspace(least, high, buckets + 1) if least < high else np.array([least, high])
        edges[-1] = high
        if low < least:
            edges = np.concatenate(([low], edges))
        else:
            edges[0] = low
    else:
        edges = np.linspace(low, high, buckets + 1)
    counts, edges = np.histogram(data, bins=np.unique(edges))
    return Histogram(np.asarray(edges, dtype=float), counts.astype(np.int64))


def thinned_ranks(values: Floats, limit: int = 2000) -> tuple[Floats, Floats]:
    """At most ``limit`` pairs ``(p, value)`` of the sorted sample, with all of its upper tail.

    The largest ``limit / 2`` values are kept one by one and the others evenly by rank, so every
    percentile of the whole sample can be read off, and those of the tail exactly.
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    count = len(ordered)
    if count > limit:
        tail = limit // 2
        body = np.linspace(0, count - tail - 1, limit - tail).astype(np.int64)
        ranks = np.concatenate((body, np.arange(count - tail, count)))
    else:
        ranks = np.arange(count)
    return ranks / max(1, count - 1), ordered[ranks]


def thinned_series(times: Floats, values: Floats, limit: int = 1000) -> tuple[Floats, Floats]:
    """At most ``limit`` points of a series in time, with the extremes of every stretch of it.

    Of each of ``limit / 4`` equal stretches the first, the least, the largest and the last point
    stay, so that no peak is lost and the line looks the same.
    """
    count = len(values)
    if count <= limit:
        return np.asarray(times, dtype=float), np.asarray(values, dtype=float)
    starts = np.linspace(0, count, max(1, limit // 4) + 1).astype(np.int64)
    kept: set[int] = set()
    for start, stop in pairwise(starts):
        if stop > start:
            piece = values[start:stop]
            kept |= {int(start), int(stop) - 1}
            kept |= {int(start + piece.argmin()), int(start + piece.argmax())}
    index = np.array(sorted(kept))
    return np.asarray(times, dtype=float)[index], np.asarray(values, dtype=float)[index]
