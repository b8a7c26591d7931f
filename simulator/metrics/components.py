"""What happened at each component."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from simulator.metrics.crosscheck import StationMeasure
from simulator.metrics.window import Window

Document = dict[str, Any]

SECONDS_PER_HOUR = 3600.0
STANDARD_METERS = frozenset(
    {
        "busy_area", "in_service_area", "queue_area", "servers_area", "served_total",
        "refused_total", "left_total", "aborted_total", "queue", "busy", "servers", "queue_max",
        "running_cost_total", "spent_total",
    }
)  # fmt: skip


def component_document(windows: Sequence[Window], name: str, early: bool = False) -> Document:
    """Utilization, times, queue, throughput and cost of one component.

    One that answers ``early`` has no service time here: its visits end with the answer.
    """
    span = sum(window.length_s for window in windows)
    visits = _visits(windows, name)
    scale = windows[0].recording.trace_every

    def rate(meter: str) -> float:
        return sum(window.growth(name, meter) for window in windows) / span if span else 0.0

    served = any(window.has(name, "served_total") for window in windows)
    traced = sum(len(table["wait"]) for table in visits)
    document: Document = {
        "utilization": None,
        "wait": _times([table["wait"] for table in visits]),
        "service": None if early else _times([table["service"] for table in visits]),
        "span": _times([table["span"] for table in visits]),
        "queue_length": None,
        "throughput": rate("served_total") if served else traced * scale / span if span else 0.0,
    }
    running = sum(running_per_hour(window, name) for window in windows) / len(windows)
    usage = sum(usage_per_hour(window, name) for window in windows) / len(windows)
    document["cost"] = {
        "per_hour": running + usage,
        "running_per_hour": running,
        "usage_per_hour": usage,
    }
    if windows[0].has(name, "busy_area"):
        meters = windows[0].recording.meters[name]
        shares = [(rate(busy), rate(servers)) for busy, servers in pools_of(meters)]
        document["utilization"] = max(busy / all_ if all_ else 0.0 for busy, all_ in shares)
        document["servers"] = rate("servers_area")
        document["queue_length"] = {
            "mean": rate("queue_area"),
            "max": int(max(window.recording.meters[name]["queue_max"][-1] for window in windows)),
        }
        for meter in ("refused_total", "left_total"):
            document[meter.removesuffix("_total") + "_per_s"] = rate(meter)
    document["other"] = {
        meter: rate(meter) if meter.endswith(("_total", "_area")) else _level(windows, name, meter)
        for meter in windows[0].recording.meters.get(name, {})
        if meter not in STANDARD_METERS
    }
    return document


def pools_of(meters: Iterable[str]) -> list[tuple[str, str]]:
    """The meters of busy servers and of all, by pool: none can take over the work of another."""
    own = [meter for meter in meters if meter.startswith("busy_of_")]
    pools = [(busy, busy.replace("busy_of_", "servers_of_", 1)) for busy in own]
    return pools or [("busy_area", "servers_area")]


def running_per_hour(window: Window, name: str) -> float:
    """Dollars per hour for keeping the component running, over the window."""
    grown = window.growth(name, "running_cost_total")
    return grown / window.length_s * SECONDS_PER_HOUR if window.length_s else 0.0


def usage_per_hour(window: Window, name: str) -> float:
    """Dollars per hour for using the component.

    What all requests of the run spent, divided by their number and multiplied by their rate: a
    price is due when a call ends, which may be long after the window.
    """
    recording = window.recording
    issued = sum(recording.issued)
    spent = recording.finals.get(name, {}).get("spent_total", 0.0)
    if not issued or not recording.horizon_s:
        return 0.0
    finished = max(issued - recording.in_flight, 1)
    return spent / finished * issued / recording.horizon_s * SECONDS_PER_HOUR


def station_measure(windows: Sequence[Window], name: str) -> StationMeasure | None:
    """What theory needs to know of a component with servers; None if it has none.

    Busy servers and queue come from integrals over time, service and wait from the visits of
    traced requests: two ways of counting, so that comparing them means something. A server that
    computes several visits at once counts as busy with each of them, since each has its service.
    """
    if not windows[0].has(name, "busy_area"):
        return None
    span = sum(window.length_s for window in windows)
    visits = _visits(windows, name)
    if not visits:
        return None
    service = np.concatenate([table["service"] for table in visits])
    wait = np.concatenate([table["wait"] for table in visits])
    if not len(service) or not span:
        return None
    mean_service = float(service.mean())
    occupied = "in_service_area" if windows[0].has(name, "in_service_area") else "busy_area"
    visited = len(service) * windows[0].recording.trace_every / sum(w.span_s for w in windows)
    return StationMeasure(
        name=name,
        servers=max(1, round(sum(w.growth(name, "servers_area") for w in windows) / span)),
        mean_busy=sum(window.growth(name, occupied) for window in windows) / span,
        mean_queue=sum(window.growth(name, "queue_area") for window in windows) / span,
        throughput=visited,
        arrival_rate=visited,
        mean_service_s=mean_service,
        mean_wait_s=float(wait.mean()),
        service_scv=float(service.var()) / mean_service**2 if mean_service else None,
        service_error_s=_sampling_error(visits, "service"),
        wait_error_s=_sampling_error(visits, "wait"),
    )


def _sampling_error(visits: Sequence[Document], column: str) -> float:
    """Standard error of the total of the traced visits, divided by their number.

    Whole requests are drawn, not visits: one that fans out to hundreds counts once. Their number
    is drawn too, hence the sum of squares and not the variance.
    """
    squares, count = 0.0, 0
    for table in visits:
        _, request = np.unique(table["request"], return_inverse=True)
        totals = np.bincount(request, weights=table[column])
        squares += float(np.dot(totals, totals))
        count += len(request)
    return math.sqrt(squares) / count


def _visits(windows: Sequence[Window], name: str) -> list[dict[str, Any]]:
    found = []
    for window in windows:
        names = window.recording.components
        if name not in names:
            continue
        keep = window.visits["component"] == names.index(name)
        found.append({column: values[keep] for column, values in window.visits.items()})
    return found


def _times(parts: list[Any]) -> Document | None:
    values = np.concatenate(parts) if parts else np.empty(0)
    if not len(values):
        return None
    p50, p95, p99 = np.quantile(values, [0.5, 0.95, 0.99]).tolist()
    return {"mean": float(values.mean(dtype=np.float64)), "p50": p50, "p95": p95, "p99": p99}


def _level(windows: Sequence[Window], name: str, meter: str) -> float:
    readings = [
        window.recording.meters[name][meter][window.first_edge :].mean() for window in windows
    ]
    return float(np.mean(readings))
