"""Latency metrics of a topology's own: time inside or outside of some components."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from simulator.metrics.window import Window

Parts = tuple[list[str] | None, list[str] | None]


def derived_samples(
    windows: Sequence[Window], derived: Mapping[str, Parts], kind: int | None
) -> dict[str, list[Any]]:
    """Values per replication of each metric, see :func:`derived_values`, without the unknown."""
    found = {
        name: [derived_values(window, parts, kind) for window in windows]
        for name, parts in derived.items()
    }
    return {name: [own[~np.isnan(own)] for own in runs] for name, runs in found.items()}


def derived_values(window: Window, parts: Parts, kind: int | None) -> Any:
    """The values of a metric, one for each traced request with a good answer, in their order.

    ``inside`` is the time during which at least one visit to the named components was under way,
    calls they made included; ``outside`` is the latency minus that time. Of all classes together
    (``kind`` None) both are NaN for those of which no request comes there: zeros of others would
    make every percentile smaller, the more of them come. The time inside is NaN for all if none of
    those that came there got a good answer; it is 0 if no request at all comes there.
    """
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
    come, kinds = np.isin(index, list(covered)), window.requests["kind"][keep]
    if kind is None and (come.any() or (covered and inside is not None)):
        time_inside[~np.isin(kinds, kinds[come])] = np.nan
    return time_inside if inside is not None else np.maximum(latency - time_inside, 0.0)


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
