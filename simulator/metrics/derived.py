"""Latency metrics of a topology's own: time inside or outside of some components."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from simulator.metrics.window import Window

Parts = tuple[list[str] | None, list[str] | None]


def derived_samples(
    windows: Sequence[Window], derived: Mapping[str, Parts], kind: int | None
) -> dict[str, list[Any]]:
    """Values per replication of each metric, over the traced requests with a good answer.

    ``inside`` is the time during which at least one visit to the named components was under way,
    calls they made included; ``outside`` is the latency minus that time.
    """
    return {
        name: [_values(window, parts, kind) for window in windows]
        for name, parts in derived.items()
    }


def _values(window: Window, parts: Parts, kind: int | None) -> Any:
    inside, outside = parts
    recording = window.recording
    chosen = [
        position
        for position, name in enumerate(recording.components)
        if name in (inside or outside or [])
    ]
    keep = window.of_kind(kind, good=True)
    keep &= window.requests["index"] % recording.trace_every == 0
    index = window.requests["index"][keep]
    latency = window.requests["latency"][keep]
    visits = recording.visits
    rows = np.flatnonzero(np.isin(visits["component"], chosen) & (visits["parent"] != -2))
    covered = _union_by_request(
        visits["request"][rows],
        visits["called"][rows],
        visits["called"][rows] + visits["span"][rows],
    )
    time_inside = np.array([covered.get(request, 0.0) for request in index.tolist()])
    if inside is not None:
        return time_inside
    return np.maximum(latency - time_inside, 0.0)


def _union_by_request(requests: Any, starts: Any, ends: Any) -> dict[int, float]:
    order = np.lexsort((starts, requests))
    covered: dict[int, float] = {}
    current, reached = -1, 0.0
    for request, start, end in zip(
        requests[order].tolist(), starts[order].tolist(), ends[order].tolist(), strict=True
    ):
        if request != current:
            current, reached = request, start
            covered[request] = 0.0
        if end > reached:
            covered[request] += end - max(start, reached)
            reached = end
    return covered
