"""Every metric of the designs, and what became of it."""

from collections.abc import Sequence

from simulator.present.html.blocks import Block, DataTable, Report
from simulator.present.html.section import Section
from simulator.present.studies.words import change_words, label_of, value_of


class Comparison(Section):
    """The changes with their intervals, and the table of all metrics."""

    name = "comparison"
    title = "What it changes"
    order = 30
    pages = frozenset({"compare"})

    def blocks(self, report: Report) -> Sequence[Block]:
        document = report.document
        names = [design["name"] for design in document["designs"]]
        rows, statuses = [], []
        for row in document["rows"]:
            changes = [row["changes"][name] for name in names[1:]]
            rows.append(
                (
                    label_of(row["metric"]),
                    *(value_of(row["metric"], row["values"][name]) for name in names),
                    *(change_words(row["metric"], change) for change in changes),
                    ", ".join(change["status"] for change in changes),
                )
            )
            found = {change["status"] for change in changes}
            statuses.append({"better": "pass", "worse": "fail"}.get(found.pop(), "")
                            if len(found) == 1 else "")  # fmt: skip
        table = DataTable(
            caption="Every metric, with 95% intervals of the change, from pairs of replications "
            "that saw the same requests. The same means that the interval holds 0.",
            columns=("metric", *names, *(f"change: {name}" for name in names[1:]), "status"),
            rows=rows,
            words=frozenset({2 * len(names)}),
            status=2 * len(names),
            statuses=statuses,
        )
        return [*super().blocks(report), table]
