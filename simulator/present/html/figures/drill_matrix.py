"""What every fault did to every component, as a map."""

from collections.abc import Callable
from math import log10

from simulator.present.drill import as_usual, lost_work, recovery_of, slower_times
from simulator.present.html.blocks import DataTable, Document, Drawing, Report, Switch
from simulator.present.html.figure import Figure
from simulator.present.html.theme import axis, layout, plain
from simulator.present.numbers import percent, seconds, things

FAULTS = ("down", "10x slow", "50% errors", "flush", "3x spike")
STATUSES = ("unaffected", "degraded", "outage", "stays broken")
SLOWEST = 2.0
"""Logarithm of the ratio of p99 from which a cell has the brightest colour."""
NAME = 24

Shade = Callable[[Document], float | None]
Words = Callable[[Document], str]


class DrillMatrix(Figure):
    """A heatmap of component and fault; bright is bad."""

    name = "drill-matrix"
    section = "matrix"
    order = 10

    def draw(self, report: Report) -> Drawing | None:
        document = report.document
        if document.get("study") != "drill" or not document["rows"]:
            return None
        cells = {(row["component"], row["fault"]): row for row in document["rows"]}
        components = list(dict.fromkeys(row["component"] for row in document["rows"]))
        faults = [name for name in FAULTS if any(fault == name for _, fault in cells)]
        views: list[tuple[str, float, Shade, Words]] = [
            ("availability during", 1.0, _missing, _available),
            ("p99 against usual", SLOWEST, _slower, _times),
            ("how it ends", len(STATUSES) - 1.0, _status, _ending),
        ]
        traces = [
            {
                "type": "heatmap",
                "x": list(faults),
                "y": [plain(_short(name)) for name in components],
                "z": [[_of(cells.get((name, fault)), shade) for fault in faults]
                      for name in components],
                "text": [[_text(cells.get((name, fault)), words) for fault in faults]
                         for name in components],
                "customdata": [[_hover(cells.get((name, fault))) for fault in faults]
                               for name in components],
                "texttemplate": "%{text}",
                "textfont": {"size": 11.5},
                "hovertemplate": "%{y}, %{x}<br>%{customdata}<extra></extra>",
                "hoverongaps": False,
                "zmin": 0.0,
                "zmax": most,
                "colorscale": "Cividis",
                "showscale": False,
                "xgap": 2,
                "ygap": 2,
                "visible": place == 0,
            }
            for place, (_, most, shade, words) in enumerate(views)
        ]  # fmt: skip
        return Drawing(
            heading=_heading(document),
            caption="Each cell is a run of its own in which this one thing goes wrong, for a fifth "
            "of the run; the worst component is on top, and bright is bad. The p99 is that of the "
            "good answers, against the same run without the fault: requests that fail at once "
            "can make it better. Empty: nothing of the component can fail that way.",
            table=_table(document),
            spec={
                "data": traces,
                "layout": layout(
                    xaxis=axis("", type="category", side="top", showgrid=False, fixedrange=True),
                    yaxis=axis("", type="category", autorange="reversed", showgrid=False,
                               fixedrange=True),
                    hovermode="closest",
                    margin={"l": 60, "r": 8, "t": 30, "b": 8},
                ),
            },
            height=60 + 25 * max(len(components), 4),
            switches=[
                Switch(
                    "colour and text",
                    [
                        (label, {"traces": {"visible": [place == shown for place in range(3)]}})
                        for shown, (label, *_) in enumerate(views)
                    ],
                )
            ],
        )  # fmt: skip


def _heading(document: Document) -> str:
    rows = document["rows"]
    counts = {name: sum(row["status"] == name for row in rows) for name in STATUSES}
    parts = []
    if counts["stays broken"]:
        parts.append(f"{_verb(counts['stays broken'], 'leaves', 'leave')} it broken")
    parts += [
        _verb(counts["outage"], "is an outage while it lasts", "are outages while they last"),
        f"{_verb(counts['degraded'], 'is', 'are')} felt",
        f"{counts['unaffected']} nobody notices",
    ]
    return f"Of {things(len(rows), 'fault')}, {', '.join(parts)}"


def _verb(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def _of(row: Document | None, shade: Shade) -> float | None:
    return None if row is None else shade(row)


def _text(row: Document | None, words: Words) -> str:
    return "" if row is None else words(row)


def _missing(row: Document) -> float:
    return 1.0 - float(row["availability_during"])


def _available(row: Document) -> str:
    return percent(row["availability_during"])


def _slower(row: Document) -> float | None:
    times = slower_times(row)
    return None if times is None else min(max(log10(times), 0.0), SLOWEST)


def _times(row: Document) -> str:
    times = slower_times(row)
    return "no p99" if times is None else f"{times:.3g}x" if times >= 1.05 else as_usual(times)


def _status(row: Document) -> float:
    return float(STATUSES.index(row["status"]))


def _ending(row: Document) -> str:
    return "unaffected" if row["status"] == "unaffected" else recovery_of(row)


def _hover(row: Document | None) -> str:
    if row is None:
        return ""
    return (
        f"available {percent(row['availability_during'])}, p99 {seconds(row['p99_during_s'])} "
        f"instead of {seconds(row['p99_before_s'])}<br>{row['status']}; recovers: "
        f"{recovery_of(row)}"
    )


def _short(name: str) -> str:
    return name if len(name) <= NAME else name[: NAME - 1] + "…"


def _table(document: Document) -> DataTable:
    columns = (
        "component", "fault", "ok without", "ok during", "ok long after", "p99 without",
        "p99 during", "p99 long after", "lost", "recovers in", "status",
    )  # fmt: skip
    marks = {"stays broken": "fail", "outage": "fail", "degraded": "unsure", "unaffected": "pass"}
    rows = document["rows"]
    return DataTable(
        "Every fault, worst first",
        columns,
        [
            (
                row["component"],
                row["fault"],
                percent(row["availability_before"]),
                percent(row["availability_during"]),
                percent(row["availability_after"]),
                seconds(row["p99_before_s"]),
                seconds(row["p99_during_s"]),
                seconds(row["p99_after_s"]),
                percent(lost_work(row)),
                recovery_of(row),
                row["status"],
            )
            for row in rows
        ],
        words=frozenset({1, 10}),
        status=10,
        statuses=[marks[row["status"]] for row in rows],
    )
