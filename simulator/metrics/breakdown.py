"""Where the time of a request goes."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.metrics.window import Window

Numbers = NDArray[Any]
EDGE = -1
"""Parent of visits at the top of a request."""


@dataclass(frozen=True)
class Span:
    """A traced visit: half-open interval (s), waiting inside it (s), component number."""

    identity: int
    component: int
    start: float
    end: float
    wait: float


@dataclass(frozen=True)
class Share:
    """Mean seconds that a component adds to the latency of a group of requests."""

    component: str
    wait_s: float
    own_s: float

    @property
    def total_s(self) -> float:
        """Waiting and everything else together."""
        return self.wait_s + self.own_s


def critical_path(
    children: dict[int, list[Span]], start: float, end: float
) -> dict[int, tuple[float, float]]:
    """Split [start, end] among components: (wait, own) seconds by component number.

    Walks backwards from the end: what is not covered by a call belongs to the caller, and of
    calls that overlap only the one that ended last counts, since the others were not what the
    caller waited for. The parts add up to ``end - start``; what no component holds (the client
    side of the first call) goes to component -1.
    """
    parts: dict[int, list[float]] = defaultdict(lambda: [0.0, 0.0])
    pending = [(EDGE, -1, start, end, 0.0)]
    while pending:
        identity, component, first, cursor, wait = pending.pop()
        own = 0.0
        for child in sorted(children.get(identity, ()), key=lambda span: -span.end):
            if child.end > cursor + 1e-9 or child.start < first - 1e-9:
                continue
            own += max(cursor - child.end, 0.0)
            pending.append((child.identity, child.component, child.start, child.end, child.wait))
            cursor = child.start
        own += max(cursor - first, 0.0)
        waited = min(wait, own)
        part = parts[component]
        part[0] += waited
        part[1] += own - waited
    return {component: (wait, own) for component, (wait, own) in parts.items()}


def breakdown(
    windows: Sequence[Window], quantile: float, kind: int | None = None, neighbours: int = 200
) -> list[Share]:
    """Mean split of the latency of the traced requests around a quantile, largest first.

    Takes the ``neighbours`` traced requests (over all replications) whose latency is closest in
    rank to the quantile, but never more than one in ten of the traced ones, so that the tail
    stays the tail.
    """
    groups = [_traced(window, kind) for window in windows]
    latencies = np.concatenate([latency for latency, _, _ in groups])
    owner = np.concatenate(
        [np.full(len(latency), place) for place, (latency, _, _) in enumerate(groups)]
    )
    identity = np.concatenate([index for _, index, _ in groups])
    arrived = np.concatenate([arrival for _, _, arrival in groups])
    if not len(latencies):
        return []
    order = np.argsort(latencies, kind="stable")
    middle = quantile * (len(order) - 1)
    half = min(neighbours, max(len(order) // 10, 1)) / 2
    low, high = int(max(middle - half, 0)), int(min(middle + half + 1, len(order)))
    totals: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    chosen = order[low:high]
    for place, window in enumerate(windows):
        mine = chosen[owner[chosen] == place]
        _add_paths(window, identity[mine], arrived[mine], latencies[mine], totals)
    count = len(chosen)
    shares = [Share(name, wait / count, own / count) for name, (wait, own) in totals.items()]
    return sorted(shares, key=lambda share: -share.total_s)


def _traced(window: Window, kind: int | None) -> tuple[Numbers, Numbers, Numbers]:
    keep = window.of_kind(kind, good=True)
    keep &= window.requests["index"] % window.recording.trace_every == 0
    requests = window.requests
    return requests["latency"][keep], requests["index"][keep], requests["arrived"][keep]


def _add_paths(
    window: Window, indices: Numbers,
    arrivals: Numbers,
    latencies: Numbers, totals: dict[str, list[float]],
) -> None:  # fmt: skip
    visits = window.recording.visits
    rows = np.flatnonzero(np.isin(visits["request"], indices))
    by_request: dict[int, dict[int, list[Span]]] = defaultdict(lambda: defaultdict(list))
    columns = [visits[name][rows].tolist() for name in
               ("request", "parent", "visit", "component", "called", "span", "wait")]  # fmt: skip
    for request, parent, visit, component, called, span, wait in zip(*columns, strict=True):
        by_request[request][parent].append(Span(visit, component, called, called + span, wait))
    names = window.recording.components
    for index, arrived, latency in zip(
        indices.tolist(), arrivals.tolist(), latencies.tolist(), strict=True
    ):
        children = by_request[index]
        for component, (wait, own) in critical_path(children, arrived, arrived + latency).items():
            part = totals[names[component] if component >= 0 else "(client)"]
            part[0] += wait
            part[1] += own
