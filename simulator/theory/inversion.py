"""Numerical inversion of a tail probability: from P(X > t) to a quantile."""

from __future__ import annotations

from collections.abc import Callable


def quantile_of_tail(
    tail: Callable[[float], float], p: float, guess: float, tolerance: float = 1e-12
) -> float:
    """The smallest t >= 0 with ``tail(t) <= 1 - p``, by doubling from ``guess`` and bisection.

    ``tail`` must not increase and must fall to 0. ``tolerance`` is relative to the answer.
    """
    if not 0.0 <= p < 1.0:
        raise ValueError(f"a quantile needs 0 <= p < 1, got {p}")
    beyond = 1.0 - p
    low, high = 0.0, max(guess, 1e-300)
    if tail(0.0) <= beyond:
        return 0.0
    while tail(high) > beyond:
        low, high = high, 2.0 * high
    while high - low > tolerance * high:
        middle = 0.5 * (low + high)
        if tail(middle) > beyond:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)
