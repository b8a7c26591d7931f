"""Relative change of the main metrics with paired intervals."""

from simulator.present.html.blocks import DataTable, Document, Drawing, Report
from simulator.present.html.figure import Figure
from simulator.present.html.theme import GREEN, GREY, VERMILION, axis, layout, plain
from simulator.present.studies.compare import headline_rows
from simulator.present.studies.words import change_words, label_of

COLORS = {"better": GREEN, "worse": VERMILION, "same": GREY}
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "pentagon", "star")


class PairedChanges(Figure):
    """One line of points per design; those left and right of 0 are certain changes."""

    name = "paired-changes"
    section = "comparison"
    order = 10

    def draw(self, report: Report) -> Drawing | None:
        if report.document.get("study") != "compare":
            return None
        rows = headline_rows(report.document)
        names = [design["name"] for design in report.document["designs"]][1:]
        shown = [
            row
            for row in rows
            if any(row["changes"][name]["relative"] is not None for name in names)
        ]
        if not shown:
            return None
        return Drawing(
            heading=_heading(shown, names),
            caption="Each point is the change against the baseline, its bar the 95% interval. "
            "Green is better, red is worse; hollow and grey where the bar crosses 0, which is no "
            "difference that is certain.",
            table=DataTable(
                "Changes against the baseline",
                ("metric", *names),
                [
                    (
                        label_of(row["metric"]),
                        *(change_words(row["metric"], row["changes"][name]) for name in names),
                    )
                    for row in shown
                ],
            ),
            spec={
                "data": [
                    _trace(shown, name, place, len(names)) for place, name in enumerate(names)
                ],
                "layout": layout(
                    xaxis=axis("change against the baseline", ticksuffix="%", zeroline=True),
                    yaxis=axis(
                        "",
                        tickvals=list(range(len(shown))),
                        ticktext=[label_of(row["metric"]) for row in shown],
                        range=[len(shown) - 0.5, -0.5],
                    ),
                    hovermode="closest",
                ),
            },
            height=90 + 34 * len(shown) * max(1, len(names) // 2),
        )


def _heading(rows: list[Document], names: list[str]) -> str:
    statuses = [row["changes"][name]["status"] for row in rows for name in names]
    counts = {status: statuses.count(status) for status in ("better", "worse", "same")}
    return ", ".join(f"{count} {status}" for status, count in counts.items() if count) + (
        f" of {len(statuses)} changes"
    )


def _trace(rows: list[Document], name: str, place: int, count: int) -> Document:
    found = [
        (number, row["changes"][name])
        for number, row in enumerate(rows)
        if row["changes"][name]["relative"] is not None
    ]
    shift = 0.0 if count == 1 else 0.5 * (place / (count - 1) - 0.5)
    values = [100.0 * change["relative"]["value"] for _, change in found]
    above = [_arm(change, "high") for _, change in found]
    below = [_arm(change, "low") for _, change in found]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": plain(name),
        "x": values,
        "y": [number + shift for number, _ in found],
        "error_x": {"type": "data", "symmetric": False, "array": above, "arrayminus": below,
                    "thickness": 1.5, "color": GREY, "width": 5},
        "marker": {
            "size": 10,
            "color": [COLORS[change["status"]] for _, change in found],
            "symbol": [
                SYMBOLS[place % len(SYMBOLS)] + ("-open" if change["status"] == "same" else "")
                for _, change in found
            ],
        },
        "hovertemplate": "%{x:.2f}%",
    }  # fmt: skip


def _arm(change: Document, end: str) -> float:
    relative = change["relative"]
    if relative[end] is None:
        return 0.0
    return 100.0 * abs(float(relative[end]) - float(relative["value"]))
