"""Single figures of a finished run, by the words that claims use: ``components.db.wait.p99``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.metrics.components import component_document
from simulator.metrics.confidence import scalar_interval
from simulator.metrics.derived import derived_samples
from simulator.metrics.quality import marked_kinds
from simulator.metrics.summary import Question, metrics_document
from simulator.metrics.window import Window
from simulator.studies.run import RunResult

Document = dict[str, Any]

HOURS = {"cost.per_day": 24.0, "cost.per_year": 8760.0}
BREAKDOWN = "breakdown"
"""Asks for the split among components of the latency of the first class of requests."""
_PERCENTILE = re.compile(r"p\(?(?P<number>[0-9]+(?:\.[0-9]+)?)\)?")


@dataclass(frozen=True)
class Reading:
    """A figure: its value, a 95 % interval (None: not known) and its value by replication."""

    value: float | None
    low: float | None = None
    high: float | None = None
    each: tuple[float, ...] = ()
    reason: str = ""


def read_words(result: RunResult, words: Sequence[str]) -> dict[str, Reading]:
    """The readings of a run by word."""
    reader = _Reader(result)
    return {word: reader.read(word) for word in words if word != BREAKDOWN}


def read_document(document: Document, word: str) -> Reading:
    """A figure of the document of a run, without values by replication."""
    found = _walk(document, _path(word))
    scale = HOURS.get(".".join(word.split(".")[-2:]), 1.0)
    if isinstance(found, bool):
        return Reading(float(found))
    if isinstance(found, int | float):
        return Reading(scale * found)
    if isinstance(found, dict) and found.get("value") is not None:
        low, high = found.get("low"), found.get("high")
        return Reading(
            scale * found["value"],
            None if low is None else scale * low,
            None if high is None else scale * high,
        )
    return Reading(None, reason=f"the run has no `{word}`")


def _path(word: str) -> list[str]:
    """The keys under which a document has the figure that a word means."""
    parts = []
    for part in _split(word):
        match = _PERCENTILE.fullmatch(part)
        parts.append(f"p{float(match['number']):g}" if match else part)
    if parts[-2:] in (["cost", "per_day"], ["cost", "per_year"]):
        parts[-1] = "per_hour"
    first = parts[0]
    if first == "errors" and parts[1:] != ["rate"] and len(parts) == 2:
        parts = ["errors", "outcomes", parts[1]]
    elif first == "availability" and len(parts) == 1:
        parts = ["availability", "rate"]
    elif first == "errors" and len(parts) == 1:
        parts = ["errors", "rate"]
    if first == "paper" and len(parts) == 3:
        return ["paper", "utilization", parts[1]]
    if first == "classes":
        return parts[:2] + _path(".".join(parts[2:]))[1:]
    return parts if first in ("components", "paper", "stable") else ["metrics", *parts]


def _split(word: str) -> list[str]:
    return re.findall(r"p\([0-9.]+\)|p[0-9]+\.[0-9]+(?![A-Za-z_])|[^.]+", word)


def _walk(document: Any, path: Sequence[str]) -> Any:
    for key in path:
        if not isinstance(document, dict) or key not in document:
            return None
        document = document[key]
    return document


def _aggregate(values: Any, name: str) -> float:
    if not len(values):
        return float("nan")
    match = _PERCENTILE.fullmatch(name)
    return float(np.quantile(values, float(match["number"]) / 100) if match else values.mean())


class _Reader:
    """Takes figures from a run; what replications say by themselves is computed when asked for."""

    def __init__(self, result: RunResult) -> None:
        self.document: Document = {
            **result.document,
            "paper": {
                "capacity_rps": result.paper.capacity_rps,
                "utilization": result.paper.utilizations(),
            },
        }
        self.windows: list[Window] = result.findings.windows
        topology = result.topology
        self.question = Question(
            cells=topology.cells,
            derived={name: (part.inside, part.outside) for name, part in topology.metrics.items()},
            marked=marked_kinds(self.windows),
        )
        self.kinds = list(topology.requests)
        self.outcomes = result.recordings[0].outcomes
        self.parts: dict[tuple[int, str], Document] = {}

    def read(self, word: str) -> Reading:
        """One figure with its interval and its values by replication."""
        parts = word.split(".")
        if parts[0] == "components" and parts[2:3] == ["meters"]:
            return self._meter(parts[1], parts[3], parts[4] if len(parts) > 4 else "mean")
        reading = read_document(self.document, word)
        if reading.value is None and word.split(".")[-1] in self.outcomes:
            reading = Reading(0.0)
        if reading.value is None:
            reading = self._unusual_percentile(word)
        if reading.value is None or parts[0] in ("paper", "stable"):
            return reading
        if _split(word)[-1] == "max":
            return reading
        each = tuple(self._in_replication(number, word) for number in range(len(self.windows)))
        if not each or not np.isfinite(each).all():
            return reading
        if reading.low is None or reading.high is None:
            arm = scalar_interval(each).half_width
            if np.isfinite(arm):
                return Reading(reading.value, reading.value - arm, reading.value + arm, each)
        return Reading(reading.value, reading.low, reading.high, each)

    def _unusual_percentile(self, word: str) -> Reading:
        """A percentile that reports do not show, such as p(75)."""
        parts = _split(word)
        match = _PERCENTILE.fullmatch(parts[-1])
        if match is None or parts[0] == "components":
            return read_document(self.document, word)
        wanted = float(match["number"]) / 100.0
        question = Question(
            cells=self.question.cells, derived=self.question.derived, percentiles=(wanted,)
        )
        kind = self.kinds.index(parts[1]) if parts[0] == "classes" else None
        metrics = metrics_document(self.windows, question, kind)
        rest = parts[2:] if parts[0] == "classes" else parts
        found = read_document({"metrics": metrics}, ".".join(rest))
        if found.value is None:
            return Reading(None, reason="too few requests for this percentile")
        return found

    def _in_replication(self, number: int, word: str) -> float:
        """The figure in one replication by itself; not a number if it has none."""
        parts = _split(word)
        window = self.windows[number]
        if parts[0] == "components":
            key = (number, parts[1])
            if key not in self.parts:
                document = component_document([window], parts[1])
                self.parts[key] = {"components": {parts[1]: document}}
            value = read_document(self.parts[key], word).value
            return float("nan") if value is None else value
        kind = None
        if parts[0] == "classes":
            kind, parts = self.kinds.index(parts[1]), parts[2:]
        values = self._values(window, parts[0], kind)
        if values is not None:
            return _aggregate(values, parts[-1])
        return self._counted(window, parts, kind)

    def _values(self, window: Window, metric: str, kind: int | None) -> Any:
        """Values of a metric over requests; None if it is not of that sort."""
        good = window.of_kind(kind, good=True)
        if metric in ("latency", "ttft", "tpot"):
            values = window.requests[metric][good].astype(np.float64)
            return values[~np.isnan(values)]
        derived = self.question.derived or {}
        if metric in derived:
            return derived_samples([window], {metric: derived[metric]}, kind)[metric][0]
        if metric in window.recording.metrics:
            table = window.recording.samples
            keep = table["metric"] == window.recording.metrics.index(metric)
            return table["value"][keep & (table["at"] >= window.cut_s)]
        return None

    def _counted(self, window: Window, parts: Sequence[str], kind: int | None) -> float:
        """Metrics that count requests or dollars, from the document of one replication."""
        if parts[0] in ("throughput", "goodput"):
            mask = window.of_kind(kind, good=parts[0] == "goodput")
            return float(self.question.cells * mask.sum() / window.span_s)
        key = (id(window), f"class {kind}")
        if key not in self.parts:
            plain = Question(cells=self.question.cells, marked=self.question.marked)
            self.parts[key] = {"metrics": metrics_document([window], plain, kind)}
        value = read_document(self.parts[key], ".".join(parts)).value
        return float("nan") if value is None else value

    def _meter(self, component: str, meter: str, how: str) -> Reading:
        """A reading over time: its mean, largest and last value, or its growth."""
        each = []
        for window in self.windows:
            values = window.recording.meters.get(component, {}).get(meter)
            if values is None or not len(values):
                return Reading(None, reason=f"`{component}` has no meter `{meter}`")
            after = values[window.first_edge :]
            each.append(
                float(
                    {
                        "mean": after.mean(),
                        "max": values.max(),
                        "end": values[-1],
                        "growth": after[-1] - after[0],
                    }[how]
                )
            )
        if how == "max":
            return Reading(max(each), min(each), max(each), tuple(each))
        interval = scalar_interval(each)
        known = np.isfinite(interval.low)
        return Reading(
            interval.value,
            interval.low if known else None,
            interval.high if known else None,
            tuple(each),
        )


def refused_share(document: dict[str, Any], of_class: str | None = None) -> float:
    """Share of the requests, or of those of a class, that were turned away."""
    block = document["metrics"] if of_class is None else document["classes"][of_class]
    outcomes = block["errors"]["outcomes"]
    return float(sum(share for name, share in outcomes.items() if name.startswith("rejected")))
