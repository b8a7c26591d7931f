"""How the worst case of a drill went, before, during and after the fault."""

from itertools import pairwise

from simulator.present.drill import recovery_of
from simulator.present.html.blocks import DataTable, Document, Drawing, Report
from simulator.present.html.figure import Figure
from simulator.present.html.theme import GREY, VERMILION, axis, layout, plain, translucent
from simulator.present.html.time_axis import unit_of
from simulator.present.numbers import percent, seconds

TOP, BOTTOM = "y", "y2"


class DrillCourse(Figure):
    """Availability and median latency of the worst case, beside the run without a fault."""

    name = "drill-course"
    section = "course"
    order = 10
    place = 0

    def draw(self, report: Report) -> Drawing | None:
        cases = (report.document.get("over_time") or {}).get("cases", ())
        if self.place >= len(cases):
            return None
        return course(report.document, cases[self.place])


class DrillCourse2(DrillCourse):
    """The worst case of another fault."""

    name = "drill-course-2"
    order = 20
    place = 1


class DrillCourse3(DrillCourse):
    """The worst case of a third fault."""

    name = "drill-course-3"
    order = 30
    place = 2


def course(document: Document, case: Document) -> Drawing:
    """A case over time in two panels, the fault as a band."""
    over_time, phases = document["over_time"], document["phases"]
    edges = over_time["edges"]
    size, unit = unit_of(edges)
    span = phases["fault_begins_s"] / size, phases["fault_ends_s"] / size
    middles = [(left + right) / 2.0 / size for left, right in pairwise(edges)]
    row = next(
        row for row in document["rows"]
        if (row["component"], row["fault"]) == (case["component"], case["fault"])
    )  # fmt: skip
    traces = []
    for name, values, hue, dash in (
        ("without the fault", over_time["without_fault"], GREY, "dot"),
        (f"{case['component']} {case['fault']}", case, VERMILION, "solid"),
    ):
        for panel, key, shown in (
            (TOP, "availability", "%{y:.1%}"),
            (BOTTOM, "median_s", "%{y:.3s}s"),
        ):
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "name": plain(name),
                    "legendgroup": name,
                    "showlegend": panel == TOP,
                    "x": middles,
                    "y": values[key],
                    "yaxis": panel,
                    "line": {"color": hue, "dash": dash, "width": 2},
                    "hovertemplate": shown,
                }
            )
    return Drawing(
        heading=f"{row['sentence'][:1].upper()}{row['sentence'][1:]}",
        caption="Share of the requests that are answered well (above) and median latency of all "
        "answers (below), by the time the requests arrived. The band is the fault. Worst case "
        f"of its kind; it {_end(row)}.",
        table=_table(case, over_time),
        spec={
            "data": traces,
            "layout": layout(
                xaxis={**axis("time in the run", range=[edges[0] / size, edges[-1] / size],
                            ticksuffix=unit),
                       "anchor": BOTTOM},
                yaxis=axis("answered well", domain=[0.55, 1.0], range=[-0.04, 1.06],
                           tickformat=".0%"),
                yaxis2=axis("median latency", domain=[0.0, 0.45], rangemode="tozero",
                            tickformat="~s", ticksuffix="s"),
                shapes=[_band(*span)],
                annotations=[
                    {"x": span[0], "y": 0.65, "yref": "paper", "showarrow": False,
                     "text": plain(case["fault"]), "xanchor": "left", "yanchor": "middle",
                     "font": {"size": 11}}
                ],
                margin={"l": 72, "r": 16, "t": 8, "b": 44},
            ),
        },
        height=340,
    )  # fmt: skip


def _band(begin: float, end: float) -> Document:
    return {"type": "rect", "yref": "paper", "y0": 0, "y1": 1, "x0": begin, "x1": end,
            "fillcolor": translucent(VERMILION, 0.15), "line": {"width": 0},
            "layer": "below"}  # fmt: skip


def _end(row: Document) -> str:
    found = recovery_of(row)
    if row["stays_broken"]:
        return "stays broken after the fault is gone"
    return {"at once": "recovers at once", "not yet": "is not back by the end"}.get(
        found, f"takes {found} to recover"
    )


def _table(case: Document, over_time: Document) -> DataTable:
    usual = over_time["without_fault"]
    rows = [
        (
            seconds(over_time["edges"][number]),
            percent(usual["availability"][number]),
            percent(case["availability"][number]),
            seconds(usual["median_s"][number]),
            seconds(case["median_s"][number]),
        )
        for number in range(len(case["availability"]))
    ]
    return DataTable(
        f"{case['component']} {case['fault']}, by time of arrival",
        ("from", "ok without", "ok with", "median without", "median with"),
        rows,
    )
