"""Latency percentiles over time."""

from simulator.present.html.blocks import Document, Drawing, Report, Switch
from simulator.present.html.figure import Figure
from simulator.present.html.theme import (
    BLUE,
    LINEAR,
    LOGARITHMIC,
    ORANGE,
    VERMILION,
    axis,
    translucent,
)
from simulator.present.html.time_axis import (
    GROUP,
    centres,
    has_time,
    measured,
    time_layout,
    time_table,
)
from simulator.present.numbers import seconds

SERIES = (("p50", BLUE, "solid"), ("p95", ORANGE, "dash"), ("p99", VERMILION, "dot"))


class LatencyOverTime(Figure):
    """p50, p95 and p99 of the requests that arrived in each stretch of time."""

    name = "latency-over-time"
    section = "over-time"
    order = 20

    def draw(self, report: Report) -> Drawing | None:
        timeline = report.table("timeline")
        if timeline is None or not has_time(timeline) or not any(timeline["latency"]["p50"]):
            return None
        return Drawing(
            heading=_heading(timeline),
            caption="Percentiles of good answers to requests that arrived in each stretch of time, "
            "all replications together. A percentile is left out where too few requests "
            "lie beyond it, and everywhere if that is so in half of the stretches.",
            table=time_table(
                timeline,
                "Latency",
                {name: [seconds(value) for value in timeline["latency"][name]]
                 for name, *_ in SERIES},
            ),
            spec={
                "data": _traces(timeline),
                "layout": time_layout(
                    timeline,
                    yaxis=axis("latency", tickformat="~s", ticksuffix="s", rangemode="tozero",
                               automargin=False),
                ),
            },
            height=280,
            group=GROUP,
            switches=[
                Switch(
                    "y axis",
                    [("linear", LINEAR), ("logarithmic", LOGARITHMIC)],
                )
            ],
        )  # fmt: skip


def known(timeline: Document) -> list[tuple[str, str, str]]:
    """The percentiles that most stretches of time have enough requests for; the median always."""
    stretches = measured(timeline, [0.0] * (len(timeline["edges"]) - 1))
    return [
        series
        for series in SERIES
        if series == SERIES[0]
        or 2 * len(measured(timeline, timeline["latency"][series[0]])) > len(stretches)
    ]


def _heading(timeline: Document) -> str:
    for name, *_ in reversed(known(timeline)):
        values = measured(timeline, timeline["latency"][name])
        if len(values) > 1:
            return (
                f"{name} lies between {seconds(min(values))} and {seconds(max(values))} "
                "after the warm-up"
            )
    return "Latency over time"


def whole(timeline: Document, name: str) -> bool:
    """Whether the line has no gap: across one, the ground below would be a wedge."""
    return None not in timeline["latency"][name] and None not in timeline["latency"]["p50"]


def _traces(timeline: Document) -> list[Document]:
    times = centres(timeline)
    return [
        {
            "type": "scatter",
            "mode": "lines" if None not in timeline["latency"][name] else "lines+markers",
            "marker": {"size": 4},
            "name": name,
            "x": times,
            "y": timeline["latency"][name],
            "fill": "tonexty" if position and whole(timeline, name) else "none",
            "fillcolor": translucent(hue, 0.14),
            "line": {"color": hue, "dash": dashed, "width": 2},
            "hovertemplate": "%{y:.3s}s",
        }
        for position, (name, hue, dashed) in enumerate(known(timeline))
    ]
