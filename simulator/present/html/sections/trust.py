"""Whether the figures can be believed."""

from collections.abc import Sequence

from simulator.present.html.blocks import Block, DataTable, Document, Finding, FindingList, Report
from simulator.present.html.section import Section
from simulator.present.numbers import count, percent, seconds, things

COLUMNS = ("mean", "p50", "p90", "p95", "p99", "p99.9")

NEGLIGIBLE = 5e-5
"""A residual, as a share, that only rounding explains."""


class Trust(Section):
    """Steadiness, intervals, agreement with theory, and limits that were hit."""

    name = "trust"
    title = "Can I trust this?"
    order = 100

    def blocks(self, report: Report) -> Sequence[Block]:
        blocks: list[Block] = [FindingList(_findings(report.document))]
        blocks += super().blocks(report)
        blocks += _precision(report.document)
        blocks += _crosscheck(report.document)
        return blocks


def _findings(document: Document) -> list[Finding]:
    run = document["run"]
    found = []
    if document["stable"] or document.get("sheds"):
        found.append(Finding("pass", "No backlog grows without end."))
    else:
        sentence = "There is no steady state: percentiles depend on how long the run lasts."
        found.append(Finding("fail", sentence))
    warned = any(text.rstrip(".") == run["warmup"].rstrip(".") for text in document["warnings"])
    found.append(Finding("unsure" if warned else "note", run["warmup"]))
    early = [ending for ending in run["endings"] if ending != "complete"]
    if early:
        sentence = f"A replication ended early ({', '.join(early)}), so this is a partial result."
        found.append(Finding("fail", sentence))
    else:
        found.append(Finding("pass", "Every replication ran to its end; no limit was hit."))
    found.append(_in_flight(run))
    checks = [row for row in document.get("crosscheck", []) if row["status"] in {"ok", "off"}]
    if checks:
        off = sum(row["status"] == "off" for row in checks)
        sentence = f"{len(checks) - off} of {len(checks)} checks against queueing theory hold."
        found.append(Finding("unsure" if off else "pass", sentence))
    for name, notes in (document.get("notes") or {}).items():
        found += [Finding("note", f"{name}: {note}.") for note in notes]
    return found


def _in_flight(run: Document) -> Finding:
    if not run["in_flight"]:
        return Finding("pass", "Every request had an answer when the run ended.")
    share = percent(run["in_flight"] / run["issued"]) if run.get("issued") else ""
    sentence = f"{things(run['in_flight'], 'request')} ({share}) had no answer when the run ended."
    return Finding("note", sentence)


def _precision(document: Document) -> list[DataTable]:
    """The half-width of each interval as a share of its value."""
    rows = [
        (name, *(_half_width(values.get(column)) for column in COLUMNS))
        for name, values in document["metrics"].items()
        if isinstance(values, dict) and isinstance(values.get("p50"), dict)
    ]
    if not rows:
        return []
    caption = (
        f"Precision reached with {things(document['replications'], 'replication')}: "
        "half the 95% interval, as a share of the value. "
        "More replications (-n) or a target (--precision) narrow it."
    )
    return [DataTable(caption, ("metric", *COLUMNS), rows)]


def _half_width(interval: Document | None) -> str:
    if interval is None or interval["low"] is None or not interval["value"]:
        return "–"
    return f"±{percent((interval['high'] - interval['low']) / 2.0 / abs(interval['value']))}"


def _residual(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{100.0 * value:+.3g}%" if abs(value) >= NEGLIGIBLE else "0%"


def _crosscheck(document: Document) -> list[DataTable]:
    checks = [row for row in document.get("crosscheck") or [] if row["status"] != "none"]
    if not checks:
        return []
    rows = []
    for row in checks:
        show = seconds if row["check"] == "mean wait" else count
        residual = _residual(row["residual"])
        rows.append(
            (
                row["component"],
                row["check"],
                show(row["measured"]),
                show(row["expected"]),
                residual,
                row["status"],
                row["note"],
            )
        )
    caption = (
        "Measured against theory. The two laws hold for every station in steady state: one is off "
        "by more than one per cent only if that is more than chance, as few visits are traced. "
        "Formulas of the wait hold under the assumptions in the note; stations that no formula "
        "fits are left out."
    )
    columns = ("component", "check", "measured", "expected", "off by", "status", "note")
    marks = {"ok": "pass", "off": "unsure"}
    return [
        DataTable(
            caption,
            columns,
            rows,
            words=frozenset({1, 5, 6}),
            status=5,
            statuses=[marks.get(row["status"], "") for row in checks],
        )
    ]
