"""A metric over what was varied: a curve, a map, or lines across parallel axes."""

from typing import Any

from simulator.present.html.blocks import DataTable, Document, Drawing, Report, Switch
from simulator.present.html.figure import Figure
from simulator.present.html.theme import (
    BLUE,
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
from simulator.present.numbers import seconds
from simulator.present.studies.sweep import verdict_of
from simulator.present.studies.words import setting_words, value_of

STATUS_COLORS = {"pass": BLUE, "unsure": ORANGE}
SERIES_MAX = 8
LINES_MAX = 300


class SweepCurve(Figure):
    """p50 and p99 over the one path that was varied."""

    name = "sweep-curve"
    section = "points"
    order = 10

    def draw(self, report: Report) -> Drawing | None:
        document = report.document
        if document.get("study") != "sweep" or len(document["paths"]) != 1:
            return None
        path = document["paths"][0]
        rows = [row for row in document["rows"] if row["latency.p99"] is not None]
        if len(rows) < 2:
            return None
        places = _places([row[path] for row in rows])
        traces = []
        for name, hue, line in (("latency.p50", SKY, "dot"), ("latency.p99", BLUE, "solid")):
            traces += _band(places, rows, name, hue)
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines+markers",
                    "name": f"p({name[9:]})",
                    "x": places,
                    "y": [row[name] for row in rows],
                    "line": {"color": hue, "dash": line, "width": 2},
                    "marker": {
                        "symbol": ["circle" if row["stable"] else "circle-open" for row in rows]
                    },
                    "hovertemplate": "%{y:.3s}s",
                }
            )
        low, high = (pick(rows, key=lambda row: row["latency.p99"]) for pick in (min, max))
        return Drawing(
            heading=f"p(99) goes from {seconds(low['latency.p99'])} to "
            f"{seconds(high['latency.p99'])} over {path}",
            caption="Each point is a run from the same seed, with its 95% interval. Points "
            "without a steady state are hollow: their latency depends on the length of the run.",
            table=_table(document, rows),
            spec={
                "data": traces,
                "layout": layout(
                    xaxis=axis(plain(path)),
                    yaxis=axis("latency", tickformat="~s", ticksuffix="s", rangemode="tozero"),
                ),
            },
            height=380,
            switches=[
                Switch(
                    "y axis",
                    [("linear", LINEAR), ("logarithmic", LOGARITHMIC)],
                )
            ],
        )


class SweepMap(Figure):
    """p99 as a map over the two paths that were varied."""

    name = "sweep-map"
    section = "points"
    order = 20

    def draw(self, report: Report) -> Drawing | None:
        document = report.document
        if document.get("study") != "sweep" or len(document["paths"]) != 2:
            return None
        across, up = document["paths"]
        rows = document["rows"]
        columns = list(dict.fromkeys(row[across] for row in rows))
        lines = list(dict.fromkeys(row[up] for row in rows))
        cells = {(row[across], row[up]): row for row in rows}
        if len(columns) * len(lines) != len(cells):
            return None
        values = [[cells[x, y]["latency.p99"] for x in columns] for y in lines]
        return Drawing(
            heading=f"p(99) over {across} and {up}",
            caption="Dark is fast. The text in a cell is the p(99), and whether the point meets "
            "the objectives: ✓ yes, ✗ no, ? not certain.",
            table=_table(document, rows),
            spec={
                "data": [
                    {
                        "type": "heatmap",
                        "x": [plain(str(value)) for value in columns],
                        "y": [plain(str(value)) for value in lines],
                        "z": values,
                        "text": [[_cell(cells[x, y]) for x in columns] for y in lines],
                        "texttemplate": "%{text}",
                        "colorscale": "Cividis",
                        "colorbar": {
                            "title": {"text": "p(99)"},
                            "tickformat": "~s",
                            "ticksuffix": "s",
                        },
                        "hovertemplate": "%{x}, %{y}: %{z:.3s}s<extra></extra>",
                    }
                ],
                "layout": layout(
                    xaxis=axis(plain(across), type="category"),
                    yaxis=axis(plain(up), type="category"),
                    hovermode="closest",
                ),
            },
            height=120 + 44 * max(4, len(lines)),
        )


