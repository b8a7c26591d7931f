"""The latency of typical and of slow requests, split among components."""

from collections.abc import Sequence

from simulator.present.html.blocks import DataTable, Document, Drawing, Report
from simulator.present.html.figure import Figure
from simulator.present.html.theme import GREY, axis, color, layout, plain
from simulator.present.numbers import percent, seconds

NAMED = 6
OTHERS = "others"
HATCH = {"shape": "/", "size": 7, "solidity": 0.3, "fillmode": "overlay",
         "fgcolor": "rgba(255,255,255,0.8)"}  # fmt: skip


class TimeByComponent(Figure):
    """A bar for each percentile, stacked by component, waiting hatched."""

    name = "time-by-component"
    section = "where"
    order = 10

    def draw(self, report: Report) -> Drawing | None:
        rows = report.table("breakdown")
        if rows is None:
            return None
        names = _named(rows)
        return Drawing(
            heading=_heading(rows[-1]),
            caption="Each bar is the mean latency of the traced requests around a percentile, "
            "split along the path that the client waited for: of calls made in parallel only the "
            "last to end counts. Hatched is waiting for a server, plain is everything else.",
            table=_table(rows),
            spec={
                "data": _traces(rows, names),
                "layout": layout(
                    barmode="stack",
                    hovermode="closest",
                    xaxis=axis("latency", tickformat="~s", ticksuffix="s", rangemode="tozero"),
                    yaxis=axis("", autorange="reversed", showgrid=False),
                    bargap=0.3,
                    uniformtext={"minsize": 11, "mode": "hide"},
                ),
            },
            height=300,
        )


def _named(rows: Sequence[Document]) -> list[str]:
    """Components that get a colour: those with the most time in any of the bars, most first."""
    largest: dict[str, float] = {}
    for row in rows:
        for part in row["parts"]:
            share = (part["wait_s"] + part["own_s"]) / (row["latency_s"] or 1.0)
            largest[part["component"]] = max(largest.get(part["component"], 0.0), share)
    return sorted(largest, key=lambda name: -largest[name])[:NAMED]


def _heading(row: Document) -> str:
    part = row["parts"][0]
    total = part["wait_s"] + part["own_s"]
    share = percent(total / row["latency_s"]) if row["latency_s"] else "0%"
    waiting = percent(part["wait_s"] / total) if total else "0%"
    kind = (
        f", {waiting} of it waiting" if part["wait_s"] > 0.005 * total else ", none of it waiting"
    )
    return f"{part['component']} holds {share} of the time at {row['at']}{kind}"


def _traces(rows: Sequence[Document], names: Sequence[str]) -> list[Document]:
    bars = [f"{row['at']}  {seconds(row['latency_s'])}" for row in rows]
    traces: list[Document] = []
    for position, name in enumerate([*names, OTHERS]):
        for field, label in (("own_s", ""), ("wait_s", " (waiting)")):
            values = [_sum(row, name, names, field) for row in rows]
            if max(values) <= 0.0:
                continue
            shares = [
                percent(value / row["latency_s"]) if row["latency_s"] else "0%"
                for value, row in zip(values, rows, strict=True)
            ]
            hatch = HATCH if field == "wait_s" else {}
            traces.append(
                {
                    "type": "bar",
                    "orientation": "h",
                    "name": plain(name + label),
                    "x": values,
                    "y": bars,
                    "customdata": shares,
                    "marker": {
                        "color": GREY if name == OTHERS else color(position),
                        "pattern": hatch,
                    },
                    "text": [plain(name)] * len(rows),
                    "textposition": "inside",
                    "insidetextanchor": "middle",
                    "textangle": 0,
                    "hovertemplate": "%{y}<br>%{fullData.name}: %{x:.3s}s, %{customdata}"
                    "<extra></extra>",
                }
            )
    return traces


def _sum(row: Document, name: str, names: Sequence[str], field: str) -> float:
    if name == OTHERS:
        return sum(float(part[field]) for part in row["parts"] if part["component"] not in names)
    return sum(float(part[field]) for part in row["parts"] if part["component"] == name)


def _table(rows: Sequence[Document]) -> DataTable:
    columns = ["component"]
    for row in rows:
        columns += [f"{row['at']} waiting", f"{row['at']} other", f"of {row['at']}"]
    names = dict.fromkeys(part["component"] for row in reversed(rows) for part in row["parts"])
    body = []
    for name in names:
        cells = [name]
        for row in rows:
            wait, own = _sum(row, name, (), "wait_s"), _sum(row, name, (), "own_s")
            share = (wait + own) / row["latency_s"] if row["latency_s"] else 0.0
            cells += [seconds(wait), seconds(own), percent(share)]
        body.append(cells)
    return DataTable("Time by component, largest at the highest percentile first", columns, body)
