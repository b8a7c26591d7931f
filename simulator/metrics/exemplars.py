"""A few requests in full: where each of their seconds went."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from simulator.metrics.window import Window

Document = dict[str, Any]

TAIL = 0.99
NEAR_TAIL = 3
SPANS_MAX = 40


def exemplar_requests(windows: Sequence[Window]) -> list[Document]:
    """Traced requests worth looking at: a typical one, some near p99 and the slowest.

    Rows hold ``label``, ``replication``, ``request`` (order of arrival), ``kind``, ``outcome``,
    ``arrived_s``, ``latency_s``, ``left_out`` (spans not shown) and ``spans``, outer before inner
    and early before late: ``component``, ``depth``, ``start_s`` after the arrival, ``span_s``,
    ``wait_s`` inside it, and ``outcome``. Work that the client did not wait for is not shown. Of a
    request with more than :data:`SPANS_MAX` spans the longest are kept.
    """
    place, row, latency = _traced(windows)
    if not len(latency):
        return []
    order = np.argsort(latency, kind="stable")
    last = len(order) - 1
    chosen = [("typical (p50)", round(0.5 * last))]
    middle = round(TAIL * last)
    half = NEAR_TAIL // 2
    chosen += [("near p99", rank) for rank in range(middle - half, middle + half + 1)]
    chosen += [("slowest traced", last)]
    seen: set[int] = set()
    found = []
    for label, rank in chosen:
        if not 0 <= rank <= last or rank in seen:
            continue
        seen.add(rank)
        spot = order[rank]
        window = windows[place[spot]]
        found.append({"label": label, **_exemplar(window, int(row[spot]))})
    return found


def _traced(windows: Sequence[Window]) -> tuple[Any, Any, Any]:
    places, rows, latencies = [], [], []
    for place, window in enumerate(windows):
        requests = window.requests
        kept = np.flatnonzero(window.good & (requests["index"] % window.recording.trace_every == 0))
        places.append(np.full(len(kept), place))
        rows.append(kept)
        latencies.append(requests["latency"][kept])
    return np.concatenate(places), np.concatenate(rows), np.concatenate(latencies)


def _exemplar(window: Window, row: int) -> Document:
    requests, recording = window.requests, window.recording
    index, arrived = int(requests["index"][row]), float(requests["arrived"][row])
    spans, left_out = _spans(window, index, arrived)
    return {
        "replication": recording.manifest.get("replication", 0),
        "request": index,
        "kind": recording.kinds[int(requests["kind"][row])],
        "outcome": recording.outcomes[int(requests["outcome"][row])],
        "arrived_s": arrived,
        "latency_s": float(requests["latency"][row]),
        "left_out": left_out,
        "spans": spans,
    }


def _spans(window: Window, index: int, arrived: float) -> tuple[list[Document], int]:
    recording = window.recording
    visits = recording.visits
    rows = np.flatnonzero(visits["request"] == index)
    children: dict[int, list[int]] = defaultdict(list)
    for row in rows.tolist():
        children[int(visits["parent"][row])].append(row)
    for siblings in children.values():
        siblings.sort(key=lambda row: (visits["called"][row], visits["visit"][row]))
    found: list[Document] = []
    pending = [(row, 0) for row in reversed(children[-1])]
    while pending:
        row, depth = pending.pop()
        found.append(
            {
                "component": recording.components[int(visits["component"][row])],
                "depth": depth,
                "start_s": float(visits["called"][row]) - arrived,
                "span_s": float(visits["span"][row]),
                "wait_s": float(visits["wait"][row]),
                "outcome": recording.outcomes[int(visits["outcome"][row])],
            }
        )
        inner = children.get(int(visits["visit"][row]), [])
        pending += [(child, depth + 1) for child in reversed(inner)]
    if len(found) <= SPANS_MAX:
        return found, 0
    least = sorted((span["span_s"] for span in found), reverse=True)[SPANS_MAX - 1]
    kept = [span for span in found if span["span_s"] >= least][:SPANS_MAX]
    return kept, len(found) - len(kept)
