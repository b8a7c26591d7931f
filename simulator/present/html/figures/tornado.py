"""What moves latency, cost and quality most."""

from typing import ClassVar

from simulator.present.html.blocks import DataTable, Document, Drawing, Report
from simulator.present.html.figure import Figure
from simulator.present.html.theme import BLUE, GREY, ORANGE, axis, layout, plain
from simulator.present.studies.sensitivity import strong_of
from simulator.present.studies.words import label_of, value_of

LABEL_MAX = 24


def _short(path: str) -> str:
    """A path as it may be typed: components need not be said."""
    return path.removeprefix("components.")


def _folded(path: str) -> str:
    """A long path on two lines, broken at the dot nearest to its middle."""
    dots = [place for place, letter in enumerate(path) if letter == "."]
    if len(path) <= LABEL_MAX or not dots:
        return plain(path)
    cut = min(dots, key=lambda place: abs(place - len(path) / 2.0)) + 1
    return f"{plain(path[:cut])}<br>{plain(path[cut:])}"


class LatencyTornado(Figure):
    """Bars of the mean effect on p99, the longest on top."""

    name = "tornado-latency"
    section = "sensitivity"
    order = 10
    output: ClassVar[str] = "latency.p99"
    tickformat: ClassVar[str] = "~s"
    suffix: ClassVar[str] = "s"

    def draw(self, report: Report) -> Drawing | None:
        if report.document.get("study") != "sensitivity":
            return None
        every = report.document["effects"].get(self.output, [])
        rows = strong_of(report.document, self.output)
        if not rows:
            return None
        first = rows[0]
        return Drawing(
            heading=f"{_short(first['parameter'])} moves {label_of(self.output)} most: by "
            f"{value_of(self.output, first['strength'])}",
            caption="The mean effect of moving a parameter from its low to its high end (both are "
            "in the data below), the others being anywhere in their ranges (Morris). Orange, to "
            "the right: more of the parameter, more of the outcome; blue, to the left: less. "
            "Whiskers are the standard deviation of the effect: long ones mean that it is "
            "curved, or depends on the other parameters.",
            table=DataTable(
                f"Effects on {label_of(self.output)}",
                ("parameter", "from", "to", "mean effect", "mean absolute effect", "spread"),
                [
                    (
                        row["parameter"],
                        row["low"],
                        row["high"],
                        *(
                            value_of(self.output, row[key])
                            for key in ("effect", "strength", "spread")
                        ),
                    )
                    for row in every
                ],
                words=frozenset({1, 2}),
            ),
            spec={"data": [self._bars(rows)], "layout": self._layout(rows)},
            height=110 + 36 * len(rows),
        )

    def _bars(self, rows: list[Document]) -> Document:
        return {
            "type": "bar",
            "orientation": "h",
            "x": [row["effect"] for row in rows],
            "y": list(range(len(rows))),
            "error_x": {
                "type": "data",
                "array": [row["spread"] for row in rows],
                "thickness": 1,
                "color": GREY,
            },
            "marker": {"color": [ORANGE if row["effect"] > 0 else BLUE for row in rows]},
            "customdata": [plain(f"{row['low']} → {row['high']}") for row in rows],
            "hovertemplate": "%{customdata}: %{x:.3s}<extra></extra>",
        }

    def _layout(self, rows: list[Document]) -> Document:
        return layout(
            xaxis=axis(
                f"effect on {label_of(self.output)}",
                tickformat=self.tickformat,
                ticksuffix=self.suffix,
                zeroline=True,
            ),
            yaxis=axis(
                "",
                tickvals=list(range(len(rows))),
                ticktext=[_folded(_short(row["parameter"])) for row in rows],
                range=[len(rows) - 0.5, -0.5],
            ),
            hovermode="closest",
        )


class CostTornado(LatencyTornado):
    """Bars of the mean effect on cost per hour."""

    name = "tornado-cost"
    order = 20
    output = "cost.per_hour"
    tickformat = "$,~r"
    suffix = ""


class QualityTornado(LatencyTornado):
    """Bars of the mean effect on quality."""

    name = "tornado-quality"
    order = 30
    output = "quality"
    tickformat = ".2~%"
    suffix = ""
