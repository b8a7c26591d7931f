"""The points of a sweep, or the candidates of a sizing."""

from collections.abc import Sequence

from simulator.present.html.blocks import Block, DataTable, Document, Report
from simulator.present.html.section import Section
from simulator.present.studies.size import candidate_row
from simulator.present.studies.sweep import COLUMNS, status_of
from simulator.present.studies.words import label_of, value_of

SHOWN = 1000


class Points(Section):
    """Figures over what was varied, and the table."""

    name = "points"
    title = "Points"
    order = 20
    pages = frozenset({"sweep", "size"})

    def blocks(self, report: Report) -> Sequence[Block]:
        document = report.document
        table = _sweep(document) if document["study"] == "sweep" else _size(document)
        return [*super().blocks(report), table]


def _sweep(document: Document) -> DataTable:
    paths, rows = document["paths"], document["rows"][:SHOWN]
    more = len(document["rows"]) - len(rows)
    return DataTable(
        caption="Every point that was run." + (f" {more} more are in the data." if more else ""),
        columns=(*paths, *(label_of(name) for name in COLUMNS), "busiest", "status"),
        rows=[
            (
                *(str(row[path]) for path in paths),
                *(value_of(name, row[name]) for name in COLUMNS),
                row["bottleneck"] or "–",
                status_of(row, document),
            )
            for row in rows
        ],
        words=frozenset({len(paths) + len(COLUMNS), len(paths) + len(COLUMNS) + 1}),
        status=len(paths) + len(COLUMNS) + 1,
        statuses=["fail" if row["status"] == "unstable" else row["status"] for row in rows],
    )


def _size(document: Document) -> DataTable:
    paths, items = document["paths"], document["candidates"][:SHOWN]
    return DataTable(
        caption="All configurations, cheapest first."
        + (" What is no cheaper than the winner was not run." if document["winner"] else ""),
        columns=(*paths, "cost", "ρ on paper", "latency p(99)", "status"),
        rows=[candidate_row(item, paths) for item in items],
        words=frozenset({len(paths) + 3}),
        status=len(paths) + 3,
        statuses=[item["status"] if item["status"] in ("pass", "fail", "unsure") else ""
                  for item in items],
    )  # fmt: skip
