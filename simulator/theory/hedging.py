"""Hedged requests: a second copy is sent if the first has not answered in time.

Source: J. Dean and L. Barroso, The Tail at Scale, CACM 56 (2013). Copies are independent and the
extra load slows nothing down, so this is the most a hedge can gain.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from simulator.theory.inversion import quantile_of_tail

Tail = Callable[[float], float]


def hedged_tail(tail: Tail, delay_s: float) -> Tail:
    """Tail of the first answer of two copies, the second sent after ``delay_s``."""

    def both_late(time_s: float) -> float:
        return tail(time_s) * (tail(time_s - delay_s) if time_s > delay_s else 1.0)

    return both_late


def hedged_quantile(tail: Tail, delay_s: float, p: float) -> float:
    """Quantile ``p`` of the response time with a hedge after ``delay_s``."""
    return quantile_of_tail(hedged_tail(tail, delay_s), p, max(delay_s, 1e-9))


def extra_requests(tail: Tail, delay_s: float) -> float:
    """Share of requests for which the second copy is sent."""
    return tail(delay_s)


def lognormal_tail(median_s: float, sigma: float) -> Tail:
    """Tail of a lognormal time with the given median and log standard deviation."""

    def tail(time_s: float) -> float:
        if time_s <= 0:
            return 1.0
        return 0.5 * math.erfc(math.log(time_s / median_s) / (sigma * math.sqrt(2.0)))

    return tail


def normal_tail(mean_s: float, deviation_s: float) -> Tail:
    """Tail of a normal time."""
    return lambda time_s: 0.5 * math.erfc((time_s - mean_s) / (deviation_s * math.sqrt(2.0)))


def mixture_tail(parts: list[tuple[float, Tail]]) -> Tail:
    """Tail of a mixture of ``(share, tail)`` parts."""
    return lambda time_s: sum(share * tail(time_s) for share, tail in parts)
