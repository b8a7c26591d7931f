"""What a study found, before any figure."""

from collections.abc import Sequence

from simulator.present.html.blocks import (
    Block,
    DataTable,
    Document,
    Finding,
    FindingList,
    Report,
)
from simulator.present.html.section import Section
from simulator.present.studies import capacity, compare, sensitivity, size, sweep
from simulator.present.studies.words import scaled_parts, warnings_of

STUDIES = frozenset({"compare", "capacity", "sweep", "size", "sensitivity"})


class Answer(Section):
    """The answer of a study and what it rests on."""

    name = "answer"
    title = "Answer"
    order = 5
    pages = STUDIES

    def blocks(self, report: Report) -> Sequence[Block]:
        document = report.document
        found = [Finding("note", f"{text}.") for text in _sentences(document)]
        if document["partial"]:
            found.append(Finding("unsure", "Partial result: not every run came to its end."))
        found += [Finding("unsure", f"{note}.") for note in scaled_parts(document)]
        found += [Finding("unsure", f"{_began(text)}.") for text in warnings_of(document)]
        blocks: list[Block] = [FindingList(found)] if found else []
        if document.get("gates"):
            blocks.append(_gates(document["gates"]))
        return blocks


def _sentences(document: Document) -> list[str]:
    study = document["study"]
    if study == "compare":
        unsteady = [
            f"{design['name']} {design['verdict']['sentence']}"
            for design in document["designs"]
            if not design["stable"]
        ]
        flips = compare.flip_sentences(document)
        origins = compare.origin_sentences(document)
        names = [design["name"] for design in document["designs"]]
        return [*unsteady, *(_began(text, names) for text in [*flips, *origins])]
    if study == "capacity":
        return [_began(text) for text in capacity.reasons_of(document)]
    if study == "size":
        return [_began(text) for text in size.sureness_of(document)]
    if study == "sweep":
        return [_began(text) for text in sweep.notes_of(document)]
    if study == "sensitivity":
        return sensitivity.notes_of(document)
    return []


def _began(text: str, names: Sequence[str] = ()) -> str:
    """A sentence with a capital letter, unless it begins with a name."""
    first = text.partition(" ")[0]
    named = first in names or set(first) & set("_=.")
    return text if named else text[:1].upper() + text[1:]


def _gates(gates: Sequence[Document]) -> DataTable:
    return DataTable(
        caption="Gates. One fails if the whole interval of the change is beyond it.",
        columns=("gate", "design", "change", "status"),
        rows=[
            (gate["gate"], gate["design"], compare.gate_change(gate), gate["status"])
            for gate in gates
        ],
        words=frozenset({1, 3}),
        status=3,
        statuses=[gate["status"] for gate in gates],
    )
