"""The result of a run as one document: what ``--json`` prints and every report shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.metrics.calm import Calm, calm_part
from simulator.metrics.components import (
    component_document,
    running_per_hour,
    station_measure,
    usage_per_hour,
)
from simulator.metrics.confidence import scalar_interval, share_interval
from simulator.metrics.crosscheck import crosscheck
from simulator.metrics.derived import derived_samples
from simulator.metrics.fault_phases import fault_bands
from simulator.metrics.quality import marked_kinds, quality_samples
from simulator.metrics.spread import Document, interval_document, spread
from simulator.metrics.steady_state import Stability, stability, warm_up
from simulator.metrics.window import EXCUSED, Window
from simulator.recording.recording import Recording

SYSTEM = "(system)"
HOURS_PER_MONTH = 730.0
LOST_MAX = 0.01
"""Share of requests without an answer up to which an overload that sheds is no overload."""
SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True)
class Question:
    """What a summary has to know beside the recordings.

    ``derived`` maps metrics of the topology's own to (inside, outside) lists of components;
    ``offered`` is the offered load over capacity of components, computed on paper; ``bounded``
    names components whose queue cannot grow without end; ``early`` those that answer before they
    are done, so that a visit does not see all of their service; ``percentiles`` are wanted beside
    the usual ones. ``marked`` are the classes that the overall quality is of, by position; those
    that are marked in the recordings if None.
    """

    cells: int = 1
    warmup_s: float | None = None
    derived: dict[str, tuple[list[str] | None, list[str] | None]] | None = None
    offered: dict[str, float] | None = None
    bounded: frozenset[str] = frozenset()
    early: frozenset[str] = frozenset()
    percentiles: tuple[float, ...] = ()
    marked: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Findings:
    """Windows on the recordings and what was found about their steadiness.

    A system that ``sheds`` is offered more than it can do and turns the rest away: no backlog
    grows, so the latency of those who get in is that of a steady state.
    """

    windows: list[Window]
    stability: Stability
    unstable: list[str]
    steady: bool
    warmup_sentence: str
    cut_s: float
    calm: Calm
    sheds: bool = False


def settle(recordings: Sequence[Recording], question: Question) -> Findings:
    """Cut the warm-up and decide whether there is a steady state to speak of."""
    horizon = min(recording.horizon_s for recording in recordings)
    if question.warmup_s is not None:
        cut_s = min(question.warmup_s, horizon / 2)
        steady, sentence = True, f"The first {cut_s:g} s of each replication are cut as asked."
    else:
        found = warm_up(
            [recording.requests["arrived"] for recording in recordings],
            [recording.requests["latency"] for recording in recordings],
            horizon,
        )
        cut_s, steady, sentence = found.cut_s, found.steady, found.sentence
        filled_s = _filled(recordings)
        if filled_s > cut_s:
            cut_s = min(filled_s, horizon / 2)
            steady = steady and filled_s <= horizon / 2
            sentence = (
                f"The first {cut_s / horizon:.0%} of each replication is cut as warm-up: so long "
                "it takes until requests end as often as they come (p99 of the latency)."
                if steady
                else "No steady state was reached: answers take more than half of the run."
            )
    fault_s = min((band["from_s"] for band in fault_bands(recordings)), default=horizon)
    if question.warmup_s is None and cut_s > fault_s:
        # What a fault does looks like a long warm-up, and must not be cut away as one.
        cut_s, steady = fault_s, True
        sentence = (
            f"The first {cut_s / horizon:.0%} of each replication is cut: then a fault begins."
        )
    windows = [Window(recording, cut_s) for recording in recordings]
    calm = calm_part(fault_bands(recordings), cut_s, horizon)
    offered = question.offered or {}
    busiest = max(offered, key=lambda name: offered[name], default=None)
    sheds = busiest in question.bounded and _served_elsewhere(windows)
    whole = _grows(
        windows, SYSTEM, "in_flight", offered.get(busiest or ""), sheds, "the system", calm
    )
    queues = {
        name: _grows(
            windows, name, "queue", offered.get(name), name in question.bounded, name, calm
        )
        for name in recordings[0].meters
        if "queue" in recordings[0].meters[name]
    }
    # A queue that is seen to grow is the place; a load that is too high on paper may never
    # arrive, because something before it holds it back.
    unstable = [name for name, found in queues.items() if found.growing]
    over = {name for name, load in offered.items() if load >= 1.0}
    sheds = bool(over) and over <= question.bounded and not unstable and not whole.growing
    if not unstable:
        unstable = [name for name, found in queues.items() if not found.stable]
    return Findings(windows, whole, unstable, steady, sentence, cut_s, calm, sheds)


def summarize(recordings: Sequence[Recording], question: Question, findings: Findings) -> Document:
    """The measured part of the document: metrics, classes, components, cross-checks."""
    windows = findings.windows
    first = recordings[0]
    names = [name for name in first.meters if name != SYSTEM]
    names += [name for name in first.components if name not in names and name]
    early = question.early
    stations = [station_measure(windows, name) for name in names if name not in early]
    rows = crosscheck(station for station in stations if station is not None)
    together = metrics_document(windows, question, None)
    document: Document = {
        "stable": not findings.unstable and findings.stability.stable,
        "sheds": findings.sheds,
        "metrics": together,
        "classes": {
            kind: metrics_document(windows, question, position)
            for position, kind in enumerate(first.kinds)
        }
        if len(first.kinds) > 1
        else {first.kinds[0]: together},
        "components": {
            name: component_document(windows, name, early=name in early) for name in names
        },
        "crosscheck": [
            {**vars(row), "expected": _number(row.expected), "residual": _number(row.residual)}
            for row in rows
        ],
        "run": {
            "requests": int(sum(len(window.requests["index"]) for window in windows)),
            "issued": int(sum(sum(recording.issued) for recording in recordings)),
            "in_flight": int(sum(recording.in_flight for recording in recordings)),
            "events": int(sum(recording.manifest["events"] for recording in recordings)),
            "wall_s": float(sum(recording.manifest["wall_s"] for recording in recordings)),
            "simulated_s": float(
                sum(recording.manifest["simulated_s"] for recording in recordings)
            ),
            "warmup_s": findings.cut_s,
            "warmup": findings.warmup_sentence,
            "endings": sorted({recording.manifest["ending"] for recording in recordings}),
        },
    }
    return document


def metrics_document(windows: Sequence[Window], question: Question, kind: int | None) -> Document:
    """Metrics of one class of requests, or of all of them (None).

    Latency, quality and the times of tokens are those of good answers; throughput counts
    every finished request, goodput the good ones; cost is that of the whole design. The quality of
    all classes is that of the ones which the design marks, see :mod:`simulator.metrics.quality`.
    """
    good = [window.of_kind(kind, good=True) for window in windows]
    every = [window.of_kind(kind, good=False) for window in windows]
    finished = [int(mask.sum()) for mask in every]
    fine = [int(mask.sum()) for mask in good]
    cells = question.cells
    document: Document = {
        "latency": spread(_column(windows, good, "latency"), question.percentiles),
        "ttft": spread(_streamed(windows, good, "ttft"), question.percentiles),
        "tpot": spread(_streamed(windows, good, "tpot"), question.percentiles),
        "throughput": _per_second(windows, finished, cells),
        "goodput": _per_second(windows, fine, cells),
        "errors": _errors(windows, every, finished, fine),
        "availability": _availability(windows, every, finished, fine),
        "quality": _quality(windows, question, kind),
        "degraded": _degraded(windows, good, fine),
    }
    for name, samples in derived_samples(windows, question.derived or {}, kind).items():
        document[name] = spread(samples, question.percentiles)
    if kind is None:
        document |= _own_metrics(windows, question)
        document["cost"] = _cost(windows, fine, cells)
    return document


def _column(windows: Sequence[Window], masks: Sequence[Any], name: str) -> list[Any]:
    return [
        window.requests[name][mask].astype(np.float64)
        for window, mask in zip(windows, masks, strict=True)
    ]


def _streamed(windows: Sequence[Window], masks: Sequence[Any], name: str) -> list[Any]:
    """A column of the requests whose answers were streamed."""
    return [values[~np.isnan(values)] for values in _column(windows, masks, name)]


def _per_second(windows: Sequence[Window], counts: Sequence[int], cells: int) -> Document:
    rates = [cells * count / window.span_s for window, count in zip(windows, counts, strict=True)]
    return interval_document(scalar_interval(rates))


def _errors(
    windows: Sequence[Window], masks: Sequence[Any], finished: list[int], fine: list[int]
) -> Document:
    bad = [total - good for total, good in zip(finished, fine, strict=True)]
    if not sum(finished):
        return {"rate": None, "outcomes": {}}
    codes = np.concatenate(
        [window.requests["outcome"][mask] for window, mask in zip(windows, masks, strict=True)]
    )
    counts = np.bincount(codes, minlength=len(windows[0].recording.outcomes))
    outcomes = {
        name: int(count) / len(codes)
        for name, count in zip(windows[0].recording.outcomes, counts.tolist(), strict=True)
        if count
    }
    return {"rate": interval_document(share_interval(bad, finished)), "outcomes": outcomes}


def _availability(
    windows: Sequence[Window], masks: Sequence[Any], finished: list[int], fine: list[int]
) -> Document | None:
    """Share of good answers among those the system owed one.

    It owes none beyond a client's rate limit (429), nor to a request its client withdrew.
    """
    outcomes = windows[0].recording.outcomes
    excused = [outcomes.index(name) for name in EXCUSED]
    owed = [
        total - int(np.isin(window.requests["outcome"][mask], excused).sum())
        for window, mask, total in zip(windows, masks, finished, strict=True)
    ]
    return {"rate": interval_document(share_interval(fine, owed))} if sum(owed) else None


def _degraded(windows: Sequence[Window], masks: Sequence[Any], fine: list[int]) -> Document | None:
    outcomes = windows[0].recording.outcomes
    codes = [outcomes.index(name) for name in ("stale_ok", "fallback_ok")]
    hits = [
        int(np.isin(window.requests["outcome"][mask], codes).sum())
        for window, mask in zip(windows, masks, strict=True)
    ]
    return interval_document(share_interval(hits, fine)) if sum(fine) else None


def _quality(windows: Sequence[Window], question: Question, kind: int | None) -> Document | None:
    marked = marked_kinds(windows) if question.marked is None else question.marked
    samples = quality_samples(windows, marked if kind is None else (kind,))
    means = [float(values.mean()) for values in samples if len(values)]
    return interval_document(scalar_interval(means)) if means else None


def _cost(windows: Sequence[Window], fine: list[int], cells: int) -> Document:
    names = [name for name in windows[0].recording.meters if name != SYSTEM]
    hourly, per_request = [], []
    for window, count in zip(windows, fine, strict=True):
        per_hour = cells * sum(running_per_hour(window, name) for name in names)
        per_hour += cells * sum(usage_per_hour(window, name) for name in names)
        hourly.append(per_hour)
        rate = cells * count / window.span_s * SECONDS_PER_HOUR
        per_request.append(1000.0 * per_hour / rate if rate else float("nan"))
    per_month = scalar_interval([value * HOURS_PER_MONTH for value in hourly])
    per_1k = None if np.isnan(per_request).any() else scalar_interval(per_request)
    return {
        "per_hour": interval_document(scalar_interval(hourly)),
        "per_month": interval_document(per_month),
        "per_1k_requests": None if per_1k is None else interval_document(per_1k),
    }


def _own_metrics(windows: Sequence[Window], question: Question) -> Document:
    document: Document = {}
    for number, name in enumerate(windows[0].recording.metrics):
        samples = []
        for window in windows:
            table = window.recording.samples
            keep = (table["metric"] == number) & (table["at"] >= window.cut_s)
            samples.append(table["value"][keep])
        document[name] = spread(samples, question.percentiles)
    return document


def _served_elsewhere(windows: Sequence[Window]) -> bool:
    """Whether what an overloaded component turns away is answered by another one.

    Every class has its answers, but for :data:`LOST_MAX`.
    """
    kinds = np.concatenate([window.requests["kind"] for window in windows])
    good = np.concatenate([window.good for window in windows])
    total = np.bincount(kinds)
    answered = np.bincount(kinds, weights=good)
    return bool((answered >= (1.0 - LOST_MAX) * total).all())


def _filled(recordings: Sequence[Recording]) -> float:
    """Seconds until 99 % of the requests that came first have been answered.

    A system without any queue, started empty, holds its mean number of requests only after they
    have had the time to be answered; latencies are right all the while and tell nothing of it.
    """
    latencies = np.concatenate([recording.requests["latency"] for recording in recordings])
    return float(np.quantile(latencies, 0.99)) if len(latencies) else 0.0


def _grows(
    windows: Sequence[Window],
    component: str,
    meter: str,
    offered: float | None,
    bounded: bool,
    name: str,
    calm: Calm,
) -> Stability:
    shortest = min(len(window.recording.times) for window in windows)
    first = min(windows[0].first_edge, max(shortest - 2, 0))
    if calm.empty:
        first = shortest
    elif calm.begin_s > windows[0].cut_s or calm.end_s < windows[0].recording.horizon_s:
        grid = windows[0].recording.times[:shortest]
        first, shortest = np.searchsorted(grid, [calm.begin_s, calm.end_s]).tolist()
    times = windows[0].recording.times[first:shortest]
    rows = [
        window.recording.meters[component][meter][first:shortest]
        for window in windows
        if meter in window.recording.meters.get(component, {})
    ]
    return stability(times, rows, offered, bounded, name)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