class SweepParallel(Figure):
    """A line per point across one axis per path and one for p99, each scaled to its range."""

    name = "sweep-parallel"
    section = "points"
    order = 30

    def draw(self, report: Report) -> Drawing | None:
        document = report.document
        grid = len(document["paths"]) == 2 if document.get("study") == "sweep" else True
        if document.get("study") != "sweep" or len(document["paths"]) < 2:
            return None
        rows = [row for row in document["rows"] if row["latency.p99"] is not None][:LINES_MAX]
        if not rows or (grid and SweepMap().draw(report) is not None):
            return None
        names = [*document["paths"], "latency.p99", "cost.per_hour"]
        scaled = [_scaled([row[name] for row in rows]) for name in names]
        ends = [_ends([row[name] for row in rows], name) for name in names]
        traces = [
            {
                "type": "scatter",
                "mode": "lines",
                "x": list(range(len(names))),
                "y": [axis_values[place] for axis_values in scaled],
                "line": {"color": STATUS_COLORS.get(row["status"], VERMILION), "width": 1.2,
                         "dash": "solid" if row["status"] == "pass" else "dot"},
                "opacity": 0.6,
                "hoverinfo": "skip",
                "showlegend": False,
            }
            for place, row in enumerate(rows)
        ]  # fmt: skip
        return Drawing(
            heading=verdict_of(document),
            caption="One line per point, from axis to axis; each axis goes from the lowest value "
            "(bottom) to the highest (top). Solid blue lines meet the objectives, dotted ones do "
            "not: red for certain, orange perhaps.",
            table=_table(document, rows),
            spec={
                "data": traces,
                "layout": layout(
                    xaxis=axis(
                        "",
                        tickvals=list(range(len(names))),
                        range=[-0.4, len(names) - 0.6],
                        tickangle=0,
                        tickfont={"size": 11},
                        ticktext=[f"{_folded(name)}<br>{_lines(end)}" for name, end in
                                  zip(names, ends, strict=True)],
                    ),
                    yaxis=axis("", showticklabels=False),
                    hovermode=False,
                ),
            },
            height=420,
        )  # fmt: skip


def _band(places: list[Any], rows: list[Document], name: str, hue: str) -> list[Document]:
    if any(row[f"{name}_low"] is None or row[f"{name}_high"] is None for row in rows):
        return []
    edge = {"type": "scatter", "x": places, "mode": "lines", "line": {"width": 0},
            "hoverinfo": "skip", "showlegend": False}  # fmt: skip
    return [
        {**edge, "y": [row[f"{name}_low"] for row in rows]},
        {
            **edge,
            "y": [row[f"{name}_high"] for row in rows],
            "fill": "tonexty",
            "fillcolor": translucent(hue, 0.2),
        },
    ]


def _places(values: list[Any]) -> list[Any]:
    """Numbers as they are, words as categories."""
    numeric = all(isinstance(value, int | float) for value in values)
    return values if numeric else [plain(str(value)) for value in values]


def _scaled(values: list[Any]) -> list[float]:
    if not all(isinstance(value, int | float) for value in values):
        order = list(dict.fromkeys(values))
        values = [order.index(value) for value in values]
    low, high = min(values), max(values)
    return [(value - low) / (high - low) if high > low else 0.5 for value in values]


def _lines(text: str) -> str:
    return "<br>".join(plain(line) for line in text.split("\n"))


def _folded(path: str) -> str:
    """A path on as many lines as it has parts, so that neighbours fit on a narrow screen."""
    return "<br>".join(plain(part) for part in path.removeprefix("components.").split("."))


def _ends(values: list[Any], name: str) -> str:
    if not all(isinstance(value, int | float) for value in values):
        order = list(dict.fromkeys(values))
        return f"{order[0]} …\n{order[-1]}"
    low, high = min(values), max(values)
    if name in ("latency.p99", "cost.per_hour"):
        # Two dollar signs in a text would be read as a formula.
        return f"{value_of(name, low)} …\n{value_of(name, high).lstrip('$')}"
    return f"{low:g} …\n{high:g}"


def _cell(row: Document) -> str:
    mark = {"pass": "✓", "unsure": "?"}.get(row["status"], "✗")
    return f"{seconds(row['latency.p99'])} {mark}"


def _table(document: Document, rows: list[Document]) -> DataTable:
    return DataTable(
        "p(50) and p(99) by point",
        ("point", "p(50)", "p(99)", "status"),
        [
            (
                setting_words({path: row[path] for path in document["paths"]}),
                seconds(row["latency.p50"]),
                seconds(row["latency.p99"]),
                row["status"],
            )
            for row in rows
        ],
        words=frozenset({3}),
    )
