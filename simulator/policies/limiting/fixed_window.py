"""Counting per calendar window."""

import math
from typing import ClassVar

from simulator.policies.limiting.algorithm import Limiter, RateAlgorithm
from simulator.quantities import PositiveDuration


class FixedWindow(RateAlgorithm):
    """`rate * window` calls in each window, and the count starts anew: `fixed_window: 1s`.

    Lets through up to twice that within one window's length across an edge. `burst` plays no
    part. Calls that may wait reserve a place in a later window. Sources: Kong `rate-limiting`;
    resilience4j RateLimiter (`limitForPeriod`, `limitRefreshPeriod`).
    """

    key: ClassVar[str] = "fixed_window"
    window: PositiveDuration = 1.0
    """Length of a window; windows begin at multiples of it."""

    def limiter(self, rate: float, burst: float, now: float) -> Limiter:
        return Windowed(rate * self.window, self.window)


class Windowed:
    """What was taken in the current window, reservations for later ones included."""

    def __init__(self, limit: float, window_s: float) -> None:
        self.limit = limit
        self.window_s = window_s
        self.number = 0
        self.taken = 0.0

    def take(self, tokens: float, now: float, patience_s: float) -> float | None:
        """Seconds until the window that has room, or None if that is too long."""
        number = math.floor(now / self.window_s + 1e-9)
        if number > self.number:
            self.taken = max(self.taken - (number - self.number) * self.limit, 0.0)
            self.number = number
        ahead = math.ceil((self.taken + tokens) / self.limit - 1e-9) - 1
        wait = max((number + ahead) * self.window_s - now, 0.0) if ahead > 0 else 0.0
        if wait > patience_s or tokens > self.limit + 1e-9:
            return None
        self.taken += tokens
        return wait
