"""A capacity search on the terminal."""

from collections.abc import Iterator

from simulator.present.numbers import count, percent
from simulator.present.studies.words import (
    Document,
    Line,
    columns,
    scaled_parts,
    section,
    short_runs,
    signed,
    value_of,
)

COLUMNS = ("latency.p50", "latency.p95", "latency.p99", "errors.rate")


def capacity_lines(document: Document, again: str, report: str | None) -> Iterator[Line]:
    """The capacity as styled lines: the answer, what gives way, the curve."""
    goals = ", ".join(document["objectives"])
    yield "bold", f"  {document['topology']} · {document['workload']} · seed {document['seed']}"
    yield "", ""
    yield section("VERDICT")
    yield "green" if (document["headroom"] or -1) >= 0 else "red", f"    {verdict_of(document)}"
    for sentence in reasons_of(document):
        yield "", f"    {sentence}"
    if document["partial"]:
        yield "yellow", "    ! partial result: a limit ended some runs early"
    for note in scaled_parts(document):
        yield "yellow", f"    ! {note}"
    if (warning := short_runs(document)) is not None:
        yield "yellow", f"    ! {warning}"
    yield "", ""
    yield section("CURVE")
    rows = [["rate", "p(50)", "p(95)", "p(99)", "errors", "busiest", ""]]
    for line in document["curve"]:
        values = [value_of(name, line[name]) for name in COLUMNS]
        status = line["status"] if line["stable"] else "unstable"
        rows.append([f"{count(line['rate'])}/s", *values, line["bottleneck"] or "–", status])
    for place, text in enumerate(columns(rows, left=0)):
        yield "" if place else "dim", text
    yield "", ""
    yield section("NEXT")
    yield "dim", f"    objectives: {goals}"
    if report is not None:
        yield "", f"    report  {report}"
    yield "", f"    again   {again}"


def verdict_of(document: Document) -> str:
    """The answer in a sentence."""
    found = document["capacity"]
    if found["value"] is None:
        first = document["limited_by"]["objective"] if document["limited_by"] else "an objective"
        return f"no rate meets the objectives: {first} is missed even under the lightest load tried"
    low, high = found["low"], found["high"]
    interval = ""
    if low is not None and high is not None and low != high:
        interval = f" [{count(low)}, {count(high)}]"
    return f"holds up to {count(found['value'])} rps{interval}"


def reasons_of(document: Document) -> list[str]:
    """What gives way first, the headroom, the knee and the ceiling."""
    found = []
    limit = document["limited_by"]
    if limit is not None:
        where = ""
        if limit["component"] is not None:
            where = f"; {limit['component']} is then at {percent(limit['utilization'])}"
        found.append(f"gives way first: {limit['objective']}{where}")
    if document["headroom"] is not None:
        found.append(f"headroom at {count(document['rate'])} rps: {signed(document['headroom'])}")
    if document["knee"] is not None:
        found.append(f"the latency curve bends upward from {count(document['knee'])} rps")
    if document["ceiling_on_paper"] is not None:
        name, ceiling = document["saturates_first"], document["ceiling_on_paper"]
        found.append(f"on paper {name} saturates at {count(ceiling)} rps")
    return found
