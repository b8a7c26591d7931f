"""Latency over the offered rate: the measured curve, theory, the objectives and today."""

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
    SKY,
    VERMILION,
    axis,
    layout,
    plain,
    translucent,
)
from simulator.present.numbers import count, seconds
from simulator.present.studies.capacity import verdict_of
from simulator.quantities import parse_threshold

LINES = (
    ("latency.p50", SKY, "dot"),
    ("latency.p95", ORANGE, "dash"),
    ("latency.p99", BLUE, "solid"),
)

ROOM = 2.2
"""How far the y axis goes on above the highest curve or bound, for the names of the rates."""
LEFT = 0.35
"""Share of the x axis up to which a name stands to the right of its line."""


class Knee(Figure):
    """Percentiles over the rate, with the interval of the capacity as a band."""

    name = "knee"
    section = "capacity"
    order = 10

    def draw(self, report: Report) -> Drawing | None:
        document = report.document
        if document.get("study") != "capacity":
            return None
        curve = [line for line in document["curve"] if line["latency.p99"] is not None]
        if len(curve) < 2:
            return None
        return Drawing(
            heading=verdict_of(document)[:1].upper() + verdict_of(document)[1:],
            caption="Latency of good answers over the offered rate. The shaded band is the 95% "
            "interval of the capacity, the dotted line the mean on paper (M/M/c at every "
            "component, all times added up). Rates without a steady state are hollow: their "
            "latency depends on the length of the run.",
            table=DataTable(
                "Latency by offered rate",
                ("offered rate", "p(50)", "p(95)", "p(99)"),
                [
                    (f"{count(line['rate'])}/s", *(seconds(line[name]) for name, _, _ in LINES))
                    for line in curve
                ],
            ),
            spec={"data": _traces(document, curve), "layout": _layout(document, curve)},
            height=420,
            switches=[
                Switch(
                    "y axis",
                    [("logarithmic", LOGARITHMIC), ("linear", LINEAR)],
                )
            ],
        )


def _traces(document: Document, curve: list[Document]) -> list[Document]:
    rates = [line["rate"] for line in curve]
    traces: list[Document] = []
    for name, color, dash in LINES:
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": f"p({name[9:]})",
                "x": rates,
                "y": [line[name] for line in curve],
                "line": {"color": color, "dash": dash, "width": 2},
                "marker": {
                    "symbol": ["circle" if line["stable"] else "circle-open" for line in curve]
                },
                "hovertemplate": "%{y:.3s}s",
            }
        )
    # Room above the curves for the names of the lines; autorange takes the point in.
    traces.append(
        {
            "type": "scatter", "mode": "markers", "x": rates[:1], "y": [ROOM * _highest(document)],
            "marker": {"opacity": 0}, "hoverinfo": "skip", "showlegend": False,
        }
    )  # fmt: skip
    # A text of a trace, unlike an annotation, stays in its place when the axis is switched.
    traces += [
        {"type": "scatter", "mode": "text", "x": [0.0], "y": [bound], "text": [plain(text)],
         "textposition": "bottom right", "hoverinfo": "skip", "showlegend": False}
        for text, bound in _bounds(document)
    ]  # fmt: skip
    theory = document["theory"]
    if theory:
        top = max(line["latency.p99"] for line in curve)
        kept = [row for row in theory if row["latency.mean"] <= top]
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": "mean on paper",
                "x": [row["rate"] for row in kept],
                "y": [row["latency.mean"] for row in kept],
                "line": {"color": GREY, "dash": "dot", "width": 1.5},
                "hovertemplate": "%{y:.3s}s",
            }
        )
    return traces


def _bounds(document: Document) -> list[tuple[str, float]]:
    """Objectives of latency and their bounds."""
    found = []
    for text in document["objectives"]:
        name, _, expression = text.partition(": ")
        if name.rpartition(".")[2] == "latency":
            found.append((text, parse_threshold(expression).bound))
    return found


def _highest(document: Document) -> float:
    values: list[float] = [
        line["latency.p99"] for line in document["curve"] if line["latency.p99"] is not None
    ]
    return max([*values, *(bound for _, bound in _bounds(document))])


def _layout(document: Document, curve: list[Document]) -> Document:
    rightmost = max(line["rate"] for line in curve)
    shapes: list[Document] = []
    notes: list[Document] = []
    found = document["capacity"]
    if found["low"] is not None and found["high"] is not None:
        shapes.append(
            {"type": "rect", "yref": "paper", "y0": 0, "y1": 1, "x0": found["low"],
             "x1": found["high"], "line": {"width": 0}, "fillcolor": translucent(GREEN, 0.2)}
        )  # fmt: skip
    marks = [("capacity", found["value"], GREEN), ("today", document["rate"], GREY),
             ("knee", document["knee"], ORANGE), ("saturation", document["ceiling_on_paper"],
                                                  VERMILION)]  # fmt: skip
    for row, (name, rate, color) in enumerate(marks):
        if rate is None:
            continue
        shapes.append(
            {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": rate, "x1": rate,
             "line": {"color": color, "width": 1.5, "dash": "dash"}}
        )  # fmt: skip
        notes.append(
            {"text": f"{name} {count(rate)}/s", "x": rate, "yref": "paper", "y": 0.98 - 0.07 * row,
             "showarrow": False, "xanchor": "left" if rate < LEFT * rightmost else "right",
             "font": {"size": 12}}
        )  # fmt: skip
    for _, bound in _bounds(document):
        shapes.append(
            {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": bound,
             "y1": bound, "line": {"color": VERMILION, "width": 1, "dash": "dot"}}
        )  # fmt: skip
    return layout(
        xaxis=axis("offered rate", ticksuffix="/s", rangemode="tozero"),
        yaxis=axis("latency", tickformat="~s", ticksuffix="s", type="log", **DOUBLING),
        shapes=shapes,
        annotations=notes,
    )
