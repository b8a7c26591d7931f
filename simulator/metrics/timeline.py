"""What a run looked like over time, on one grid, averaged over replications."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.metrics.components import pools_of
from simulator.metrics.window import GOOD
from simulator.recording.recording import Recording, Table

Document = dict[str, Any]
Floats = NDArray[np.float64]

BINS_MAX = 120
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
BEYOND_MIN = 3
"""Values that have to lie beyond a percentile in a bin before the bin shows it."""


def timeline_table(recordings: Sequence[Recording]) -> Document:
    """Columns over at most :data:`BINS_MAX` equal stretches of time, warm-up included.

    ``edges`` (s) has one entry more than the columns. ``offered``, ``good`` and ``bad`` are
    requests per second in one replication, by the time they arrived and by the time they ended;
    ``latency`` has percentiles (s) of good answers to requests that arrived in the stretch, null
    where too few did; ``queue`` the mean queue length by component, ``utilization`` busy over all
    servers, ``in_flight`` the mean number of requests in the system. Replications are pooled as
    far as the shortest of them goes.
    """
    steps = min(len(recording.times) for recording in recordings) - 1
    if steps < 1:
        return {"edges": []}
    every = max(1, -(-steps // BINS_MAX))
    marks = np.arange(0, steps + 1, every)
    edges = recordings[0].times[marks]
    document: Document = {"edges": edges.tolist()}
    document |= _rates(recordings, edges, marks)
    document["latency"] = _latency(recordings, edges)
    stations = _stations(recordings)
    lengths = np.diff(edges) * len(recordings)
    document["queue"] = {
        name: (_growth(tables, "queue_area", marks) / lengths).tolist()
        for name, tables in stations.items()
    }
    document["utilization"] = {
        name: _utilization(tables, marks) for name, tables in stations.items()
    }
    return document


def _rates(recordings: Sequence[Recording], edges: Floats, marks: NDArray[np.int64]) -> Document:
    lengths = np.diff(edges) * len(recordings)
    good, bad, offered = (np.zeros(len(edges) - 1) for _ in range(3))
    in_flight = np.zeros(len(edges))
    for recording in recordings:
        table = recording.requests
        ended = table["arrived"] + table["latency"]
        fine = _answered(recording)
        good += np.histogram(ended[fine], edges)[0]
        bad += np.histogram(ended[~fine], edges)[0]
        for meters in recording.meters.values():
            if "issued_total" in meters:
                offered += np.diff(meters["issued_total"][marks])
                in_flight += meters["in_flight"][marks] / len(recordings)
    return {
        "offered": (offered / lengths).tolist(),
        "good": (good / lengths).tolist(),
        "bad": (bad / lengths).tolist(),
        "in_flight": ((in_flight[1:] + in_flight[:-1]) / 2.0).tolist(),
    }


def _latency(recordings: Sequence[Recording], edges: Floats) -> Document:
    arrived, latency = [], []
    for recording in recordings:
        fine = _answered(recording)
        arrived.append(recording.requests["arrived"][fine])
        latency.append(recording.requests["latency"][fine])
    values = np.concatenate(latency)
    place = np.searchsorted(edges, np.concatenate(arrived), side="right") - 1
    order = np.lexsort((values, place))
    values, place = values[order], place[order]
    bounds = np.searchsorted(place, np.arange(len(edges)))
    columns: dict[str, list[float | None]] = {name: [] for name in QUANTILES}
    for first, last in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        count = last - first
        for name, p in QUANTILES.items():
            supported = count * (1.0 - p) >= BEYOND_MIN - 1e-9
            rank = first + p * (count - 1)
            columns[name].append(_between(values, rank) if supported else None)
    return dict(columns)


def _between(ordered: Floats, rank: float) -> float:
    low = int(rank)
    high = min(low + 1, len(ordered) - 1)
    return float(ordered[low] + (rank - low) * (ordered[high] - ordered[low]))


def _answered(recording: Recording) -> "NDArray[np.bool_]":
    codes = [code for code, name in enumerate(recording.outcomes) if name in GOOD]
    return np.isin(recording.requests["outcome"], codes)


def _stations(recordings: Sequence[Recording]) -> dict[str, list[Table]]:
    return {
        name: [recording.meters[name] for recording in recordings]
        for name, meters in recordings[0].meters.items()
        if "busy_area" in meters
    }


def _growth(tables: Sequence[Table], meter: str, marks: NDArray[np.int64]) -> Floats:
    """How much an integral grew in each stretch, over all replications."""
    total = np.zeros(len(marks) - 1)
    for table in tables:
        total += np.diff(table[meter][marks])
    return total


def _utilization(tables: Sequence[Table], marks: NDArray[np.int64]) -> list[float]:
    """The share of busy servers; of the fullest pool where there are several."""
    fullest = np.zeros(len(marks) - 1)
    for busy_meter, servers_meter in pools_of(tables[0]):
        busy, servers = _growth(tables, busy_meter, marks), _growth(tables, servers_meter, marks)
        shares = np.divide(busy, servers, out=np.zeros(len(busy)), where=servers > 0)
        fullest = np.maximum(fullest, shares)
    return [float(share) for share in fullest]
