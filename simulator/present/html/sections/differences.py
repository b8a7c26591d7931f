"""What is different between the documents of the designs."""

from collections.abc import Sequence

from simulator.present.html.blocks import Block, DataTable, Report
from simulator.present.html.section import Section
from simulator.present.studies.compare import change_rows, plan_line

WORDS = {"+": "+ added", "-": "− removed", "~": "~ changed"}


class Differences(Section):
    """A table of changed values for each design, compared with the baseline."""

    name = "differences"
    title = "What is different"
    order = 20
    pages = frozenset({"compare"})

    def blocks(self, report: Report) -> Sequence[Block]:
        document = report.document
        return [
            DataTable(
                caption=f"{document['baseline']} → {name}: {plan_line(changes)}",
                columns=("path", "change", "values"),
                rows=[(where, WORDS[sign], what) for sign, where, what in change_rows(changes)],
                words=frozenset({1, 2}),
                stacked=True,
            )
            for name, changes in document["changes"].items()
        ]
