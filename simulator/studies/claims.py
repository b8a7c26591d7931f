"""The claims of a design document, each checked by a run, a formula or a statistic."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from simulator.metrics.verdict import TIMES
from simulator.studies.conditions import (
    Condition,
    Measured,
    Told,
    condition_of,
    measure_all,
    other_condition,
)
from simulator.studies.estimates import Arithmetic, readable, share_text, with_unit
from simulator.studies.metric_units import RATIO, SHARE, unit_of_metric, unit_of_statistic
from simulator.studies.readings import Reading, refused_share
from simulator.topology.claims import Claim
from simulator.topology.expectation import Bound, Decision
from simulator.topology.formula import (
    Formula,
    FormulaError,
    evaluate,
    plain_number,
    unit_dimensions,
)
from simulator.topology.model import Topology
from simulator.topology.overlay import Data

SEED = 42
WORST_FIRST = ("fails", "unsure", "holds", "not simulated")
SECONDS_PER_HOUR = 3600.0
PERIOD_OF = {
    "cost.per_hour": 3600.0,
    "cost.per_day": 86_400.0,
    "cost.per_month": 2_628_000.0,
    "cost.per_year": 31_536_000.0,
}


@dataclass(frozen=True)
class Checked:
    """A claim with its result.

    ``status`` is holds, fails, unsure or not simulated. ``value``, ``low`` and ``high`` are in
    ``unit``, see :mod:`simulator.studies.metric_units`. ``how`` says what was
    measured or computed, ``reason`` why there is no decision.
    """

    topology: str
    name: str
    text: str
    way: str
    status: str
    value: float | None
    low: float | None
    high: float | None
    unit: str
    expect: str | None
    how: str
    conditions: str
    section: str | None
    place: str
    document: str | None
    note: str | None
    reason: str = ""


@dataclass(frozen=True)
class Check:
    """The checked claims of one topology, and the runs behind them by condition."""

    claims: list[Checked]
    runs: dict[Condition, Measured]


def check_claims_of(
    topology: Topology,
    data: Data,
    *,
    seed: int = SEED,
    jobs: int | None = None,
    only: Sequence[str] | None = None,
    also: dict[Condition, list[str]] | None = None,
    told: Told | None = None,
) -> Check:
    """Check the claims of a topology, ``only`` those of these names if given.

    ``also`` asks for readings beside those of the claims. Runs under equal conditions are made
    once. The same seed gives the same result on any number of processes.
    """
    claims = {
        name: claim for name, claim in topology.claims.items() if only is None or name in only
    }
    wanted: dict[Condition, list[str]] = {}
    for claim in claims.values():
        if claim.metric is None:
            continue
        for condition in filter(None, (condition_of(claim), other_condition(claim))):
            wanted.setdefault(condition, []).extend(_words(claim))
    for condition, words in (also or {}).items():
        wanted.setdefault(condition, []).extend(words)
    unique = {condition: list(dict.fromkeys(words)) for condition, words in wanted.items()}
    workers = min(jobs or os.cpu_count() or 1, max(len(unique), 1))
    runs = measure_all(data, unique, seed=seed, jobs=workers, told=told)
    arithmetic = Arithmetic(topology)
    return Check(
        [_checked(name, claim, topology, arithmetic, runs) for name, claim in claims.items()], runs
    )


def worst_first(claims: Sequence[Checked]) -> list[Checked]:
    """What fails, then what is unsure, then what holds; within these by topology and name."""
    return sorted(
        claims, key=lambda claim: (WORST_FIRST.index(claim.status), claim.topology, claim.name)
    )


def _words(claim: Claim) -> list[str]:
    assert claim.metric is not None
    prefix = f"classes.{claim.of_class}." if claim.of_class else ""
    return [
        word if word.startswith(("components.", "paper.", "classes.")) else prefix + word
        for word in claim.metric.words
    ]


def _checked(
    name: str,
    claim: Claim,
    topology: Topology,
    arithmetic: Arithmetic,
    runs: dict[Condition, Measured],
) -> Checked:
    source = topology.source.document if topology.source is not None else None
    blank = Checked(
        topology=topology.name,
        name=name,
        text=claim.text,
        way=claim.way,
        status="unsure",
        value=None,
        low=None,
        high=None,
        unit="",
        expect=claim.expect.text if claim.expect is not None else None,
        how="",
        conditions="",
        section=claim.section,
        place=claim.place,
        document=claim.document or (source if claim.section else None),
        note=claim.note,
    )
    if claim.not_simulated is not None:
        return replace(blank, status="not simulated", reason=claim.not_simulated)
    try:
        if claim.metric is not None:
            return _by_run(blank, claim, arithmetic, runs)
        if claim.statistics is not None:
            return _by_statistics(blank, claim, arithmetic)
        return _by_formula(blank, claim, arithmetic)
    except FormulaError as error:
        return replace(blank, reason=f"{error}")


def _by_formula(blank: Checked, claim: Claim, arithmetic: Arithmetic) -> Checked:
    assert claim.formula is not None and claim.expect is not None
    quantity = arithmetic.value(claim.formula)
    bounds = [arithmetic.value(bound.figure) for bound in claim.expect.bounds]
    value, unit, shown = readable(quantity, bounds[0])
    if not unit:
        in_per_cent = any("%" in bound.figure.text for bound in claim.expect.bounds)
        unit = SHARE if in_per_cent else RATIO
        shown = share_text(value) if in_per_cent else with_unit(shown, RATIO)
    written = arithmetic.derivation(claim.formula)
    found = replace(
        blank,
        value=value,
        low=value,
        high=value,
        unit=unit,
        how=shown if written == shown else f"{written} = {shown}",
    )
    for bound in bounds:
        if unit_dimensions(bound) != unit_dimensions(quantity):
            reason = f"wrong unit: the formula gives {shown}, expected is {blank.expect}"
            return replace(found, status="fails", reason=reason)
    base = float(quantity.to_base_units().magnitude)
    limits = [float(bound.to_base_units().magnitude) for bound in bounds]
    return replace(found, status=_decide(claim.expect.bounds, limits, base, base, base))


def _by_statistics(blank: Checked, claim: Claim, arithmetic: Arithmetic) -> Checked:
    assert claim.statistics is not None and claim.expect is not None
    value = claim.statistics.value
    limits = [_plain(arithmetic, bound.figure) for bound in claim.expect.bounds]
    return replace(
        blank,
        status=_decide(claim.expect.bounds, limits, value, value, value),
        value=value,
        low=value,
        high=value,
        unit=_unit_of_statistic(claim, arithmetic),
        how=claim.statistics.derivation(),
    )


def _unit_of_statistic(claim: Claim, arithmetic: Arithmetic) -> str:
    """That of the bound where it counts something: 10 000 users."""
    assert claim.statistics is not None and claim.expect is not None
    own = unit_of_statistic(claim.statistics.report)
    counted = readable(arithmetic.value(claim.expect.bounds[0].figure))[1]
    return counted if own == "samples" and counted else own


def _plain(arithmetic: Arithmetic, figure: Formula) -> float:
    quantity = arithmetic.value(figure)
    if unit_dimensions(quantity) == {"[time]": 1}:
        return float(quantity.to("day").magnitude)
    return float(quantity.to_base_units().magnitude)


def _by_run(
    blank: Checked, claim: Claim, arithmetic: Arithmetic, runs: dict[Condition, Measured]
) -> Checked:
    assert claim.metric is not None and claim.expect is not None
    condition, other = condition_of(claim), other_condition(claim)
    how = claim.metric.text + (f" of {claim.of_class}" if claim.of_class else "")
    if other is not None:
        how += f", {claim.as_} to {claim.versus}"
    bounds = [arithmetic.value(bound.figure) for bound in claim.expect.bounds]
    unit = unit_of_metric(claim.metric, claim.expect, claim.as_, bounds[0])
    measured = runs[condition]
    conditions = condition.told(measured.document.get("cells", 1.0))
    found = replace(blank, how=how, conditions=conditions, unit=unit)
    if measured.failure is not None:
        return replace(found, reason=measured.failure)
    reading = _evaluated(claim, measured)
    if other is not None and reading.value is not None:
        if runs[other].failure is not None:
            return replace(found, reason=runs[other].failure or "")
        reading = _compared(reading, _evaluated(claim, runs[other]), claim.as_ == "ratio")
    if reading.value is None:
        return replace(found, reason=reading.reason or "not measured")
    limits = [_limit(bound, found.unit, claim) for bound in bounds]
    low = reading.value if reading.low is None else reading.low
    high = reading.value if reading.high is None else reading.high
    status = _decide(claim.expect.bounds, limits, reading.value, low, high)
    found = replace(found, status=status, value=reading.value, low=reading.low, high=reading.high)
    return _if_unstable(found, claim, measured)


def _if_unstable(found: Checked, claim: Claim, measured: Measured) -> Checked:
    """A latency in a growing backlog depends on the length of the run: its bound is missed.

    Where what is too much is turned away there is no backlog, and the run says what it says.
    """
    assert claim.metric is not None and claim.expect is not None
    if measured.document.get("stable", True) or claim.faults or claim.duration is not None:
        return found
    if measured.document.get("sheds"):
        refused = refused_share(measured.document, claim.of_class)
        return replace(found, reason=f"steady, refuses {100.0 * refused:.2g}%")
    timed = found.unit == "s" and claim.as_ is None
    upper = all(bound.operator in ("<", "<=") for bound in claim.expect.bounds)
    reason = measured.document["verdict"]["sentence"]
    if timed and upper and _waits_in_it(claim, measured):
        return replace(found, status="fails", reason=reason)
    said = reason if found.unit == "stable" else f"not stable: {reason}"
    return replace(found, reason=said)


def _waits_in_it(claim: Claim, measured: Measured) -> bool:
    """Whether the backlog adds to a time; to any that is not of requests, for all we know."""
    assert claim.metric is not None
    if {word.partition(".")[0] for word in claim.metric.words} - set(TIMES):
        return True
    delayed = measured.document["delayed"]
    return claim.of_class in delayed if claim.of_class else bool(delayed)


def _evaluated(claim: Claim, measured: Measured) -> Reading:
    """The metric of a claim: one reading, or arithmetic of several."""
    assert claim.metric is not None
    readings = dict(zip(claim.metric.words, _words(claim), strict=True))
    found = {word: measured.readings[path] for word, path in readings.items()}
    missing = [word for word, reading in found.items() if reading.value is None]
    if missing:
        return found[missing[0]]
    if claim.metric.tree.what == "word":
        return next(iter(found.values()))
    return combined(claim.metric, found)


def combined(formula: Formula, readings: dict[str, Reading]) -> Reading:
    """Arithmetic of readings: pooled value, and an interval over replications."""
    from simulator.metrics.confidence import scalar_interval

    def value(words: dict[str, float]) -> float:
        def noun(name: str) -> float:
            raise FormulaError(f"`{name}` is no metric")

        return plain_number(evaluate(formula.tree, words.__getitem__, noun), "a metric")

    pooled = value({word: reading.value or 0.0 for word, reading in readings.items()})
    counts = {len(reading.each) for reading in readings.values()}
    if len(counts) != 1 or counts == {0}:
        return Reading(pooled)
    each = tuple(
        value({word: reading.each[number] for word, reading in readings.items()})
        for number in range(counts.pop())
    )
    arm = scalar_interval(each).half_width
    return (
        Reading(pooled, pooled - arm, pooled + arm, each)
        if math.isfinite(arm)
        else Reading(pooled, None, None, each)
    )


def _compared(own: Reading, other: Reading, ratio: bool) -> Reading:
    """Difference or ratio of two readings: paired by replication where both have them."""
    from simulator.metrics.confidence import scalar_interval

    if own.value is None or other.value is None:
        return Reading(None, reason=other.reason)
    if ratio and not other.value:
        return Reading(None, reason="the other design's value is 0")
    value = own.value / other.value if ratio else own.value - other.value
    pairs = list(zip(own.each, other.each, strict=False))
    if len(pairs) < 2 or len(own.each) != len(other.each) or (ratio and not all(other.each)):
        return Reading(value)
    each = [a / b if ratio else a - b for a, b in pairs]
    arm = scalar_interval(each).half_width
    return Reading(value, value - arm, value + arm, tuple(each))


def _decide(
    bounds: Sequence[Bound], limits: Sequence[float], value: float, low: float, high: float
) -> Decision:
    decisions = {
        bound.decide(value, low, high, limit) for bound, limit in zip(bounds, limits, strict=True)
    }
    if "fails" in decisions:
        return "fails"
    return "unsure" if "unsure" in decisions else "holds"


def _limit(quantity: Any, unit: str, claim: Claim) -> float:
    """A bound in the unit of the metric; counted things do not matter, time and money do."""
    assert claim.metric is not None
    metric = claim.metric
    dimensions = {
        name.strip("[]"): power
        for name, power in unit_dimensions(quantity).items()
        if name.strip("[]") in ("time", "money", "data")
    }
    base = float(quantity.to_base_units().magnitude)
    if unit == "USD/1k requests":
        per_request = "[request]" in unit_dimensions(quantity)
        return base * 1000.0 if per_request else base
    if dimensions == {"money": 1, "time": -1}:
        period = ".".join(metric.text.split(".")[-2:])
        return base * PERIOD_OF.get(period, SECONDS_PER_HOUR)
    measured = metric.tree.what == "word" and claim.as_ != "ratio"
    rate = {"time": -1}
    expected = {"s": {"time": 1}, "share": {}, "requests/s": rate, "calls/s": rate}.get(unit)
    if measured and expected is not None and dimensions != expected and base != 0.0:
        raise FormulaError(f"wrong unit: `{metric.text}` is in {unit}, expected is {claim.expect}")
    return base


__all__ = [
    "SEED", "Check", "Checked", "check_claims_of", "combined", "worst_first",
]  # fmt: skip
