"""Queue lengths over time."""

from collections.abc import Sequence

from simulator.present.html.blocks import Document, Drawing, Report
from simulator.present.html.figure import Figure
from simulator.present.html.theme import axis, color, dash, plain
from simulator.present.html.time_axis import (
    GROUP,
    centres,
    has_time,
    measured,
    time_layout,
    time_table,
)
from simulator.present.numbers import count

SHOWN = 6


class QueuesOverTime(Figure):
    """A line for each of the components with the longest queues."""

    name = "queues-over-time"
    section = "over-time"
    order = 30

    def draw(self, report: Report) -> Drawing | None:
        timeline = report.table("timeline")
        if timeline is None or not has_time(timeline) or not timeline["queue"]:
            return None
        means = {name: _mean(measured(timeline, row)) for name, row in timeline["queue"].items()}
        waited = [name for name in means if max(timeline["queue"][name]) > 0.0]
        names = sorted(waited, key=lambda name: -means[name])[:SHOWN]
        if not names:
            return None
        times = centres(timeline)
        highest = max(max(timeline["queue"][name]) for name in names)
        # Less than one waiting is next to nothing, and should look like it.
        scale = {"range": [0.0, 1.0]} if highest < 1.0 else {"rangemode": "tozero"}
        return Drawing(
            heading=_heading(names, means),
            caption="Mean number of requests waiting at each component in each stretch of time, "
            "averaged over replications; the components with the longest queues are shown.",
            table=time_table(
                timeline,
                "Mean queue length",
                {name: [count(value) for value in timeline["queue"][name]] for name in names},
            ),
            spec={
                "data": [
                    {
                        "type": "scatter",
                        "mode": "lines",
                        "name": plain(name),
                        "x": times,
                        "y": timeline["queue"][name],
                        "line": {"color": color(position), "dash": dash(position), "width": 2},
                        "hovertemplate": "%{y:.3~r}",
                    }
                    for position, name in enumerate(names)
                ],
                "layout": time_layout(
                    timeline,
                    yaxis=axis("waiting", automargin=False, **scale),
                ),
            },
            height=260,
            group=GROUP,
        )


def _heading(names: Sequence[str], means: Document) -> str:
    longest = names[0]
    if means[longest] < 0.01:
        return "No queue builds up anywhere"
    return f"The longest queue is at {longest}: {count(means[longest])} waiting on average"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
