"""A sweep on the terminal and as CSV."""

import csv
import io
from collections.abc import Iterator, Sequence

from simulator.present.studies.words import (
    Document,
    Line,
    columns,
    section,
    setting_words,
    value_of,
    warnings_of,
)

SHOWN = 40
COLUMNS = ("latency.p50", "latency.p99", "errors.rate", "goodput", "cost.per_hour", "quality")


def sweep_lines(
    document: Document, again: str, report: str | None, tables: Sequence[str] = ()
) -> Iterator[Line]:
    """The table as styled lines; ``tables`` are the files that it was written to as well."""
    paths = document["paths"]
    yield (
        "bold",
        (
            f"  {document['topology']} · {len(document['rows'])} of {document['points']} points · "
            f"seed {document['seed']}"
        ),
    )
    yield "", ""
    yield "", f"  {verdict_of(document)}"
    for note in notes_of(document):
        yield "dim", f"  {note}"
    if document["partial"]:
        yield "yellow", "  ! partial result: not every point ran to its end"
    for warning in warnings_of(document):
        yield "yellow", f"  ! {warning}"
    yield "", ""
    yield section("POINTS")
    rows = [[*paths, "p(50)", "p(99)", "errors", "good", "cost", "quality", "busiest", ""]]
    for row in document["rows"][:SHOWN]:
        values = [value_of(name, row[name]) for name in COLUMNS]
        rows.append([*(str(row[path]) for path in paths), *values, row["bottleneck"] or "–",
                     status_of(row, document)
                     + (" (short)" if is_short(row, document) else "")])  # fmt: skip
    for place, text in enumerate(columns(rows, left=0)):
        yield "" if place else "dim", text
    if len(document["rows"]) > SHOWN:
        yield "dim", f"    … and {len(document['rows']) - SHOWN} more: --out sweep.csv"
    yield "", ""
    yield section("NEXT")
    if report is not None:
        yield "", f"    report  {report}"
    for table in tables:
        yield "", f"    table   {table}"
    yield "", f"    again   {again}"


def sweep_csv(document: Document) -> str:
    """The rows as CSV, a header first."""
    text = io.StringIO()
    rows = document["rows"]
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def verdict_of(document: Document) -> str:
    """How many points there are and how many hold."""
    rows = document["rows"]
    holds = sum(row["status"] == "pass" for row in rows)
    noun = "point" if len(rows) == 1 else "points"
    unsure = sum(row["status"] == "unsure" for row in rows)
    unsteady = sum(not row["stable"] for row in rows)
    if judged(document):
        meets = "meets" if holds == 1 else "meet"
        text = f"{holds} of {len(rows)} {noun} {meets} every objective"
        text += f" for certain, {unsure} may" if unsure else ""
    else:
        text = f"{len(rows)} {noun}, and no objectives to judge them by"
    have = "has" if unsteady == 1 else "have"
    text += f", {unsteady} {have} no steady state" if unsteady else ""
    cheapest = cheapest_of(document) if judged(document) else None
    return f"{text}; the cheapest that does is {cheapest}" if cheapest else text


def judged(document: Document) -> bool:
    """Whether there are objectives to meet."""
    return bool(document.get("objectives", True))


def status_of(row: Document, document: Document) -> str:
    """What became of a point; one without objectives has no more than a steady state."""
    status = str(row["status"])
    return "steady" if status == "pass" and not judged(document) else status


def cheapest_of(document: Document) -> str | None:
    """The cheapest point that meets every objective; None where the rate was varied as well."""
    rows = [row for row in document["rows"] if row["status"] == "pass"]
    if not rows or {"rps", "rate"} & set(document["paths"]):
        return None
    costs = {row["cost.per_hour"] for row in rows} - {None}
    if len(costs) < 2:
        return None
    best = min(rows, key=lambda row: row["cost.per_hour"] or float("inf"))
    settings = setting_words({path: best[path] for path in document["paths"]})
    return f"{settings} at {value_of('cost.per_hour', best['cost.per_hour'])}"


def is_short(row: Document, document: Document) -> bool:
    """Whether the point was run for too short a time beside its p99."""
    found = document.get("horizons")
    spans = row.get("spans")
    return found is not None and spans is not None and bool(spans < found["spans"])


def notes_of(document: Document) -> list[str]:
    """What to know about the points."""
    notes = []
    cells = document.get("cells", 1)
    if cells > 1 and {"rps", "rate"} & set(document["paths"]):
        notes.append(f"rps is the rate of one of {cells} cells; goodput and cost are those of all")
    return notes
