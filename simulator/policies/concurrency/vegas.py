"""Vegas, after the congestion control of TCP."""

import math
from typing import ClassVar

from pydantic import PositiveInt

from simulator.kernel.site import Draw
from simulator.policies.concurrency.limit import ConcurrencyLimit, Controller


class Vegas(ConcurrencyLimit):
    """Estimates the queue from the best latency seen: `vegas: {initial: 20}`.

    `queue = ceil(limit * (1 - best / now))`, log = log10(limit). Up by 6 log while the queue is at
    most log, up by log below 3 log, down by log above 6 log or after a drop. The best
    latency is measured anew about every `probe * limit` calls. Source: Netflix
    concurrency-limits, VegasLimit.
    """

    key: ClassVar[str] = "vegas"
    initial: PositiveInt = 20
    """Limit at the start."""
    max: PositiveInt = 1000
    """Largest limit (`maxConcurrency`)."""
    probe: PositiveInt = 30
    """Calls between two measurements of the best latency, per unit of the limit."""

    def controller(self, uniform: Draw) -> Controller:
        return VegasController(self, uniform)


class VegasController(Controller):
    """The limit and the best latency seen since the last probe."""

    def __init__(self, spec: Vegas, uniform: Draw) -> None:
        self.spec = spec
        self.uniform = uniform
        self.limit = float(spec.initial)
        self.best_s = 0.0
        self.calls = 0
        self.jitter = 0.5 + 0.5 * uniform()

    def ended(self, seconds: float, in_flight: int, dropped: bool, now: float) -> None:
        self.calls += 1
        if self.jitter * self.spec.probe * self.limit <= self.calls:
            self.jitter = 0.5 + 0.5 * self.uniform()
            self.calls = 0
            self.best_s = seconds
            return
        if self.best_s == 0.0 or seconds < self.best_s:
            self.best_s = seconds
            return
        self._move(seconds, in_flight, dropped)

    def _move(self, seconds: float, in_flight: int, dropped: bool) -> None:
        step = max(1.0, math.floor(math.log10(self.limit)))
        queue = math.ceil(self.limit * (1.0 - self.best_s / seconds))
        if dropped:
            limit = self.limit - step
        elif in_flight * 2 < self.limit:
            return
        elif queue <= step:
            limit = self.limit + 6.0 * step
        elif queue < 3.0 * step:
            limit = self.limit + step
        elif queue > 6.0 * step:
            limit = self.limit - step
        else:
            return
        self.limit = max(1.0, min(float(self.spec.max), limit))
