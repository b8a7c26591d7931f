"""How busy every component was, over time."""

from simulator.present.html.blocks import Drawing, Report
from simulator.present.html.figure import Figure
from simulator.present.html.theme import axis, plain
from simulator.present.html.time_axis import (
    GROUP,
    centres,
    has_time,
    measured,
    time_layout,
    time_table,
)
from simulator.present.numbers import percent

SHOWN = 30
LABEL = 20
"""Longest name of a component, in characters, that fits beside the axis."""


class UtilizationOverTime(Figure):
    """A heatmap with a row for each component, busiest first."""

    name = "utilization-over-time"
    section = "over-time"
    order = 40

    def draw(self, report: Report) -> Drawing | None:
        timeline = report.table("timeline")
        if timeline is None or not has_time(timeline) or not timeline["utilization"]:
            return None
        means = {}
        for name, row in timeline["utilization"].items():
            values = measured(timeline, row)
            means[name] = sum(values) / len(values) if values else 0.0
        names = sorted(means, key=lambda name: -means[name])[:SHOWN]
        columns = {
            name: [percent(value) for value in timeline["utilization"][name]] for name in names
        }
        return Drawing(
            heading=f"{names[0]} is the busiest, {percent(means[names[0]])} of its servers at work",
            caption="Share of servers at work in each stretch of time, averaged over replications, "
            "busiest component first. Waits grow fast from some 80% on. Dotted lines "
            "are where warm-up and faults begin and end.",
            table=time_table(timeline, "Utilization", dict(columns)),
            spec={
                "data": [
                    {
                        "type": "heatmap",
                        "x": centres(timeline),
                        "y": [plain(_short(name)) for name in names],
                        "z": [timeline["utilization"][name] for name in names],
                        "zmin": 0,
                        "zmax": 1,
                        "colorscale": "Cividis",
                        "ygap": 1,
                        "colorbar": {
                            "tickformat": ".0%",
                            "thickness": 10,
                            "outlinewidth": 0,
                            "x": 1.0,
                            "xpad": 8,
                            "tickfont": {"size": 11},
                        },
                        "hovertemplate": "%{y}: %{z:.1%}<extra></extra>",
                    }
                ],
                "layout": time_layout(
                    timeline,
                    yaxis=axis(
                        "",
                        autorange="reversed",
                        automargin=False,
                        showgrid=False,
                        tickfont={"size": 11},
                    ),
                    covered=True,
                    hovermode="closest",
                ),
            },
            height=90 + 20 * max(len(names), 4),
            group=GROUP,
        )


def _short(name: str) -> str:
    return name if len(name) <= LABEL else name[: LABEL - 1] + "…"
