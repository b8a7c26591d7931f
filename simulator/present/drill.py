"""The resilience matrix as lines of a terminal."""

from collections.abc import Iterator
from typing import Any

from simulator.present.numbers import percent, seconds

Line = tuple[str, str]
"""Style (`bold`, `dim`, a colour or empty) and text."""

_COLORS = {"stays broken": "red", "outage": "red", "degraded": "yellow"}
_TOLD = 5


def drill_lines(document: dict[str, Any]) -> Iterator[Line]:
    """Head, matrix with the worst first, and what to do about the worst."""
    rows = document["rows"]
    lasts = document["phases"]["fault_ends_s"] - document["phases"]["fault_begins_s"]
    yield (
        "bold",
        f"  {document['topology']} · {document['rate']:g} rps · {document['runs']} runs of "
        f"{seconds(document['horizon_s'])}, each fault lasts {seconds(lasts)}",
    )
    stuck = document["stays_broken"]
    told = f"{stuck} of {len(rows)} faults leave it broken" if stuck else "it always recovers"
    yield "red" if stuck else "green", f"  {told} after the fault is gone"
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
        yield "dim", f"    … and {len(quiet)} faults that users do not notice"
    yield "", ""
    for row in [row for row in rows if row["remedy"]][:_TOLD]:
        yield "", f"  · {row['sentence'][0].upper()}{row['sentence'][1:]}."
        yield "dim", f"    {row['remedy']}"


def _line(row: dict[str, Any], width: int) -> str:
    recovery = row["recovery_s"]
    if row["stays_broken"]:
        recovers = "never"
    elif recovery is None:
        recovers = "not yet"
    else:
        recovers = "at once" if not recovery else seconds(recovery)
    return (
        f"    {row['component']:<{width}}  {row['fault']:<10}  "
        f"{percent(row['availability_during']):>9}  {seconds(row['p99_during_s']):>10}  "
        f"{percent(row['lost_share']):>6}  {recovers:>11}"
    )
