"""Latency over the offered rate."""

from collections.abc import Sequence

from simulator.present.html.blocks import Block, DataTable, Report
from simulator.present.html.section import Section
from simulator.present.numbers import count
from simulator.present.studies.capacity import COLUMNS
from simulator.present.studies.words import label_of, value_of


class Capacity(Section):
    """The curve with its knee, and the table of all rates that were run."""

    name = "capacity"
    title = "Capacity"
    order = 20
    pages = frozenset({"capacity"})

    def blocks(self, report: Report) -> Sequence[Block]:
        curve = report.document["curve"]
        statuses = [line["status"] if line["stable"] else "fail" for line in curve]
        table = DataTable(
            caption="Every rate that was run.",
            columns=("offered rate", *(label_of(name) for name in COLUMNS), "busiest", "status"),
            rows=[
                (
                    f"{count(line['rate'])}/s",
                    *(value_of(name, line[name]) for name in COLUMNS),
                    line["bottleneck"] or "–",
                    line["status"] if line["stable"] else "no steady state",
                )
                for line in curve
            ],
            words=frozenset({len(COLUMNS) + 1, len(COLUMNS) + 2}),
            status=len(COLUMNS) + 2,
            statuses=statuses,
        )
        return [*super().blocks(report), table]
