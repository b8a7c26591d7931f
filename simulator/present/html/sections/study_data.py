"""Where the figures of a study come from."""

from collections.abc import Sequence

from simulator.present.html.blocks import Block, Download, Facts, Report
from simulator.present.html.section import Section
from simulator.present.html.sections.answer import STUDIES


class StudyData(Section):
    """Files, seed, and the data to go on with."""

    name = "data"
    title = "Provenance"
    order = 110
    pages = STUDIES | {"drill"}

    def blocks(self, report: Report) -> Sequence[Block]:
        document = report.document
        if document["study"] == "compare":
            files = [(design["name"], design["file"]) for design in document["designs"]]
        else:
            files = [("topology", document.get("file") or document["topology"])]
        pairs = [*files, ("seed", str(document["seed"]))]
        if document.get("workload"):
            pairs.append(("workload", str(document["workload"])))
        return [Facts(pairs), Download("Save the data as JSON", f"{document['study']}.json")]
