"""A sensitivity study on the terminal."""

from collections.abc import Iterator

from simulator.present.studies.words import (
    Document,
    Line,
    columns,
    label_of,
    section,
    value_of,
)

SHOWN = 8
NEGLIGIBLE = 1e-9


def sensitivity_lines(document: Document, again: str, report: str | None) -> Iterator[Line]:
    """The strongest parameters for each output, as bars."""
    yield (
        "bold",
        (
            f"  {document['topology']} · {len(document['parameters'])} parameters, "
            f"{document['runs']} runs · seed {document['seed']}"
        ),
    )
    yield "", ""
    if document["partial"]:
        yield "yellow", "  ! partial result: a limit ended some runs early"
    for note in notes_of(document):
        yield "yellow" if "steady" in note else "dim", f"  ! {note}"
    if notes_of(document):
        yield "", ""
    for output, rows in document["effects"].items():
        strong = [row for row in rows if row["strength"] > NEGLIGIBLE * max(1.0, _largest(rows))]
        yield section(f"WHAT MOVES {label_of(output).upper()}")
        if not strong:
            yield "dim", "    nothing that was varied"
        yield from _bars(output, strong[:SHOWN])
        yield "", ""
    yield section("NEXT")
    if report is not None:
        yield "", f"    report  {report}"
    yield "", f"    again   {again}"


def _bars(output: str, rows: list[Document]) -> Iterator[Line]:
    largest = _largest(rows)
    cells = []
    for row in rows:
        sign = "−" if row["effect"] < 0 else "+"
        bar = "█" * max(1, round(10 * row["strength"] / largest))
        cells.append([row["parameter"], f"{row['low']} → {row['high']}",
                      f"{sign}{value_of(output, row['strength'])}", bar])  # fmt: skip
    for text in columns(cells, left=4):
        yield "", text


def _largest(rows: list[Document]) -> float:
    return max((float(row["strength"]) for row in rows), default=0.0)


def notes_of(document: Document) -> list[str]:
    """What to know about the ranking: runs without a steady state, and what was not varied."""
    notes = []
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
    for output, rows in document["effects"].items():
        if rows and rows[0]["strength"] > NEGLIGIBLE:
            amount = value_of(output, rows[0]["strength"])
            found.append(f"{rows[0]['parameter']} moves {label_of(output)} most, by {amount}")
    return "; ".join(found) or "nothing that was varied moves anything"
