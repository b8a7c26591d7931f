"""Pass, fail or unsure; what gives way first; and the sentence that says so."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from simulator.metrics.catalogue import METRICS
from simulator.metrics.foreground import waited_at
from simulator.metrics.load import said_load
from simulator.metrics.spread import Document
from simulator.metrics.summary import Findings
from simulator.quantities.grouping import grouped, told_ratio

FAILING = 0.01
"""Share of failures that a verdict does not pass over, asked or not."""


TIMES = ("latency", "ttft", "tpot")
"""Metrics of the time to an answer, which grow with a backlog that a request waits in."""


class Goal(Protocol):
    """An objective, as far as a verdict needs it."""

    @property
    def metric(self) -> str: ...
    @property
    def of_class(self) -> str | None: ...
    @property
    def name(self) -> str: ...
    @property
    def threshold(self) -> Any: ...


def judge(
    document: Document,
    goals: Sequence[Goal],
    findings: Findings,
    on_paper: Mapping[str, float],
) -> Document:
    """The verdict, the objectives with their status, and warnings."""
    delayed = _delayed(document, findings)
    rows = [_row(document, goal, delayed) for goal in goals]
    bottleneck = _bottleneck(document, on_paper)
    status = _status(document, rows)
    return {
        "verdict": {
            "status": status,
            "sentence": _sentence(document, rows, findings, bottleneck, on_paper),
            "bottleneck": bottleneck,
        },
        "delayed": [name for name in document["classes"] if name in delayed],
        "objectives": rows,
        "claims": [],
        "estimates": [],
        "warnings": _warnings(document, findings),
    }


def _delayed(document: Document, findings: Findings) -> set[str | None]:
    """Classes (None: all together) whose latency grows with a backlog for as long as it lasts."""
    if document["stable"] or document["sheds"]:
        return set()
    waits = waited_at(findings.windows)
    delayed: set[str | None] = {
        name for name, places in waits.items() if places & set(findings.unstable)
    }
    # Where requests pile up outside of any queue, it is not known whose they are.
    if findings.stability.growing and not delayed:
        delayed = set(waits)
    return delayed | {None} if delayed else delayed


def _row(document: Document, goal: Goal, delayed: set[str | None]) -> Document:
    metrics = document["metrics"]
    if goal.of_class is not None:
        metrics = document["classes"].get(goal.of_class, {})
    measured = _find(metrics.get(goal.metric), goal.threshold)
    row: Document = {
        "metric": goal.name,
        "threshold": goal.threshold.text,
        "value": None,
        "low": None,
        "high": None,
        "status": "unsure",
    }
    if measured is None:
        return row
    row |= measured
    low = measured["value"] if measured["low"] is None else measured["low"]
    high = measured["value"] if measured["high"] is None else measured["high"]
    if goal.of_class in delayed and goal.metric in TIMES:
        row["status"] = "fail"
        return row
    row["status"] = goal.threshold.evaluate(low, high, measured["value"])
    backlog = not document["stable"] and not document["sheds"]
    if backlog and goal.metric not in METRICS and row["status"] == "pass":
        # A time that the design records may hold for as short as the run is, and no longer.
        row["status"] = "unsure"
    return row


def _find(metric: Any, threshold: Any) -> Document | None:
    if metric is None:
        return None
    aggregate = threshold.aggregate
    if threshold.percentile is not None:
        aggregate = f"p{threshold.percentile:g}"
    found: Document | float | None = metric.get(aggregate, metric if "value" in metric else None)
    if isinstance(found, int | float):
        return {"value": found, "low": None, "high": None}
    return found


def _status(document: Document, rows: Sequence[Document]) -> str:
    if not document["stable"]:
        return "unstable"
    statuses = {row["status"] for row in rows}
    if "fail" in statuses:
        return "fail"
    return "unsure" if "unsure" in statuses else "pass"


def _bottleneck(document: Document, on_paper: Mapping[str, float]) -> str | None:
    loads = {
        name: max(component["utilization"] or 0.0, on_paper.get(name, 0.0))
        for name, component in document["components"].items()
        if component["utilization"] is not None
    }
    return max(loads, key=lambda name: loads[name], default=None)


def _sentence(
    document: Document,
    rows: Sequence[Document],
    findings: Findings,
    bottleneck: str | None,
    on_paper: Mapping[str, float],
) -> str:
    rate = said_load(document)
    if not document["stable"]:
        return f"does not hold {rate}: {_what_gives_way(document, findings, bottleneck, on_paper)}"
    utilization = ""
    if bottleneck is not None:
        busy = document["components"][bottleneck]["utilization"] or 0.0
        utilization = f"; {bottleneck} is the busiest at {_share(busy)}"
    failed = [row for row in rows if row["status"] == "fail"]
    if failed:
        what = f"{failed[0]['metric']} {failed[0]['threshold']}"
        more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
        return f"does not meet {what}{more} at {rate}{utilization}"
    unsure = [row for row in rows if row["status"] == "unsure"]
    if unsure:
        close = next((row for row in unsure if not without_a_failure(row)), unsure[0])
        why = "too few requests to tell" if without_a_failure(close) else "too close to call"
        more = f" and {len(unsure) - 1} more" if len(unsure) > 1 else ""
        return f"{why} at {rate}: {close['metric']} {close['threshold']}{more}{utilization}"
    return f"holds {rate}{_though_some_fail(document, rows)}{utilization}"


def unjudged_failures(document: Document) -> float | None:
    """The share of requests that fail, if that is a good part and no objective judges it."""
    judged = {row["metric"].rpartition(".")[2] for row in document["objectives"]}
    measured = document["metrics"]["errors"]["rate"]
    failing = measured["value"] or 0.0 if measured is not None else 0.0
    if failing < FAILING or judged & {"errors", "availability", "goodput"}:
        return None
    return float(failing)


def _though_some_fail(document: Document, rows: Sequence[Document]) -> str:
    failing = unjudged_failures({**document, "objectives": rows})
    if failing is None:
        return ""
    return f", though {failing:.1%} of the requests fail and no objective is about that"


def _share(value: float) -> str:
    return "less than 1%" if 0.0 < value < 0.005 else f"{value:.0%}"


def without_a_failure(row: Document) -> bool:
    """Whether a share is at its best, so that only the number of requests leaves a doubt."""
    words = row["metric"].split(".")
    best = 1.0 if "availability" in words else 0.0 if "errors" in words else None
    return best is not None and row["value"] == best


def _what_gives_way(
    document: Document, findings: Findings, bottleneck: str | None, on_paper: Mapping[str, float]
) -> str:
    components = document["components"]
    name = max(
        findings.unstable,
        key=lambda item: (components[item]["utilization"] or 0.0, on_paper.get(item, 0.0)),
        default=bottleneck,
    )
    overload = on_paper.get(name or "", 0.0)
    if name is not None and overload >= 1.0:
        rest = ", and turns the rest away" if document["sheds"] else ""
        capacity = _capacity(document, overload)
        return f"{name} saturates at {capacity} (ρ = {told_ratio(overload)}){rest}"
    # Where no queue grows, the busiest component is not to blame: requests wait somewhere else,
    # or the run is shorter than a wave that all of them follow.
    what = f"the backlog of {name}" if findings.unstable else "the number of requests in flight"
    since_s = findings.calm.since_fault_s
    if since_s is not None:
        return f"{what} still grows {since_s:.3g} s after the fault"
    return f"{what} keeps growing"


def _capacity(document: Document, overload: float) -> str:
    """The load at which a component is full, if all of the load grows alike."""
    if document["load_beside"] or not document["load"]:
        return f"{1.0 / overload:.3g} times that"
    return f"{_spoken(document['rate'] * document['cells'] / overload)} rps"


def _warnings(document: Document, findings: Findings) -> list[str]:
    run = document["run"]
    found = [
        f"partial result: a replication ended early ({ending})"
        for ending in run["endings"]
        if ending != "complete"
    ]
    if not findings.steady and document["stable"]:
        found.append(findings.warmup_sentence)
    if findings.calm.empty:
        found.append("a fault leaves no time to see whether a backlog would grow without it")
    latency = document["metrics"]["latency"]
    if latency is not None and latency.get("p99.9") is None:
        found.append(
            "p99.9 is not shown: it takes a million measured requests (--requests 1.2M), "
            f"this run has {grouped(run['requests'])}"
        )
    if latency is not None and latency["mean"]["value"] == 0.0 and not _recorded(document):
        found.append(
            "latency is 0: every request is answered at once, and what is done for it afterwards "
            "is not in it; `record: NAME` as the last of those steps measures when it is done"
        )
    if run["in_flight"]:
        noun = "request" if run["in_flight"] == 1 else "requests"
        found.append(f"{run['in_flight']} {noun} had no answer when the run ended")
    found += [
        f"{name} went to {reach:.3g} times the range (lengths, batches) that its step times were "
        "measured in: they are extrapolated"
        for name, reach in _outside_calibration(findings)
    ]
    # Laws are laws of steady states.
    off = [row for row in document["crosscheck"] if row["status"] == "off" and document["stable"]]
    found += [
        f"{row['component']}: {row['check']} is off by {row['residual']:.1%}"
        for row in off
        if row["residual"] is not None
    ]
    return found


def _recorded(document: Document) -> bool:
    """Whether the design measures times of its own."""
    names = set(document["metrics"]) - {"latency", "ttft", "tpot"}
    return any("p50" in (document["metrics"][name] or {}) for name in names)


def _outside_calibration(findings: Findings) -> list[tuple[str, float]]:
    """Components whose steps went beyond what was measured, and how many times the range."""
    recordings = [window.recording for window in findings.windows]
    reached = {
        name: max(
            float(recording.meters[name]["outside_calibration"][-1]) for recording in recordings
        )
        for name, meters in recordings[0].meters.items()
        if "outside_calibration" in meters
    }
    return [(name, reach) for name, reach in reached.items() if reach > 0.0]


def _spoken(rate: float) -> str:
    return f"{rate:.3g}" if rate < 1000 else grouped(int(float(f"{rate:.4g}")))
