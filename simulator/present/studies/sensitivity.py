"""A sensitivity study on the terminal."""

from collections.abc import Iterator

from simulator.metrics.load import said_load
from simulator.present.numbers import things
from simulator.present.studies.words import (
    Document,
    Line,
    columns,
    label_of,
    section,
    value_of,
    warnings_of,
)

SHOWN = 8
NEGLIGIBLE = 1e-3
"""Effects below this share of the strongest, or of the outcome itself, are not shown."""


def sensitivity_lines(document: Document, again: str, report: str | None) -> Iterator[Line]:
    """The strongest parameters for each output, as bars."""
    varied = len(document["parameters"])
    yield (
        "bold",
        (
            f"  {document['topology']} · {said_load(document)} · {things(varied, 'parameter')}, "
            f"{things(document['runs'], 'run')} · seed {document['seed']}"
        ),
    )
    yield "", ""
    if document["partial"]:
        yield "yellow", "  ! partial result: a limit ended some runs early"
    for warning in warnings_of(document):
        yield "yellow", f"  ! {warning}"
    for note in notes_of(document):
        yield "yellow" if "steady" in note else "dim", f"  ! {note}"
    if notes_of(document):
        yield "", ""
    for output in document["effects"]:
        strong = strong_of(document, output)
        yield section(f"WHAT MOVES {label_of(output).upper()}")
        if not strong:
            yield "dim", f"    {NOTHING}"
        yield from _bars(output, strong)
        yield "", ""
    yield section("NEXT")
    if report is not None:
        yield "", f"    report  {report}"
    yield "", f"    again   {again}"


NOTHING = "nothing that was varied, by 0.1% or more"


def strong_of(document: Document, output: str) -> list[Document]:
    """The rows of an output worth showing, the strongest first."""
    rows = document["effects"].get(output, [])
    largest = _largest(rows)
    least = NEGLIGIBLE * abs(document.get("typical", {}).get(output, 0.0))
    if largest <= least:
        return []
    return [row for row in rows if row["strength"] > NEGLIGIBLE * largest][:SHOWN]


def _bars(output: str, rows: list[Document]) -> Iterator[Line]:
    largest = _largest(rows)
    cells = []
    for row in rows:
        sign = ("−" if row["effect"] < 0 else "+") if row["directed"] else "±"
        bar = "█" * max(1, round(10 * row["strength"] / largest))
        cells.append([row["parameter"].removeprefix("components."), f"{row['low']} → {row['high']}",
                      f"{sign}{value_of(output, row['strength'])}", bar])  # fmt: skip
    for text in columns(cells, left=4):
        yield "", text


def _largest(rows: list[Document]) -> float:
    return max((float(row["strength"]) for row in rows), default=0.0)


def notes_of(document: Document) -> list[str]:
    """What to know about the ranking: runs without a steady state, and what was not varied."""
    notes = []
    shown = [row for output in document["effects"] for row in strong_of(document, output)]
    if not all(row["directed"] for row in shown):
        notes.append(
            "± stands where the paths do not agree on the direction: chance, or it depends on the "
            "other values (--trajectories, --requests tell)"
        )
    if document["unstable"]:
        notes.append(
            f"{document['unstable']} of {document['runs']} runs have no steady state: their "
            "latency depends on the length of the run"
        )
    if document["left_out"]:
        notes.append(
            "Varied are the rate, and what moves latency or cost most on paper; "
            f"{len(document['left_out'])} more values are not: name them with "
            "--vary PATH=LOW..HIGH"
        )
    return notes


def verdict_of(document: Document) -> str:
    """What moves each output most."""
    found = []
    for output in document["effects"]:
        for row in strong_of(document, output)[:1]:
            amount = value_of(output, row["strength"])
            name = row["parameter"].removeprefix("components.")
            found.append(f"{name} moves {label_of(output)} most, by {amount}")
    return "; ".join(found) or "nothing that was varied moves anything"
