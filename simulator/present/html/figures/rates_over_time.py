"""Requests offered, answered well and failed, over time."""

from simulator.present.html.blocks import Document, Drawing, Report
from simulator.present.html.figure import Figure
from simulator.present.html.theme import BLUE, GREY, VERMILION, axis
from simulator.present.html.time_axis import (
    GROUP,
    centres,
    has_time,
    measured,
    time_layout,
    time_table,
)
from simulator.present.numbers import count, percent

SERIES = (
    ("offered", "offered", GREY, "dot"),
    ("good", "answered well", BLUE, "solid"),
    ("bad", "failed", VERMILION, "dash"),
)


class RatesOverTime(Figure):
    """Lines of what came in and of what became of it."""

    name = "rates-over-time"
    section = "over-time"
    order = 10

    def draw(self, report: Report) -> Drawing | None:
        timeline = report.table("timeline")
        if timeline is None or not has_time(timeline):
            return None
        return Drawing(
            heading=_heading(timeline, report.document),
            caption="Requests a second in one replication, by the time they arrived (offered) and "
            "by the time they ended. A gap between offered and ended that stays is a growing "
            "backlog.",
            table=time_table(
                timeline,
                "Requests a second",
                {label: [count(value) for value in timeline[key]] for key, label, *_ in SERIES},
            ),
            spec={
                "data": [
                    {
                        "type": "scatter",
                        "mode": "lines",
                        "name": label,
                        "x": centres(timeline),
                        "y": timeline[key],
                        "line": {"color": hue, "dash": dashed, "width": 2},
                        "hovertemplate": "%{y:.4~s}/s",
                    }
                    for key, label, hue, dashed in SERIES
                ],
                "layout": time_layout(
                    timeline,
                    yaxis=axis("requests a second", rangemode="tozero", automargin=False),
                ),
            },
            height=260,
            group=GROUP,
        )


def _heading(timeline: Document, document: Document) -> str:
    values = measured(timeline, timeline["offered"])
    offered = sum(values) / len(values) if values else 0.0
    metrics, cells = document["metrics"], document.get("cells") or 1
    good = metrics["goodput"]["value"] / cells
    heading = f"{count(good)} of {count(offered)} offered requests a second are answered well"
    failing = metrics["errors"]["rate"]
    return (
        f"{heading}, {percent(failing['value'])} fail" if failing and failing["value"] else heading
    )
