"""Which design is better in what: latency, errors, cost, quality, and what else is promised."""

from collections.abc import Sequence
from itertools import permutations
from typing import NamedTuple

from simulator.metrics.confidence import Interval
from simulator.metrics.estimates import difference, unpaired_difference
from simulator.metrics.spread import Document
from simulator.studies.saved import Requests

HIGHER_IS_BETTER = frozenset({"throughput", "goodput", "quality", "availability"})
AXES = (
    "latency.p50", "latency.p95", "latency.p99", "errors.rate", "cost.per_hour", "quality",
)  # fmt: skip
COUNTED = frozenset({"errors.rate", "cost.per_hour", "quality"})
"""Axes that mean something without a steady state, too."""
ROUNDING = 1e-9

Standings = dict[tuple[str, str], dict[str, str]]
"""``better``, ``worse`` or ``same`` per axis, of the first design of a pair against the second."""


class Measured(NamedTuple):
    """The estimates of a design, and the requests that they are from."""

    table: Document
    requests: Requests


def ranked(
    names: Sequence[str], measured: Sequence[Measured], stable: Sequence[bool], small: Sequence[str]
) -> Document:
    """Who dominates whom, who is left, and who of those is ahead in what.

    ``small`` are metrics that are promised to be small, beside the axes that always count.
    """
    standings = _standings(names, measured, stable, tuple(dict.fromkeys((*AXES, *small))))
    better = _dominance(standings, stable)
    beaten = {pair["worse"] for pair in better}
    unbeaten = [name for name in names if name not in beaten]
    return {"dominance": better, "pareto": unbeaten, "ahead": _ahead(standings, unbeaten)}


def direction_of(metric: str) -> int:
    """1 if a higher value of the metric is better, -1 if a lower one is."""
    return 1 if HIGHER_IS_BETTER & set(metric.split(".")) else -1


def status_of(metric: str, change: Interval, scale: float) -> str:
    """``better``, ``worse``, or ``same`` if the interval holds 0 (or rounding leaves no more)."""
    if change.low <= 0.0 <= change.high or abs(change.value) <= ROUNDING * abs(scale):
        return "same"
    return "better" if (change.value > 0) == (direction_of(metric) > 0) else "worse"


def difference_of_metric(metric: str, a: Measured, b: Measured) -> Interval:
    """How much larger a metric of ``b`` is, in pairs if both saw the same requests."""
    change = difference if a.requests == b.requests else unpaired_difference
    return change(a.table[metric], b.table[metric])


def _standings(
    names: Sequence[str], measured: Sequence[Measured], stable: Sequence[bool], axes: Sequence[str]
) -> Standings:
    """How every design stands against every other, on every axis that both were measured on.

    A design without a steady state has no latency: one that has one is better there.
    """
    standings: Standings = {}
    for a, b in permutations(range(len(names)), 2):
        statuses = {}
        for axis in axes:
            steady = (True, True) if axis in COUNTED else (stable[a], stable[b])
            if steady[0] != steady[1]:
                statuses[axis] = "better" if steady[0] else "worse"
            elif steady[0] and axis in measured[a].table and axis in measured[b].table:
                change = difference_of_metric(axis, measured[b], measured[a])
                statuses[axis] = status_of(axis, change, measured[b].table[axis]["pooled"])
        standings[names[a], names[b]] = statuses
    return standings


def _dominance(standings: Standings, stable: Sequence[bool]) -> list[Document]:
    """Pairs in which one design is worse in nothing and better in something, for certain.

    Over latency, errors, cost per hour, quality and what else is promised to be small. Each pair
    says in which of them the one is better, and in which no difference is certain.
    """
    names = list(dict.fromkeys(a for a, _ in standings))
    steady = {name for name, is_stable in zip(names, stable, strict=True) if is_stable}
    pairs = []
    for (a, b), statuses in standings.items():
        ahead = [axis for axis, status in statuses.items() if status == "better"]
        if a in steady and ahead and "worse" not in statuses.values():
            level = [axis for axis, status in statuses.items() if status == "same"]
            pairs.append({"better": a, "worse": b, "better_in": ahead, "same_in": level})
    return pairs


def _ahead(standings: Standings, unbeaten: Sequence[str]) -> dict[str, list[str]]:
    """On every axis that tells the unbeaten designs apart: those that none of them certainly beats.

    An axis on which no difference is certain is left out.
    """
    found = {}
    for axis in dict.fromkeys(axis for statuses in standings.values() for axis in statuses):
        ahead = [
            a
            for a in unbeaten
            if all(standings[a, b].get(axis) != "worse" for b in unbeaten if b != a)
        ]
        if len(ahead) < len(unbeaten):
            found[axis] = ahead
    return found
