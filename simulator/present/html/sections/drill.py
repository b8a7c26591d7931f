"""The sections of the page of a drill."""

from collections.abc import Sequence

from simulator.present.drill import capital
from simulator.present.html.blocks import Block, DataTable, Document, Prose, Report, Tile, Tiles
from simulator.present.html.section import Section
from simulator.present.numbers import percent, seconds

DRILL = frozenset({"drill"})
TOLD = 12


class Worst(Section):
    """What to worry about, and what would help."""

    name = "worst"
    title = "Worst cases"
    order = 5
    pages = DRILL

    def blocks(self, report: Report) -> Sequence[Block]:
        lessons = report.document["lessons"]
        if not lessons:
            return [Prose(["Users notice none of the faults that were tried."])]
        return [_tiles(report.document), _told(lessons)]


class Matrix(Section):
    """Every component through every fault."""

    name = "matrix"
    title = "Component by fault"
    order = 10
    pages = DRILL


class Course(Section):
    """The worst case of each fault over time."""

    name = "course"
    title = "Over time"
    order = 20
    pages = DRILL


def _tiles(document: Document) -> Tiles:
    rows = document["rows"]
    worst = rows[0]
    felt = [row for row in rows if row["status"] != "unaffected"]
    slowest = max((row["recovery_s"] or 0.0 for row in felt), default=0.0)
    return Tiles(
        [
            Tile(
                "stay broken after the fault",
                f"{document['stays_broken']} of {len(rows)}",
                "metastable: only a change from outside helps",
                "fail" if document["stays_broken"] else "pass",
            ),
            Tile(
                "outages while it lasts",
                f"{sum(row['status'] == 'outage' for row in rows)} of {len(rows)}",
                "less than half the requests succeed",
            ),
            Tile(
                "worst case",
                f"{percent(worst['availability_during'])} available",
                f"{worst['component']} {worst['fault']}",
            ),
            Tile(
                "slowest recovery",
                seconds(slowest) if slowest else "at once",
                "of those that recover by themselves",
            ),
        ]
    )


def _told(lessons: Sequence[Document]) -> DataTable:
    shown = lessons[:TOLD]
    more = f" The {TOLD} worst of {len(lessons)}." if len(lessons) > TOLD else ""
    return DataTable(
        caption=f"What an engineer would say, and the policy that would help.{more}",
        columns=("fault", "what happens", "what would help"),
        rows=[
            (lesson["fault"], f"{capital(lesson['sentence'])}.", f"{capital(lesson['remedy'])}.")
            for lesson in shown
        ],
        words=frozenset({1, 2}),
        stacked=True,
    )
