"""What the faults of the run did."""

from collections.abc import Sequence

from simulator.metrics.fault_phases import recovery_sentence
from simulator.present.faults import PHASES, availability_of, latency_of, when_of
from simulator.present.html.blocks import Block, DataTable, Finding, FindingList, Report
from simulator.present.html.section import Section
from simulator.present.numbers import count, seconds


class Faults(Section):
    """Before, during and after each fault, and how long it took to recover."""

    name = "faults"
    title = "When things fail"
    order = 25

    def blocks(self, report: Report) -> Sequence[Block]:
        rows = report.document.get("faults") or []
        if not rows:
            return []
        found = []
        for row in rows:
            well = row["recovery_s"] is not None
            sentence = f"{row['name']} {when_of(row)}: {recovery_sentence(row, seconds)}."
            severity = "pass" if well else "note" if row["watched_s"] <= 0.0 else "fail"
            found.append(Finding(severity, sentence, "rates-over-time"))
        table = DataTable(
            caption="Requests by the time they arrived, all replications together: good answers "
            "as a share of all, and the percentiles of their latency. Before are those that ended "
            "between the warm-up and the first fault; after ends with the run or the next fault. "
            "A flush counts as during until all is as before. A dash: too few requests to say.",
            columns=("fault and phase", "arrivals", "available", "p(50)", "p(99)"),
            rows=[
                (
                    f"{row['name']}: {phase}",
                    count(row[phase]["requests"]) if row[phase] else "–",
                    availability_of(row, phase),
                    latency_of(row, phase, "p50_s"),
                    latency_of(row, phase, "p99_s"),
                )
                for row in rows
                for phase in PHASES
            ],
        )
        return [FindingList(found), table, *super().blocks(report)]
