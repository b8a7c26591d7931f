"""Limits on a change, for pull requests: ``latency.p(99):+5%``."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from simulator.metrics.estimates import QUANTILES
from simulator.metrics.spread import Document
from simulator.studies.errors import StudyError
from simulator.topology.overlay import closest

_GATE = re.compile(r"\s*(?P<metric>[\w.()]+)\s*:\s*(?P<sign>[+-])(?P<share>\d+(?:\.\d+)?)%\s*")
_SHORT = {
    "errors": "errors.rate", "availability": "availability.rate", "cost": "cost.per_hour",
    "quality.mean": "quality",
}  # fmt: skip


@dataclass(frozen=True)
class Gate:
    """A metric, and the relative change beyond which a comparison fails.

    ``+5%`` fails on a rise of more than 5 %, ``-5%`` on a fall of more than 5 %.
    """

    metric: str
    limit: float
    text: str


def parse_gate(text: str) -> Gate:
    """Read ``latency.p(99):+5%``; raises StudyError."""
    match = _GATE.fullmatch(text)
    if match is None:
        raise StudyError(f"--fail: cannot read `{text}`", "write it like 'latency.p(99):+5%'")
    metric = re.sub(r"p\((\d+(?:\.\d+)?)\)", r"p\1", match["metric"])
    percentile = metric.rpartition(".")[2]
    if re.fullmatch(r"p[0-9.]+", percentile) and percentile not in QUANTILES:
        known = ", ".join(f"p({name[1:]})" for name in QUANTILES)
        raise StudyError(f"--fail: a comparison has no `{metric}`", f"percentiles: {known}")
    limit = float(match["share"]) / 100.0
    return Gate(_SHORT.get(metric, metric), limit if match["sign"] == "+" else -limit, text.strip())


def refuse_unknown(gates: Sequence[Gate], known: Collection[str]) -> None:
    """Raise StudyError for a gate on what no design has, before any of them is run."""
    for gate in gates:
        words = gate.metric.split(".")
        if set(known).isdisjoint(words):
            hint = closest(words[0], known) or f"known: {', '.join(sorted(known))}"
            raise StudyError(f"--fail: there is no metric `{gate.metric}`", hint)


def judge_gates(
    gates: Sequence[Gate], rows: Sequence[Document], names: Sequence[str]
) -> list[Document]:
    """Each gate with each design: fail if the whole interval is beyond, pass if none of it is.

    Raises StudyError for a metric that the comparison does not have.
    """
    by_metric = {row["metric"]: row for row in rows}
    judged = []
    for gate in gates:
        row = by_metric.get(gate.metric)
        if row is None:
            hint = closest(gate.metric, by_metric) or f"known: {', '.join(by_metric)}"
            raise StudyError(f"--fail: there is no metric `{gate.metric}`", hint)
        for name in names:
            change = row["changes"][name]
            judged.append(
                {
                    "gate": gate.text,
                    "metric": gate.metric,
                    "design": name,
                    "change": change["relative"],
                    "measured": change,
                    "status": _status(gate, change),
                }
            )
    return judged


def _status(gate: Gate, change: Document) -> str:
    relative = change["relative"]
    if relative is None:
        # Of nothing there are no per cent: any change for the worse is too much, if it is certain.
        if _beyond(gate, change["value"], 0.0):
            ends = [change[end] for end in ("low", "high") if change[end] is not None]
            return "fail" if all(_beyond(gate, end, 0.0) for end in ends) else "unsure"
        return "pass"
    ends = [
        relative["value"] if relative[end] is None else relative[end] for end in ("low", "high")
    ]
    beyond = [_beyond(gate, end, gate.limit) for end in ends]
    if all(beyond):
        return "fail"
    return "unsure" if any(beyond) else "pass"


def _beyond(gate: Gate, change: float, limit: float) -> bool:
    return change > limit if gate.limit >= 0 else change < limit
