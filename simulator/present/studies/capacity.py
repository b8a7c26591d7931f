"""A capacity search on the terminal."""

from collections import Counter
from collections.abc import Iterator, Sequence

from simulator.present.numbers import count, percent
from simulator.present.studies.words import (
    Document,
    Line,
    columns,
    scaled_parts,
    section,
    signed,
    unjudged,
    value_of,
    warnings_of,
)

COLUMNS = ("latency.p50", "latency.p95", "latency.p99", "errors.rate")


def capacity_lines(document: Document, again: str, report: str | None) -> Iterator[Line]:
    """The capacity as styled lines: the answer, what gives way, the curve."""
    goals = ", ".join(document["objectives"])
    yield "bold", f"  {document['topology']} · {document['workload']} · seed {document['seed']}"
    yield "", ""
    yield section("VERDICT")
    yield "green" if holds_today(document) else "red", f"    {verdict_of(document)}"
    for sentence in reasons_of(document):
        yield "", f"    {sentence}"
    if document["partial"]:
        yield "yellow", "    ! partial result: a limit ended some runs early"
    for note in scaled_parts(document):
        yield "yellow", f"    ! {note}"
    for warning in warnings_of(document):
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


def holds_today(document: Document) -> bool:
    """Whether today's rate is within the capacity."""
    return document["no_limit_up_to"] is not None or (document["headroom"] or -1.0) >= 0.0


def verdict_of(document: Document) -> str:
    """The answer in a sentence."""
    found, limit = document["capacity"], document["limited_by"]
    if document["no_limit_up_to"] is not None:
        return f"no limit found up to {count(document['no_limit_up_to'])} rps, the highest tried"
    if found["value"] is None:
        return (
            f"no rate meets the objectives: {_reason(limit)} is missed even at "
            f"{count(limit['rate'])} rps, the lightest load tried"
        )
    low, high = found["low"], found["high"]
    interval = ""
    if low is not None and low != high:
        interval = f" [{count(low)}, {'?' if high is None else count(high)}]"
    return f"holds up to {count(found['value'])} rps{interval}"


def reasons_of(document: Document) -> list[str]:
    """What gives way first, the headroom, the knee, and where paper says that things saturate."""
    found = []
    limit = document["limited_by"]
    if limit is not None:
        name, used = limit["component"], percent(limit["utilization"])
        if document["capacity"]["value"] is not None:
            busy = "" if name is None else f"; {name} is then at {used}"
            found.append(f"gives way first: {_reason(limit)}{busy}")
        elif name is not None:
            at = f"at {count(limit['rate'])} rps"
            found.append(f"{at} the busiest is {name}, with {used}")
    if document["capacity"]["value"] is not None:
        found += unjudged(document.get("failing"), "at that rate")
        found += _never_certain(document["curve"])
    if document["headroom"] is not None:
        found.append(f"headroom at {count(document['rate'])} rps: {signed(document['headroom'])}")
    if document["knee"] is not None:
        found.append(f"the latency curve bends upward from {count(document['knee'])} rps")
    if (said := _on_paper(document)) is not None:
        found.append(said)
    return found


def _reason(limit: Document) -> str:
    """What gives way, in words."""
    if limit["objective"] == "refusals":
        return "more is offered than can be done, and the rest is turned away"
    return str(limit["objective"])


def _never_certain(curve: Sequence[Document]) -> list[str]:
    """Why the interval is wide if no rate that was tried passes with certainty."""
    if any(line["status"] == "pass" for line in curve):
        return []
    near = Counter(
        f"{row['metric']}: {row['threshold']}"
        for line in curve
        for row in line["objectives"]
        if row["status"] == "unsure"
    )
    if not near:
        return []
    (objective, times), *_ = near.most_common(1)
    rates = f"{times} of {len(curve)} rates"
    return [f"{objective} is too close to call at {rates}: longer runs (--requests) tell more"]


def _on_paper(document: Document) -> str | None:
    """Where something is full if every call is made, and where whatever is hit or refused."""
    full, ceiling = document["full_on_paper"], document["ceiling_on_paper"]
    if full is None:
        return None
    text = f"on paper {document['full_first']} saturates at {count(full)} rps"
    if ceiling is not None and ceiling <= full * (1.0 + 1e-9):
        return text
    text += " unless hits or refusals spare it"
    if ceiling is None:
        return text
    return f"{text}, and {document['saturates_first']} at {count(ceiling)} rps in any case"
