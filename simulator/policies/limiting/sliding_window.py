"""Counting over the last while."""

import math
from collections import deque
from typing import ClassVar, Literal

from simulator.policies.limiting.algorithm import Limiter, RateAlgorithm
from simulator.quantities import PositiveDuration


class SlidingWindow(RateAlgorithm):
    """`rate * window` calls in any window: `sliding_window: {window: 1s, count: log}`.

    A `log` keeps the time of every call and is exact. A `counter` keeps two fixed windows and
    takes the earlier one in proportion to how much of it the sliding window still covers
    (Cloudflare; Kong `rate-limiting-advanced`). `burst` plays no part, and calls are not kept
    waiting.
    """

    key: ClassVar[str] = "sliding_window"
    window: PositiveDuration = 1.0
    """Length of the window."""
    count: Literal["log", "counter"] = "log"
    """How calls are remembered."""

    def limiter(self, rate: float, burst: float, now: float) -> Limiter:
        limit = rate * self.window
        return Log(limit, self.window) if self.count == "log" else TwoCounters(limit, self.window)


class Log:
    """The times of all calls in the window."""

    def __init__(self, limit: float, window_s: float) -> None:
        self.limit = limit
        self.window_s = window_s
        self.calls: deque[tuple[float, float]] = deque()
        self.taken = 0.0

    def take(self, tokens: float, now: float, patience_s: float) -> float | None:
        """0, or None if the window is full."""
        calls = self.calls
        while calls and calls[0][0] <= now - self.window_s:
            self.taken -= calls.popleft()[1]
        if self.taken + tokens > self.limit + 1e-9:
            return None
        calls.append((now, tokens))
        self.taken += tokens
        return 0.0


class TwoCounters:
    """The counts of the current fixed window and of the one before it."""

    def __init__(self, limit: float, window_s: float) -> None:
        self.limit = limit
        self.window_s = window_s
        self.number = 0
        self.current = self.previous = 0.0

    def take(self, tokens: float, now: float, patience_s: float) -> float | None:
        """0, or None if the weighted count is full."""
        number = math.floor(now / self.window_s)
        if number != self.number:
            self.previous = self.current if number == self.number + 1 else 0.0
            self.current = 0.0
            self.number = number
        covered = 1.0 - (now / self.window_s - number)
        if self.previous * covered + self.current + tokens > self.limit + 1e-9:
            return None
        self.current += tokens
        return 0.0
