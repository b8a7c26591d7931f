"""Estimates of every metric by replication, for comparing designs pair by pair.

Designs that are compared have to be measured over the same part of the run, but where warm-up
ends is only known when all of them have run. So the estimates are made for a few cuts, and the
comparison takes the first one that is long enough for all.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.metrics.components import running_per_hour, usage_per_hour
from simulator.metrics.confidence import Interval, batch_influence, difference_interval
from simulator.metrics.derived import Parts, derived_values
from simulator.metrics.quality import marked_kinds, quality_parts, quality_samples
from simulator.metrics.window import EXCUSED, Window
from simulator.recording.recording import Recording

Floats = NDArray[np.float64]
Estimates = dict[str, Any]

CUTS = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
"""Shares of the horizon that may be cut as warm-up."""

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
STATISTICS: dict[str, float | None] = {"mean": None, **QUANTILES}
SECONDS_PER_HOUR = 3600.0
SYSTEM = "(system)"


class Timed(NamedTuple):
    """Values of requests with the times (s) at which they arrived."""

    at: Floats
    values: Floats


def estimates_by_cut(
    recordings: Sequence[Recording],
    derived: Mapping[str, Parts],
    cells: int = 1,
    shares: Sequence[float] = CUTS,
) -> Estimates:
    """``cuts_s``, and for each cut every metric as ``pooled`` and ``each`` (by replication).

    Means and percentiles also have ``influence``: what each batch of the runs adds to them.
    Percentiles have ``beyond``, the number of values beyond them. With several classes, quality has
    what :func:`~simulator.metrics.quality.with_same_classes` needs to compare designs.
    """
    horizon = recordings[0].horizon_s
    timed = [_timed(recording, derived) for recording in recordings]
    tables = []
    for share in shares:
        windows = [Window(recording, share * horizon) for recording in recordings]
        marked = marked_kinds(windows)
        pooled = estimates(windows, timed, cells, marked)
        parts = [
            estimates([window], [own], cells, marked)
            for window, own in zip(windows, timed, strict=True)
        ]
        table: dict[str, Any] = {
            name: {"pooled": value, "each": [part[name] for part in parts]}
            for name, value in pooled.items()
            if all(name in part for part in parts)
        }
        if "quality" in table:
            table["quality"] |= quality_parts(windows)
        for name, runs in _samples(windows, timed).items():
            for statistic, p in STATISTICS.items():
                if f"{name}.{statistic}" in table:
                    row = table[f"{name}.{statistic}"]
                    row["influence"] = [_brief(value) for value in batch_influence(runs, p)]
                    if p is not None:
                        row["beyond"] = min(p, 1.0 - p) * sum(map(len, runs))
        tables.append(table)
    return {"cuts_s": [share * horizon for share in shares], "tables": tables}


def table_at(found: Estimates, cut_s: float) -> dict[str, Any]:
    """The table of the first cut that is at least ``cut_s``; the last if there is none."""
    for cut, table in zip(found["cuts_s"], found["tables"], strict=True):
        if cut >= cut_s * (1.0 - 1e-9):
            return dict(table)
    return dict(found["tables"][-1])


def difference(a: Mapping[str, Any], b: Mapping[str, Any]) -> Interval:
    """How much larger a metric of ``b`` is than that of ``a``, by pairs of replications."""
    differences = [y - x for x, y in zip(a["each"], b["each"], strict=True)]
    first, second = (np.array(table.get("influence", ())) for table in (a, b))
    influence = second - first if len(first) == len(second) else None
    centre = b["pooled"] - a["pooled"]
    beyond = min(table.get("beyond", math.inf) for table in (a, b))
    return difference_interval(differences, centre, influence=influence, beyond=beyond)


def unpaired_difference(a: Mapping[str, Any], b: Mapping[str, Any]) -> Interval:
    """How much larger a metric of ``b`` is than that of ``a``, from runs of unlike requests.

    Puts the distances of both estimates to the ends of their own intervals together as the sides
    of a right angle, which keeps unequal arms (G. Zou and A. Donner, Statistics in Medicine 27,
    2008: the method of variance estimates recovery).
    """
    first, second = (
        difference_interval(
            table["each"],
            table["pooled"],
            influence=np.array(table.get("influence", ())),
            beyond=table.get("beyond", math.inf),
        )
        for table in (a, b)
    )
    centre = second.value - first.value
    lower = math.hypot(second.value - second.low, first.high - first.value)
    upper = math.hypot(second.high - second.value, first.value - first.low)
    return Interval(centre, centre - lower, centre + upper)


def estimates(
    windows: Sequence[Window],
    derived: Sequence[Mapping[str, Timed]],
    cells: int,
    marked: Sequence[int],
) -> dict[str, float]:
    """Every metric of some replications taken together, by name (``latency.p99``).

    ``derived`` has, for each replication, the topology's own latency metrics; ``marked`` are the
    classes that the quality is of.
    """
    good = [window.of_kind(None, good=True) for window in windows]
    every = sum(len(mask) for mask in good)
    fine = sum(int(mask.sum()) for mask in good)
    span_s = sum(window.span_s for window in windows)
    found: dict[str, float] = {}
    for name, runs in _samples(windows, derived).items():
        found |= _spread(name, np.concatenate(runs))
    if every:
        found["errors.rate"] = (every - fine) / every
        found["availability.rate"] = _availability(windows, every, fine)
    found["throughput"] = cells * every / span_s
    found["goodput"] = cells * fine / span_s
    if fine:
        found |= _quality(windows, marked)
        found["degraded"] = _degraded(windows, good) / fine
    found["cost.per_hour"] = per_hour = cells * _cost_per_hour(windows)
    if fine:
        per_hour_of_one_rps = per_hour / found["goodput"]
        found["cost.per_1k_requests"] = 1000.0 * per_hour_of_one_rps / SECONDS_PER_HOUR
    return found


def _samples(
    windows: Sequence[Window], derived: Sequence[Mapping[str, Timed]]
) -> dict[str, list[Floats]]:
    """The values behind every mean and percentile, by name, one array per replication."""
    good = [window.of_kind(None, good=True) for window in windows]
    found = {"latency": _columns(windows, good, "latency")}
    for name in ("ttft", "tpot"):
        columns = _columns(windows, good, name)
        found[name] = [values[~np.isnan(values)] for values in columns]
    for name in derived[0]:
        pairs = [(own[name], window.cut_s) for own, window in zip(derived, windows, strict=True)]
        found[name] = [own.values[own.at >= cut] for own, cut in pairs]
    for number, name in enumerate(windows[0].recording.metrics):
        found[name] = _own(windows, number)
    kinds = windows[0].recording.kinds
    for kind, name in enumerate(kinds) if len(kinds) > 1 else ():
        masks = [window.of_kind(kind, good=True) for window in windows]
        found[f"{name}.latency"] = _columns(windows, masks, "latency")
    return found


def _timed(recording: Recording, derived: Mapping[str, Parts]) -> dict[str, Timed]:
    window = Window(recording, 0.0)
    traced = window.of_kind(None, good=True)
    traced &= window.requests["index"] % recording.trace_every == 0
    arrived = window.requests["arrived"][traced]
    found = {}
    for name, parts in derived.items():
        values = derived_values(window, parts, None)
        known = ~np.isnan(values)
        found[name] = Timed(arrived[known], values[known])
    return found


def _spread(name: str, values: Floats) -> dict[str, float]:
    if not len(values):
        return {}
    found = {f"{name}.mean": float(values.mean())}
    quantiles = np.quantile(values, list(QUANTILES.values())).tolist()
    return found | {f"{name}.{p}": value for p, value in zip(QUANTILES, quantiles, strict=True)}


def _columns(windows: Sequence[Window], masks: Sequence[Any], name: str) -> list[Floats]:
    return [
        window.requests[name][mask].astype(np.float64)
        for window, mask in zip(windows, masks, strict=True)
    ]


def _own(windows: Sequence[Window], number: int) -> list[Floats]:
    parts = []
    for window in windows:
        table = window.recording.samples
        keep = (table["metric"] == number) & (table["at"] >= window.cut_s)
        parts.append(table["value"][keep].astype(np.float64))
    return parts


def _quality(windows: Sequence[Window], marked: Sequence[int]) -> dict[str, float]:
    values = np.concatenate(quality_samples(windows, marked))
    return {"quality": float(values.mean())} if len(values) else {}


def _brief(value: float) -> float:
    """Four digits: enough for a skewness, and short to keep."""
    return float(f"{value:.4g}")


def _availability(windows: Sequence[Window], every: int, fine: int) -> float:
    names = windows[0].recording.outcomes
    excused = [names.index(name) for name in EXCUSED]
    refused = sum(int(np.isin(window.requests["outcome"], excused).sum()) for window in windows)
    return fine / (every - refused) if every > refused else 1.0


def _degraded(windows: Sequence[Window], masks: Sequence[Any]) -> int:
    outcomes = windows[0].recording.outcomes
    codes = [outcomes.index(name) for name in ("stale_ok", "fallback_ok")]
    return sum(
        int(np.isin(window.requests["outcome"][mask], codes).sum())
        for window, mask in zip(windows, masks, strict=True)
    )


def _cost_per_hour(windows: Sequence[Window]) -> float:
    names = [name for name in windows[0].recording.meters if name != SYSTEM]
    total = sum(
        running_per_hour(window, name) + usage_per_hour(window, name)
        for window in windows
        for name in names
    )
    return total / len(windows)
