"""The unit of every figure that claims and cards show: none is a bare number.

A unit is a word that :mod:`simulator.interview.numbers` can print: ``s``, ``share`` (a fraction,
shown in per cent), ``points`` (a difference of shares), ``x`` (a ratio), ``stable`` (1 or 0),
``p`` and ``z`` (statistics), ``USD/...``, a rate such as ``requests/s``, or a counted thing.
"""

from typing import Any

from simulator.studies.estimates import unit_text
from simulator.topology.expectation import Expected
from simulator.topology.formula import Formula, FormulaError, evaluate, unit_dimensions
from simulator.topology.units import unit_registry

SHARES = frozenset({"errors", "availability", "quality", "degraded", "utilization"})
RATIO, SHARE, POINTS = "x", "share", "points"


def unit_of_word(word: str) -> str:
    """The unit of a metric by its path."""
    parts = word.split(".")
    if parts[0] == "classes":
        parts = parts[2:]
    if parts[0] == "components":
        return _unit_of_component(parts[2:])
    if parts[0] == "paper":
        return "requests/s" if parts[-1] == "capacity_rps" else SHARE
    if parts[0] in ("throughput", "goodput"):
        return "requests/s"
    if parts[0] == "cost":
        period = parts[-1].removeprefix("per_").replace("hour", "h")
        return "USD/1k requests" if period == "1k_requests" else f"USD/{period}"
    if parts[0] in SHARES:
        return SHARE
    return "stable" if parts[0] == "stable" else "s"


def _unit_of_component(parts: list[str]) -> str:
    measure = parts[0]
    known = {"wait": "s", "service": "s", "span": "s", "utilization": SHARE,
             "throughput": "calls/s", "queue_length": "calls", "servers": "servers",
             "cost": "USD/h"}  # fmt: skip
    if measure in known:
        return known[measure]
    meter = measure if measure.endswith("_per_s") else parts[1]
    for ending, unit in (("_per_s", "/s"), ("_total", "/s"), ("_area", ""), ("_length", "")):
        if meter.endswith(ending):
            return _words(meter.removesuffix(ending)) + unit
    return _words(meter)


def _words(name: str) -> str:
    return name.replace("_", " ")


def unit_of_metric(metric: Formula, expect: Expected, as_: str | None, bound: Any) -> str:
    """The unit of a metric of a claim, or of arithmetic of several.

    A ratio is a share if the claim expects per cent. Arithmetic is in the unit of the claim's own
    bound (``tokens/s``) where that has one, and else in what follows from the units of its parts.
    """
    in_per_cent = any("%" in part.figure.text for part in expect.bounds)
    if as_ == "ratio":
        return SHARE if in_per_cent else RATIO
    if metric.tree.what == "word":
        unit = unit_of_word(metric.text)
        return POINTS if as_ == "difference" and unit == SHARE else unit
    if in_per_cent:
        return SHARE
    if unit_dimensions(bound) and "[money]" not in unit_dimensions(bound):
        return unit_text(dict(bound.to_base_units().unit_items()), 2.0)
    return _unit_of_arithmetic(metric)


def _unit_of_arithmetic(metric: Formula) -> str:
    units = {word: unit_of_word(word) for word in metric.words}
    first = next(iter(units.values()))
    registry = unit_registry()

    def quantity(word: str) -> Any:
        unit = units[word]
        period = registry.Unit("request / s") if unit.endswith("/s") else None
        named = {"s": registry.Unit("s"), "USD/1k requests": registry.Unit("USD / request")}
        named |= {unit: registry.Unit("USD / s")} if unit.startswith("USD/h") else {}
        return registry.Quantity(1.0, period or named.get(unit, ""))

    try:
        value = evaluate(metric.tree, quantity, lambda name: registry.Quantity(1.0, ""))
    except FormulaError:
        return first
    if unit_dimensions(value) == unit_dimensions(quantity(metric.words[0])):
        return first if first != SHARE else RATIO
    if not unit_dimensions(value):
        return RATIO
    return unit_text(dict(value.to_base_units().unit_items()), 2.0)


def unit_of_statistic(report: str) -> str:
    """The unit of a result of a statistical calculation."""
    named = {"p_value": "p", "z": "z", "days": "days", "per_arm": "samples", "total": "samples"}
    return named.get(report, SHARE)
