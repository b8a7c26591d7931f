"""The resilience matrix as lines of a terminal."""

import textwrap
from collections.abc import Iterator
from typing import Any

from simulator.metrics.load import said_load
from simulator.present.numbers import percent, seconds, things

Line = tuple[str, str]
"""Style (`bold`, `dim`, a colour or empty) and text."""

_COLORS = {"stays broken": "red", "outage": "red", "degraded": "yellow"}
_TOLD = 5
WIDTH = 100


def drill_lines(
    document: dict[str, Any], again: str = "", report: str | None = None
) -> Iterator[Line]:
    """Head, matrix with the worst first, what to do about the worst, and where the page is."""
    rows = document["rows"]
    lasts = document["phases"]["fault_ends_s"] - document["phases"]["fault_begins_s"]
    yield (
        "bold",
        f"  {document['topology']} · {said_load(document)} · "
        f"{things(document['runs'], 'run')} of {seconds(document['horizon_s'])}, "
        f"each fault lasts {seconds(lasts)}",
    )
    style = "yellow" if still_recovering(document) else "green"
    yield "red" if document["stays_broken"] else style, f"  {verdict_of(document)}"
    yield "", ""
    width = max((len(row["component"]) for row in rows), default=9)
    yield (
        "dim",
        f"    {'':<{width}}  {'fault':<10}  {'ok during':>9}  {'p99 during':>10}  "
        f"{'lost':>6}  {'recovers in':>11}",
    )
    quiet = [row for row in rows if row["status"] == "unaffected"]
    for row in rows:
        if row["status"] != "unaffected":
            yield _COLORS.get(row["status"], ""), _line(row, width)
    if quiet:
        faults = "fault" if len(quiet) == 1 else "faults"
        yield "dim", f"    … and {len(quiet)} {faults} that users do not notice"
    yield "", ""
    for lesson in document["lessons"][:_TOLD]:
        yield from (("", line) for line in wrapped(f"{capital(lesson['sentence'])}.", "  · "))
        yield from (("dim", line) for line in wrapped(lesson["remedy"], "    "))
    if again:
        yield "", ""
        yield "bold", "  █ NEXT"
        if report is not None:
            yield "", f"    report  {report}"
        yield "", f"    again   {again}"


def capital(text: str) -> str:
    """The text as a sentence begins."""
    return text[:1].upper() + text[1:]


def wrapped(text: str, lead: str, width: int = WIDTH) -> list[str]:
    """Lines of a paragraph, indented below its lead."""
    return textwrap.wrap(
        text, width, initial_indent=lead, subsequent_indent=" " * len(lead), break_long_words=False
    )


def verdict_of(document: dict[str, Any]) -> str:
    """The answer in a sentence."""
    rows, stuck = document["rows"], document["stays_broken"]
    outages = sum(row["status"] == "outage" for row in rows)
    quiet = sum(row["status"] == "unaffected" for row in rows)
    lasting = "is an outage while it lasts" if outages == 1 else "are outages while they last"
    felt = f"{outages} {lasting}, {quiet} nobody notices"
    late = still_recovering(document)
    not_yet = f"after {late} it is not back to normal by the end of the run; " if late else ""
    if stuck:
        verb = "leaves" if stuck == 1 else "leave"
        gone = "it is" if stuck == 1 else "they are"
        broken = f"{stuck} of {things(len(rows), 'fault')} {verb} it broken after {gone} gone"
        return f"{broken}; {not_yet}{felt}"
    every = "the only fault" if len(rows) == 1 else f"all {len(rows)} faults"
    if late:
        every = f"{len(rows) - late} of {things(len(rows), 'fault')}"
    return f"it recovers from {every}; {not_yet}{felt}"


def still_recovering(document: dict[str, Any]) -> int:
    """After how many faults it is on its way at the end of the run, and not there."""
    rows = document["rows"]
    return sum(row["recovery_s"] is None and not row["stays_broken"] for row in rows)


def recovery_of(row: dict[str, Any]) -> str:
    """How long it takes from the end of the fault until all is as usual."""
    recovery = row["recovery_s"]
    if row["stays_broken"]:
        return "never"
    if recovery is None:
        return "not yet"
    return seconds(recovery) if recovery else "at once"


def lost_work(row: dict[str, Any]) -> float:
    """The share of requests that fail, or do not get to where an objective is measured."""
    missing = [harm["missing_share"] for harm in row["harms"]]
    return float(max([row["lost_share"], *missing]))


def slower_times(row: dict[str, Any]) -> float | None:
    """The p99 during the fault over that without it; None if either is not known."""
    before, during = row["p99_before_s"], row["p99_during_s"]
    return during / before if before and during else None


def as_usual(times: float) -> str:
    """A ratio that is no slow-down, in a word."""
    return "usual" if times > 0.95 else "faster"


def _line(row: dict[str, Any], width: int) -> str:
    return (
        f"    {row['component']:<{width}}  {row['fault']:<10}  "
        f"{percent(row['availability_during']):>9}  {seconds(row['p99_during_s']):>10}  "
        f"{percent(lost_work(row)):>6}  {recovery_of(row):>11}"
    )
