"""How long answers take."""

from collections.abc import Sequence

from simulator.present.html.blocks import Block, DataTable, Document, Report
from simulator.present.html.section import Section
from simulator.present.numbers import percent, plus_minus, seconds

COLUMNS = ("mean", "p50", "p90", "p95", "p99", "p99.9")


class Latency(Section):
    """The percentile spectrum, every latency metric, and what became of the requests."""

    name = "latency"
    title = "Latency"
    order = 30

    def blocks(self, report: Report) -> Sequence[Block]:
        blocks: list[Block] = [*super().blocks(report)]
        blocks += _metrics(report.document)
        blocks += _outcomes(report.document)
        return blocks


def _metrics(document: Document) -> list[DataTable]:
    """Mean and percentiles of each metric that is a time, of all requests and of each class."""
    rows = [
        (name, *_cells(values))
        for name, values in document["metrics"].items()
        if _is_spread(values)
    ]
    if len(document["classes"]) > 1:
        rows += [
            (f"{kind}: {name}", *_cells(values))
            for kind, metrics in document["classes"].items()
            for name, values in metrics.items()
            if _is_spread(values)
        ]
    if not rows:
        return []
    caption = (
        "Times of good answers, with the half-width of the 95% interval of the mean and of each "
        "percentile. A dash: too few requests to say."
    )
    return [DataTable(caption, ("metric", *COLUMNS), rows)]


def _is_spread(values: object) -> bool:
    return isinstance(values, dict) and isinstance(values.get("p50"), dict)


def _cells(values: Document) -> list[str]:
    cells = []
    for name in COLUMNS:
        interval = values.get(name)
        if interval is None:
            cells.append("–")
        else:
            text = f"{seconds(interval['value'])} {plus_minus('latency', interval)}"
            cells.append(text.strip())
    return cells


def _outcomes(document: Document) -> list[DataTable]:
    """Shares of outcomes, a row for all requests and one for each class."""
    groups = {"all requests": document["metrics"]}
    if len(document["classes"]) > 1:
        groups |= document["classes"]
    shares = {name: metrics["errors"]["outcomes"] for name, metrics in groups.items()}
    names = list(dict.fromkeys(outcome for row in shares.values() for outcome in row))
    if not names:
        return []
    rows = [
        (group, *(percent(row.get(outcome, 0.0)) for outcome in names))
        for group, row in shares.items()
    ]
    caption = "Outcomes, as shares of all requests that arrived after the warm-up and ended."
    return [DataTable(caption, ("requests", *(name.replace("_", " ") for name in names)), rows)]
