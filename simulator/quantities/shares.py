"""Shares of a whole: percentages that add up to 100 %, or relative weights."""

from collections.abc import Mapping
from typing import Any

from simulator.quantities.count import parse_number
from simulator.quantities.fraction import format_fraction, parse_fraction
from simulator.quantities.grammar import IMPOSSIBLE_VALUE
from simulator.quantities.refusal import Location, Refusals

_ROUNDING = 0.002
"""How far from 100 % percentages may add up, for thirds that are written as 33.3%."""


def parse_weight(value: Any) -> float:
    """Read one share: a percentage as its fraction, any other number as it is."""
    is_percentage = isinstance(value, str) and value.strip().endswith("%")
    return parse_fraction(value) if is_percentage else parse_number(value)


def read_shares(written: Mapping[Location, Any], title: str) -> list[float]:
    """Read the shares of a whole, each with its place, and scale them to add up to 1.

    Weights may be any numbers; where all of them are percentages, they have to add up to 100 %.
    Raises ValidationError.
    """
    refusals = Refusals(title)
    weights = [refusals.attempt(place, parse_weight, value) for place, value in written.items()]
    refusals.raise_if_any()
    known = [weight for weight in weights if weight is not None]
    total = sum(known)
    if not 0 < total < float("inf"):
        refusals.add(IMPOSSIBLE_VALUE, f"the shares of this {title} add up to 0", (), None)
    percentages = all(str(value).strip().endswith("%") for value in written.values())
    if percentages and total > 0 and abs(total - 1.0) > _ROUNDING:
        text = f"the shares of this {title} add up to {format_fraction(total)}, not 100%"
        refusals.add(IMPOSSIBLE_VALUE, text, (), None)
    refusals.raise_if_any()
    return [weight / total for weight in known]
