"""Envoy's adaptive concurrency."""

import math
from typing import ClassVar

from pydantic import Field, PositiveInt

from simulator.kernel.site import Draw
from simulator.policies.concurrency.limit import ConcurrencyLimit, Controller
from simulator.quantities import Fraction, PositiveDuration


class EnvoyGradient(ConcurrencyLimit):
    """Compares a percentile of the latency with its minimum: `envoy_gradient: {update: 100ms}`.

    Every `update`: `gradient = min_latency * (1 + buffer) / latency`, within 0.5 and 2, and
    `limit = gradient * limit + sqrt(limit)`. The minimum is measured every `min_interval` (plus
    jitter) by holding the limit at `min_concurrency` for `min_calls` calls, which refuses much
    of the traffic meanwhile. Source: Envoy adaptive concurrency filter.
    """

    key: ClassVar[str] = "envoy_gradient"
    update: PositiveDuration = 0.1
    """Time between two updates (`concurrency_update_interval`)."""
    percentile: Fraction = Field(0.5, gt=0.0, lt=1.0)
    """Percentile of the latency that is compared (`sample_aggregate_percentile`)."""
    max: PositiveInt = 1000
    """Largest limit (`max_concurrency_limit`)."""
    min_concurrency: PositiveInt = 3
    """Limit while the minimum is measured, and at the start."""
    min_interval: PositiveDuration = 60.0
    """Time between two measurements of the minimum."""
    min_calls: PositiveInt = 50
    """Calls that a measurement takes (`request_count`)."""
    jitter: Fraction = 0.15
    """Random addition to `min_interval`, as a share of it."""
    buffer: Fraction = 0.25
    """Rise of the latency that is still taken for noise."""

    def controller(self, uniform: Draw) -> Controller:
        return EnvoyController(self, uniform)


class EnvoyController(Controller):
    """Alternates between measuring the minimum and following the gradient."""

    def __init__(self, spec: EnvoyGradient, uniform: Draw) -> None:
        self.spec = spec
        self.uniform = uniform
        self.limit = float(spec.min_concurrency)
        self.before = self.limit
        self.samples: list[float] = []
        self.best_s: float | None = None
        self.measured_at = self.updated_at = 0.0

    def begins(self, now: float) -> None:
        spec = self.spec
        if self.best_s is None:
            return
        if now >= self.measured_at:
            self.best_s = None
            self.before, self.limit = self.limit, float(spec.min_concurrency)
            self.samples.clear()
        elif now - self.updated_at >= spec.update:
            self.updated_at = now
            if self.samples:
                latency = self._percentile()
                gradient = self.best_s * (1.0 + spec.buffer) / latency if latency else 2.0
                wanted = min(max(gradient, 0.5), 2.0) * self.limit + math.sqrt(self.limit)
                self.limit = float(min(max(int(wanted), spec.min_concurrency), spec.max))
                self.samples.clear()

    def ended(self, seconds: float, in_flight: int, dropped: bool, now: float) -> None:
        self.samples.append(seconds)
        spec = self.spec
        if self.best_s is None and len(self.samples) >= spec.min_calls:
            self.best_s = self._percentile()
            self.limit = self.before
            self.samples.clear()
            self.updated_at = now
            self.measured_at = now + spec.min_interval * (1.0 + spec.jitter * self.uniform())

    def _percentile(self) -> float:
        ordered = sorted(self.samples)
        return ordered[min(int(self.spec.percentile * len(ordered)), len(ordered) - 1)]
