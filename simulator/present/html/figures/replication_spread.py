"""How far independent replications of the same run lie apart."""

from collections.abc import Sequence

from simulator.present.html.blocks import DataTable, Document, Drawing, Report
from simulator.present.html.figure import Figure
from simulator.present.html.theme import BLUE, ORANGE, axis, layout, translucent
from simulator.present.numbers import count, seconds, things

MEASURES = (
    ("p99_s", "p99", "p(99)", ORANGE, "diamond"),
    ("mean_s", "mean", "mean", BLUE, "circle"),
)


class ReplicationSpread(Figure):
    """A dot for each replication, and the interval that comes of them."""

    name = "replication-spread"
    section = "trust"
    order = 10

    def draw(self, report: Report) -> Drawing | None:
        rows = [row for row in report.table("replications") or [] if row["p99_s"] is not None]
        if len(rows) < 2:
            return None
        low, high = min(row["p99_s"] for row in rows), max(row["p99_s"] for row in rows)
        return Drawing(
            heading=f"p(99) lies between {seconds(low)} and {seconds(high)} "
            f"in {things(len(rows), 'replication')}",
            caption="Each dot is one replication with random numbers of its own. The bands are the "
            "95% intervals that the summary reports: they cover the long-run value, not "
            "the dots.",
            table=_table(rows),
            spec={"data": _traces(rows), "layout": _layout(rows, report.document)},
            height=280,
        )


def _traces(rows: Sequence[Document]) -> list[Document]:
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": label,
            "x": [row["replication"] for row in rows],
            "y": [row[field] for row in rows],
            "marker": {"color": hue, "symbol": symbol, "size": 9},
            "hovertemplate": "%{y:.4s}s",
        }
        for field, _, label, hue, symbol in MEASURES
    ]


def _layout(rows: Sequence[Document], document: Document) -> Document:
    latency = document["metrics"]["latency"] or {}
    bands = []
    for _, name, _, hue, _ in MEASURES:
        interval = latency.get(name)
        if interval and interval["low"] is not None and interval["high"] is not None:
            bands.append(
                {"type": "rect", "xref": "paper", "x0": 0, "x1": 1, "y0": interval["low"],
                 "y1": interval["high"], "line": {"width": 0}, "layer": "below",
                 "fillcolor": translucent(hue, 0.3)}
            )  # fmt: skip
    step = max(1, len(rows) // 20)
    return layout(
        xaxis=axis("replication", dtick=step, showgrid=False),
        yaxis=axis("latency", tickformat="~s", ticksuffix="s", rangemode="tozero"),
        shapes=bands,
    )


def _table(rows: Sequence[Document]) -> DataTable:
    body = [
        (str(row["replication"]), count(row["requests"]), seconds(row["mean_s"]),
         seconds(row["p50_s"]), seconds(row["p99_s"]))
        for row in rows
    ]  # fmt: skip
    columns = ("replication", "requests", "mean", "p50", "p99")
    return DataTable("Replications, each by itself", columns, body)
