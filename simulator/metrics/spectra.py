"""The percentile spectrum of every class of requests, as a table for figures."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.metrics.confidence import quantile_interval, quantile_supported
from simulator.metrics.percentiles import spectrum
from simulator.metrics.window import Window

Document = dict[str, Any]

EVERY_CLASS = "all requests"
POINTS_PER_NINE = 20
BAND_POINTS_PER_NINE = 4


def spectrum_table(windows: Sequence[Window]) -> list[Document]:
    """Latency of good answers against rank, for all requests and then for each class.

    Rows hold ``name`` and the columns ``nines`` (-log10(1 - p)) and ``value`` (s). The row of all
    requests has a ``band`` too: columns ``nines``, ``low`` and ``high`` (s), the 95 % interval
    at a few ranks, as far as the sample supports one. Classes without a good answer are left out.
    """
    kinds = windows[0].recording.kinds
    groups: list[tuple[str, int | None]] = [(EVERY_CLASS, None)]
    if len(kinds) > 1:
        groups += [(name, number) for number, name in enumerate(kinds)]
    rows = []
    for name, kind in groups:
        samples = _latencies(windows, kind)
        pooled = np.concatenate(samples) if samples else np.empty(0)
        if not len(pooled):
            continue
        curve = spectrum(pooled, POINTS_PER_NINE)
        row: Document = {"name": name, "count": len(pooled)}
        row |= {"nines": curve.nines.tolist(), "value": curve.value.tolist()}
        if kind is None:
            row["band"] = _band(samples, float(curve.nines[-1]))
        rows.append(row)
    return rows


def _latencies(windows: Sequence[Window], kind: int | None) -> list["NDArray[np.float64]"]:
    samples = [window.requests["latency"][window.of_kind(kind, good=True)] for window in windows]
    return [values for values in samples if len(values)]


def _band(samples: Sequence["NDArray[np.float64]"], nines_max: float) -> Document:
    total = sum(len(values) for values in samples)
    band: Document = {"nines": [], "low": [], "high": []}
    for step in range(1, int(nines_max * BAND_POINTS_PER_NINE) + 1):
        nines = step / BAND_POINTS_PER_NINE
        p = 1.0 - 10.0**-nines
        if not quantile_supported(total, p):
            continue
        interval = quantile_interval(samples, p)
        if np.isfinite(interval.low) and np.isfinite(interval.high):
            band["nines"].append(nines)
            band["low"].append(interval.low)
            band["high"].append(interval.high)
    return band
