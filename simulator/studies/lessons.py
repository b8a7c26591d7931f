"""What a drill teaches: cases that are one and the same story are told once."""

from collections.abc import Mapping, Sequence
from typing import Any

from simulator.studies.drill_sentence import OF_ITS_OWN

Row = Mapping[str, Any]

LISTED = 12
"""Names at most in one sentence."""
HEAVY = 0.3
"""Share of lost requests from which parts count as ones without which nothing works."""
REMEDIES = {
    "second way": "give their callers a second way",
    "try again:": "try again",
}
ALONE = "nothing can stand in"
"""Stands in the remedy of an entry, which has its own story even where others call it too."""


def lessons(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Stories of the matrix, worst first: ``components``, ``fault``, ``sentence``, ``remedy``.

    Components without which nothing works, and which come back at once, make one story: their
    sentences differ in the name only. All other cases that users notice stand for themselves.
    """
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        if row["remedy"]:
            kind = _kind(row)
            key = (row["fault"], kind) if kind else (row["fault"], "", row["component"])
            groups.setdefault(key, []).append(row)
    return [_lesson(group) for group in groups.values()]


def _kind(row: Row) -> str:
    """What the remedies of a story have in common; empty for a case of its own."""
    if row["stays_broken"] or row["recovery_s"] or row["lost_share"] < HEAVY:
        return ""
    if any(harm["missing_share"] > row["lost_share"] + OF_ITS_OWN for harm in row["harms"]):
        return ""
    if ALONE in row["remedy"]:
        return ""
    return next((kind for kind in REMEDIES if kind in row["remedy"]), "")


def _lesson(group: list[Row]) -> dict[str, Any]:
    first = group[0]
    told = {
        "components": [row["component"] for row in group],
        "fault": first["fault"],
        "sentence": first["sentence"],
        "remedy": first["remedy"],
    }
    if len(group) == 1:
        return told
    names = [row["component"] for row in group]
    listed = ", ".join(names[:LISTED])
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    shares = sorted(100.0 * row["lost_share"] for row in group)
    low, high = f"{shares[0]:.0f}", f"{shares[-1]:.0f}"
    lost = f"{high}%" if low == high else f"{low} to {high}%"
    what = {"down": "is down", "50% errors": "fails half its calls"}.get(first["fault"], "fails")
    end = "and it recovers at once"
    if any(row["recovery_s"] is None for row in group):
        end = "and not all of them are back to normal by the end of the run"
    return told | {
        "sentence": f"when one of {len(names)} parts {what}, {lost} of the requests fail, {end}: "
        f"{listed}{more}",
        "remedy": f"{REMEDIES[_kind(first)]}: {_policy(first['remedy'])}",
    }


def _policy(remedy: str) -> str:
    """The policy without the names of those it is for."""
    return remedy.partition(": ")[2].partition(" on the calls to ")[0]
