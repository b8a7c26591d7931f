"""Cost against latency, with the line of what nothing beats."""

from collections.abc import Sequence
from typing import NamedTuple

from simulator.present.html.blocks import DataTable, Document, Drawing, Report
from simulator.present.html.figure import Figure
from simulator.present.html.theme import BLUE, GREY, ORANGE, VERMILION, axis, layout, plain
from simulator.present.numbers import dollars, percent, seconds
from simulator.present.studies.words import setting_words

STATUS_COLORS = {"pass": BLUE, "fail": VERMILION, "unsure": ORANGE}
NAMED_MAX = 6
ROOM = 1.2
"""How far the axis of latency goes on above the slowest."""
NEAR = 0.05
"""Marks closer than this share of the axis have one label."""


class Option(NamedTuple):
    """One design or point: what it costs, how slow and how good it is."""

    name: str
    cost: float
    latency_s: float
    quality: float | None
    status: str


class Pareto(Figure):
    """A point per design; the size of the mark falls with quality."""

    name = "pareto"
    section = "trade-offs"
    order = 10

    def draw(self, report: Report) -> Drawing | None:
        options = options_of(report.document)
        if len(options) < 2:
            return None
        compared = report.document["study"] == "compare"
        best = (
            [option for option in options if option.name in report.document["pareto"]]
            if compared
            else unbeaten([option for option in options if option.status != "fail"])
        )
        axes = f"latency, {'errors, ' if compared else ''}cost and quality"
        return Drawing(
            heading=f"{len(best)} of {len(options)} {'is' if len(best) == 1 else 'are'} beaten by "
            f"no other in {axes}",
            caption=_caption(report.document),
            table=DataTable(
                "Latency, cost and quality",
                ("design", "cost per hour", "latency p(99)", "quality", "beaten by none"),
                [
                    (
                        option.name,
                        dollars(option.cost),
                        seconds(option.latency_s),
                        percent(option.quality),
                        "yes" if option in best else "no",
                    )
                    for option in options
                ],
                words=frozenset({4}),
            ),
            spec={
                "data": [_line(best), _marks(options)],
                "layout": layout(
                    xaxis=axis("cost per hour", tickprefix="$", rangemode="tozero"),
                    yaxis=axis(
                        "latency p(99)",
                        tickformat="~s",
                        ticksuffix="s",
                        # Names stand above their marks.
                        range=[0.0, ROOM * max(option.latency_s for option in options)],
                    ),
                    hovermode="closest",
                    showlegend=False,
                ),
            },
            height=400,
        )


def _caption(document: Document) -> str:
    if document["study"] == "compare":
        return (
            "Left and low is good; a larger mark is a better quality. The line joins what no other "
            "beats for certain in latency, errors, cost and quality; the changes above have the "
            "intervals."
        )
    return (
        "Left and low is good; a larger mark is a better quality. The line joins what no other "
        "beats in all of latency, cost and quality, by the estimates alone; what misses an "
        "objective (red) is left out of it, however fast its few good answers are."
    )


def options_of(document: Document) -> list[Option]:
    """Designs, points or candidates with a measured p99 and cost."""
    study = document.get("study")
    found: list[tuple[str, Document, str]] = []
    if study == "compare":
        rows = {row["metric"]: row["values"] for row in document["rows"]}
        for design in document["designs"]:
            values = {metric: row[design["name"]] for metric, row in rows.items()}
            found.append((design["name"], values, design["verdict"]["status"]))
    elif study == "sweep" and not {"rps", "rate"} & set(document["paths"]):
        for row in document["rows"]:
            name = setting_words({path: row[path] for path in document["paths"]})
            found.append((name, row, row["status"]))
    elif study == "size":
        for item in document["candidates"]:
            if "latency.p99" in item:
                values = {"latency.p99": item["latency.p99"]["value"],
                          "cost.per_hour": item["cost_per_hour"]["value"]}  # fmt: skip
                found.append((setting_words(item["settings"]), values, item["status"]))
    return [
        Option(name, values["cost.per_hour"], values["latency.p99"], values.get("quality"), status)
        for name, values, status in found
        if values.get("cost.per_hour") is not None and values.get("latency.p99") is not None
    ]


def unbeaten(options: Sequence[Option]) -> list[Option]:
    """The Pareto set of the estimates, the cheapest first."""
    best = [option for option in options if not any(_beats(other, option) for other in options)]
    return sorted(best, key=lambda option: (option.cost, option.latency_s))


def _beats(a: Option, b: Option) -> bool:
    pairs = [(a.cost, b.cost), (a.latency_s, b.latency_s), (-(a.quality or 0), -(b.quality or 0))]
    return all(x <= y for x, y in pairs) and any(x < y for x, y in pairs)


def _line(best: Sequence[Option]) -> Document:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [option.cost for option in best],
        "y": [option.latency_s for option in best],
        "line": {"color": GREY, "dash": "dot", "width": 1.5},
        "hoverinfo": "skip",
    }


def _labels(options: Sequence[Option], cost: float, latency_s: float) -> list[str]:
    """Names of the marks; those that lie on each other are said together, at the first of them."""
    labels: list[list[str]] = [[] for _ in options]
    for option in options:
        home = next(
            place
            for place, other in enumerate(options)
            if abs(other.cost - option.cost) <= cost
            and abs(other.latency_s - option.latency_s) <= latency_s
        )
        labels[home].append(plain(option.name))
    return [" · ".join(label) for label in labels]


def _marks(options: Sequence[Option]) -> Document:
    named = len(options) <= NAMED_MAX
    dearest = max(option.cost for option in options)
    slowest = max(option.latency_s for option in options)
    return {
        "type": "scatter",
        "mode": "markers+text" if named else "markers",
        "x": [option.cost for option in options],
        "y": [option.latency_s for option in options],
        "text": _labels(options, NEAR * dearest, NEAR * slowest),
        "customdata": [plain(option.name) for option in options],
        # Names at the right edge would be cut off there.
        "textposition": [
            "top left" if option.cost > 0.7 * dearest else "top center" for option in options
        ],
        "cliponaxis": False,
        "marker": {
            "size": [8.0 + 8.0 * (option.quality if option.quality is not None else 1.0)
                     for option in options],
            "color": [STATUS_COLORS.get(option.status, VERMILION) for option in options],
        },
        "hovertemplate": "%{customdata}<br>$%{x:.4g}/h<br>%{y:.3s}s<extra></extra>",
    }  # fmt: skip
