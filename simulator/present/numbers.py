"""Numbers as people read them: three significant digits and a unit."""

import math
from typing import Any

from simulator.quantities import told_duration
from simulator.quantities.grouping import grouped

ROUNDING = 1e-9
"""What sums of the same number in another order may differ by, as a share of it."""

DURATION_METRICS = frozenset({"latency", "ttft", "tpot"})


def seconds(value: float | None) -> str:
    """A duration; a dash for nothing."""
    return "–" if value is None else told_duration(value)


def percent(value: float | None) -> str:
    """A share as a percentage; small shares keep three significant digits."""
    if value is None:
        return "–"
    scaled = 100.0 * value
    if 90.0 <= scaled < 100.0 and abs(scaled - round(scaled)) > 1e-9:
        # What is missing from 100 matters here: 98.6, 99.95, 99.998.
        digits = max(1, 1 - math.floor(math.log10(100.0 - scaled)))
        return f"{scaled:.{digits}f}%"
    return f"{scaled:.0f}%" if scaled >= 10 or scaled == 0 else f"{scaled:.3g}%"


def part(value: float) -> str:
    """A part of a whole, to the per cent."""
    return "<1%" if 0.0 < value < 0.005 else f"{value:.0%}"


def dollars(value: float | None) -> str:
    """An amount of money."""
    if value is None:
        return "–"
    for size, letter in ((1e9, "B"), (1e6, "M")):
        if abs(value) >= size:
            return f"${value / size:.3g}{letter}"
    if abs(value) >= 1000:
        return f"${grouped(float(f'{value:.3g}'))}"
    if abs(float(f"{value:.3g}")) >= 1:
        return f"${value:.2f}"
    text = f"${value:.3g}"
    # A dime is $0.10; what is smaller than a cent keeps its digits.
    return f"{text}0" if len(text.partition(".")[2]) == 1 else text


def count(value: float | None) -> str:
    """A number of things."""
    if value is None:
        return "–"
    if abs(value) >= 1000:
        return grouped(value)
    return f"{value:.3g}"


def things(number: float, noun: str) -> str:
    """So many of them: ``1 run``, ``2 runs``."""
    return f"{count(number)} {noun}" if number == 1 else f"{count(number)} {noun}s"


def of_metric(metric: str, value: float | None) -> str:
    """A value of the named metric in its unit."""
    name = metric.rpartition(".")[2]
    if name in {"errors", "availability", "quality", "degraded", "utilization"}:
        return percent(value)
    if name in {"throughput", "goodput"}:
        return "–" if value is None else f"{count(value)}/s"
    return dollars(value) if name == "cost" else seconds(value)


def plus_minus(metric: str, interval: dict[str, float | None]) -> str:
    """The half-width of an interval; empty if there is none."""
    low, high = interval.get("low"), interval.get("high")
    if low is None or high is None or high - low <= ROUNDING * abs(high):
        return ""
    return f"±{of_metric(metric, (high - low) / 2.0)}"


def finite(value: Any) -> Any:
    """A document in which null stands for what is no number: JSON knows no infinity."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
