"""Who called whom, as it was seen in the traced requests."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from simulator.metrics.window import Window

Document = dict[str, Any]

CLIENT = "(clients)"
BACKGROUND = "(background)"


def call_graph(windows: Sequence[Window]) -> list[Document]:
    """Calls between components: ``source``, ``target`` and ``rate`` (calls per second).

    Counted in the traced requests and scaled to all of them. Calls by clients have the source
    :data:`CLIENT`; the caller of work that was started in the background is not recorded, its
    calls have the source :data:`BACKGROUND`. Largest rate first.
    """
    counts: dict[tuple[str, str], float] = {}
    for window in windows:
        for link, count in _links(window).items():
            counts[link] = counts.get(link, 0.0) + count * window.recording.trace_every
    seconds = sum(window.span_s for window in windows)
    rows: list[Document] = [
        {"source": source, "target": target, "rate": count / seconds}
        for (source, target), count in counts.items()
    ]
    return sorted(rows, key=lambda row: (-row["rate"], row["source"], row["target"]))


def _links(window: Window) -> dict[tuple[str, str], int]:
    recording = window.recording
    visits = recording.visits
    names = [*recording.components, CLIENT, BACKGROUND]
    size = len(recording.components)
    rows = np.flatnonzero(
        (visits["called"] >= window.cut_s) & (visits["called"] <= recording.horizon_s)
    )
    parents = visits["parent"][rows].astype(np.int64)
    # A visit is recorded when it ends, so a caller that never ended is unknown: left out.
    caller = np.full(int(max(visits["visit"].max(initial=0), parents.max(initial=0))) + 1, -1)
    caller[visits["visit"]] = visits["component"]
    source = np.where(parents < 0, np.where(parents == -1, size, size + 1), caller[parents])
    rows, source = rows[source >= 0], source[source >= 0]
    pairs = source * len(names) + visits["component"][rows]
    found, counts = np.unique(pairs, return_counts=True)
    return {
        (names[pair // len(names)], names[pair % len(names)]): count
        for pair, count in zip(found.tolist(), counts.tolist(), strict=True)
    }


def calls_each(windows: Sequence[Window], kind: int) -> Document:
    """Calls of components for a request of a class, what nobody waits for included.

    ``each`` maps components to a mean, as counted in the ``requests`` that were traced; those
    that record no visits, such as brokers, are not in it.
    """
    counts: dict[str, int] = {}
    requests = 0
    for window in windows:
        table, visits = window.requests, window.recording.visits
        traced = (table["kind"] == kind) & (table["index"] % window.recording.trace_every == 0)
        requests += int(traced.sum())
        called = visits["component"][np.isin(visits["request"], table["index"][traced])]
        names = window.recording.components
        for number, count in enumerate(np.bincount(called, minlength=len(names)).tolist()):
            counts[names[number]] = counts.get(names[number], 0) + count
    each = {name: count / requests for name, count in counts.items()} if requests else {}
    return {"requests": requests, "each": each}
