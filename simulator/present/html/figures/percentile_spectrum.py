"""Latency against percentile, on an axis that gives the tail its room."""

from collections.abc import Sequence
from typing import NamedTuple

from simulator.present.html.blocks import DataTable, Document, Drawing, Report, Switch
from simulator.present.html.figure import Figure
from simulator.present.html.theme import (
    BLUE,
    DOUBLING,
    GREEN,
    GREY,
    LINEAR,
    LOGARITHMIC,
    ORANGE,
    VERMILION,
    axis,
    color,
    dash,
    layout,
    plain,
    translucent,
)
from simulator.present.numbers import count, percent, seconds
from simulator.quantities import parse_threshold

TICKS = {0.0: "p0", 0.30103: "p50", 1.0: "p90", 1.30103: "p95", 2.0: "p99", 3.0: "p99.9",
         4.0: "p99.99", 5.0: "p99.999"}  # fmt: skip
SHOWN_CLASSES = 6
KEPT = {"pass": (GREEN, "triangle-down"), "unsure": (ORANGE, "diamond"), "fail": (VERMILION, "x")}
"""Colour and sign of a threshold by its verdict."""
FLAT = 4.0
"""A threshold so many times the slowest answer would press the curves to the ground."""


class Limit(NamedTuple):
    """A threshold: its text, place on the axis of nines, bound and verdict."""

    label: str
    nines: float
    bound_s: float
    status: str


class PercentileSpectrum(Figure):
    """One line per class of requests, an interval band, and the thresholds."""

    name = "percentile-spectrum"
    section = "latency"
    order = 10

    def draw(self, report: Report) -> Drawing | None:
        rows = report.table("spectrum")
        if rows is None:
            return None
        shown = rows[: 1 + SHOWN_CLASSES]
        limits = latency_limits(report.document)
        switch = [("linear", LINEAR), ("logarithmic", LOGARITHMIC)]
        if squeezed(shown, limits):
            switch.reverse()
        return Drawing(
            heading=_heading(report.document),
            caption="Read it from a percentile on the x axis: this share of good answers came "
            "within the time on the y axis. Each step to the right is ten times rarer. The band is "
            "the 95% interval, where enough requests lie beyond. Marks are thresholds: a triangle "
            "is kept, a cross is not, a diamond is not certain.",
            table=_table(shown),
            spec={"data": _traces(shown, limits), "layout": _layout(shown, limits)},
            height=400,
            switches=[Switch("y axis", switch)],
        )


def squeezed(rows: Sequence[Document], limits: Sequence[Limit]) -> bool:
    """Whether the thresholds lie so far above the curves that an even axis shows only them."""
    slowest: float = max(row["value"][-1] for row in rows)
    return max((limit.bound_s for limit in limits), default=0.0) > FLAT * slowest


def latency_limits(document: Document) -> list[Limit]:
    """Thresholds on percentiles of the latency."""
    found = []
    for row in document.get("objectives") or []:
        if row["metric"].rpartition(".")[2] != "latency":
            continue
        threshold = parse_threshold(row["threshold"])
        if threshold.percentile is not None and threshold.percentile < 100.0:
            label = f"{row['metric']} {row['threshold']}"
            place = _nines(threshold.percentile / 100.0)
            found.append(Limit(label, place, threshold.bound, row["status"]))
    return found


def _nines(p: float) -> float:
    from math import log10

    return -log10(1.0 - p)


def _heading(document: Document) -> str:
    latency = document["metrics"]["latency"]
    if latency is None:
        return "No request was answered well"
    return (
        f"Half of the good answers come within {seconds(latency['p50']['value'])}, "
        f"99% within {seconds(latency['p99']['value'])}"
    )


def _traces(rows: Sequence[Document], limits: Sequence[Limit]) -> list[Document]:
    traces: list[Document] = []
    band = rows[0].get("band")
    if band and band["nines"]:
        edge = {"x": band["nines"], "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
        traces.append({**edge, "type": "scatter", "y": band["low"], "showlegend": False})
        traces.append(
            {
                **edge,
                "type": "scatter",
                "y": band["high"],
                "fill": "tonexty",
                "fillcolor": translucent(BLUE, 0.25),
                "name": "95% interval",
            }
        )
    for position, row in enumerate(rows):
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": plain(row["name"]),
                "x": row["nines"],
                "y": row["value"],
                "customdata": [percent(1.0 - 10.0**-nines) for nines in row["nines"]],
                "line": {"color": color(position), "dash": dash(position), "width": 2},
                "hovertemplate": "%{y:.3s}s",
            }
        )
    for label, nines, bound, status in limits:
        hue, sign = KEPT.get(status, (GREY, "circle"))
        traces.append(
            {
                "type": "scatter",
                "mode": "markers+text",
                "name": plain(label),
                "x": [nines],
                "y": [bound],
                "text": [plain(label)],
                "textposition": "top left",
                "marker": {"symbol": sign, "size": 10, "color": hue},
                "showlegend": False,
                "hovertemplate": "threshold %{y:.3s}s",
            }
        )
    return traces


def _layout(rows: Sequence[Document], limits: Sequence[Limit]) -> Document:
    last = max(row["nines"][-1] for row in rows)
    ticks = {nines: name for nines, name in TICKS.items() if nines <= last + 0.01}
    lines = [
        {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": limit.bound_s,
         "y1": limit.bound_s, "line": {"color": GREY, "width": 1, "dash": "dot"}}
        for limit in limits
    ]  # fmt: skip
    return layout(
        xaxis=axis(
            "percentile of good answers", tickvals=list(ticks), ticktext=list(ticks.values())
        ),
        yaxis=axis(
            "latency",
            tickformat="~s",
            ticksuffix="s",
            rangemode="tozero",
            **({"type": "log", **DOUBLING} if squeezed(rows, limits) else {}),
        ),
        shapes=lines,
    )


def _table(rows: Sequence[Document]) -> DataTable:
    """The curves where the axis has a tick, and where they end."""
    names = [row["name"] for row in rows]
    last = max(row["nines"][-1] for row in rows)
    body = []
    for nines, tick in TICKS.items():
        if nines <= last + 1e-6:
            body.append((tick, *(_at(row, nines) for row in rows)))
    body.append(("requests", *(count(row["count"]) for row in rows)))
    return DataTable("Latency by percentile", ("percentile", *names), body)


def _at(row: Document, nines: float) -> str:
    """The value at a place on the axis, between the two nearest points."""
    places, values = row["nines"], row["value"]
    for position in range(1, len(places)):
        left, right = places[position - 1], places[position]
        if nines <= right + 1e-6:
            part = (nines - left) / (right - left) if right > left else 1.0
            return seconds(values[position - 1] + part * (values[position] - values[position - 1]))
    return "–"
