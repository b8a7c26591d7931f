"""What each component costs."""

from collections.abc import Sequence

from simulator.present.html.blocks import DataTable, Drawing, Report
from simulator.present.html.figure import Figure
from simulator.present.html.theme import BLUE, ORANGE, axis, layout, plain
from simulator.present.numbers import dollars, percent

SHOWN = 10

Row = tuple[str, float, float]


class CostByComponent(Figure):
    """A bar for each component that costs anything: running cost and cost of use."""

    name = "cost-by-component"
    section = "cost"
    order = 10

    def draw(self, report: Report) -> Drawing | None:
        rows = _rows(report)
        if not rows:
            return None
        total = sum(running + usage for _, running, usage in rows)
        shown = rows[:SHOWN]
        rest = rows[SHOWN:]
        if rest:
            shown = [
                *shown,
                (f"{len(rest)} others", sum(r[1] for r in rest), sum(r[2] for r in rest)),
            ]
        name, running, usage = rows[0]
        return Drawing(
            heading=f"{name} is {percent((running + usage) / total)} of {dollars(total)} an hour",
            caption="Running cost is paid for capacity, used or not; cost of use is paid for each "
            "call, token or byte.",
            table=_table(rows, total),
            spec={
                "data": _traces(shown),
                "layout": layout(
                    barmode="stack",
                    hovermode="y unified",
                    xaxis=axis("dollars an hour", tickprefix="$", rangemode="tozero"),
                    yaxis=axis("", autorange="reversed", showgrid=False),
                    legend={**layout()["legend"], "traceorder": "normal"},
                ),
            },
            height=110 + 26 * len(shown),
        )


def _rows(report: Report) -> list[Row]:
    """Dollars an hour by component, (running, use), dearest first; all cells together."""
    cells = report.document.get("cells") or 1
    rows = [
        (
            name,
            cells * float(component["cost"]["running_per_hour"]),
            cells * float(component["cost"]["usage_per_hour"]),
        )
        for name, component in report.document["components"].items()
    ]
    return sorted((row for row in rows if row[1] + row[2] > 0.0), key=lambda row: -row[1] - row[2])


def _traces(rows: Sequence[Row]) -> list[dict[str, object]]:
    names = [f"{plain(name)}  {dollars(running + usage)}" for name, running, usage in rows]
    series = (("running", 1, BLUE), ("use", 2, ORANGE))
    return [
        {
            "type": "bar",
            "orientation": "h",
            "name": label,
            "x": [row[position] for row in rows],
            "y": names,
            "marker": {"color": hue},
            "hovertemplate": "$%{x:.4~s}/h",
        }
        for label, position, hue in series
        if any(row[position] for row in rows)
    ]


def _table(rows: Sequence[Row], total: float) -> DataTable:
    body = [
        (name, dollars(running), dollars(usage), dollars(running + usage),
         percent((running + usage) / total))
        for name, running, usage in rows
    ]  # fmt: skip
    columns = ("component", "running per hour", "use per hour", "together", "share")
    return DataTable("Cost by component", columns, body)
