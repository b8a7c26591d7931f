"""A sizing on the terminal."""

import math
from collections.abc import Iterator, Sequence

from simulator.metrics.load import said_load
from simulator.present.numbers import count, dollars, percent
from simulator.present.studies.words import (
    MARKS,
    Document,
    Line,
    columns,
    scaled_parts,
    section,
    setting_flags,
    setting_words,
    unjudged,
    value_of,
    warnings_of,
)
from simulator.quantities.grouping import grouped

SHOWN = 15


def size_lines(document: Document, use: str, again: str, report: str | None) -> Iterator[Line]:
    """The answer, how sure it is, and the candidates around it.

    ``use`` is the command that runs the design, to which the settings found are added.
    """
    yield "bold", f"  {document['topology']} · {said_load(document)} · seed {document['seed']}"
    yield "", ""
    yield section("VERDICT")
    winner = document["winner"]
    yield "green" if winner else "red", f"    {verdict_of(document)}"
    for sentence in sureness_of(document):
        yield "", f"    {sentence}"
    if document["partial"]:
        yield "yellow", "    ! partial result: a limit ended some runs early"
    for note in [*scaled_parts(document), *warnings_of(document)]:
        yield "yellow", f"    ! {note}"
    yield "", ""
    yield section("CANDIDATES")
    rows = [[*document["paths"], "cost", "ρ on paper", "p(99)", ""]]
    candidates = document["candidates"]
    shown = [item for item in candidates if "latency.p99" in item] or candidates
    rows += [candidate_row(item, document["paths"]) for item in shown[:SHOWN]]
    for place, text in enumerate(columns(rows, left=0)):
        yield "" if place else "dim", text
    yield "", ""
    yield section("NEXT")
    if winner:
        yield "", f"    use     {use} {setting_flags(winner['settings'])}"
    if report is not None:
        yield "", f"    report  {report}"
    yield "", f"    again   {again}"


def candidate_row(item: Document, paths: Sequence[str]) -> list[str]:
    """Settings, cost, utilization on paper, p99 and status of a candidate."""
    latency = (item.get("latency.p99") or {}).get("value")
    busy, status = percent(item["utilization_on_paper"]), item["status"]
    if item["utilization_on_paper"] >= 1.0 and status != "overloaded":
        busy = f"≤{busy}"  # Hits and refusals may spare what is busiest.
    return [
        *(str(item["settings"][path]) for path in paths),
        f"{dollars(item['cost_per_hour_on_paper'])}/h",
        busy,
        value_of("latency.p99", latency),
        f"{MARKS.get(status, '')} {'not run' if status == 'dearer' else status}".strip(),
    ]


def verdict_of(document: Document) -> str:
    """The answer in a sentence."""
    winner = document["winner"]
    if winner is None:
        tried = len(document["candidates"])
        return f"none of {tried} configurations meets {', '.join(document['objectives'])}"
    cost = winner["cost_per_hour"]["value"]
    return f"{setting_words(winner['settings'])} is the cheapest that holds: {dollars(cost)}/h"


def sureness_of(document: Document) -> list[str]:
    """How the answer was found and how sure it is."""
    counts = document["counts"]
    tried = len(document["candidates"])
    space = f"{tried} configurations"
    if document["explored"]:
        space = f"{tried} of {grouped(document['space'])} configurations"
    found = [
        f"{space}: {counts['overloaded']} cannot keep up on paper, {counts['fail']} fail, "
        f"{counts['unsure']} not decided, {counts['pass']} pass, "
        f"{counts['dearer']} not run as they are no cheaper"
    ]
    costs = [item["cost_per_hour_on_paper"] for item in document["candidates"]]
    if document["winner"] is not None and len(costs) > 1 and math.isclose(min(costs), max(costs)):
        found.append(
            "all of them cost the same: what is varied has no price in this design, so the least "
            "busy is named, not the smallest that holds"
        )
    check = document["check"]
    if check is not None:
        found.append(
            f"checked with fresh seeds over {count(check['requests'])} requests: the 95% interval "
            f"of every objective is on the right side{_closest(check['closest'])}"
        )
    winner = document["winner"]
    found += [] if winner is None else unjudged(winner.get("failing"), "in it")
    found += [
        f"{setting_words(item['settings'])} is ruled out by a longer run with fresh seeds"
        for item in document["rejected_by_check"]
    ]
    found += [
        f"{setting_words(settings)} is cheaper, and too close to call"
        for settings in document["cheaper_but_open"]
    ]
    if document["explored"]:
        found.append(
            "the space is too large to try all of it: something cheaper may be left, and fewer "
            "values would make sure"
        )
    return found


def _closest(row: Document | None) -> str:
    """The objective with the least room, as the end of a sentence."""
    if row is None:
        return ""
    value, low, high = (value_of(row["metric"], row[end]) for end in ("value", "low", "high"))
    return f"; closest is {row['metric']} {row['threshold']} at {value} [{low}, {high}]"
