"""Netflix's Gradient2."""

from typing import ClassVar

from pydantic import Field, PositiveInt

from simulator.kernel.site import Draw
from simulator.policies.concurrency.limit import ConcurrencyLimit, Controller


class Gradient2(ConcurrencyLimit):
    """Compares the latency now with its long-run average: `gradient2: {initial: 20}`.

    `gradient = max(0.5, min(1, tolerance * long / now))` and
    `limit = (1 - smoothing) * limit + smoothing * (limit * gradient + queue)`. The long-run
    average decays faster while it is more than twice the present latency, and the limit stays
    where it is while less than half of it is in use. Source: Netflix concurrency-limits,
    Gradient2Limit.
    """

    key: ClassVar[str] = "gradient2"
    initial: PositiveInt = 20
    """Limit at the start."""
    min: PositiveInt = 20
    """Smallest limit."""
    max: PositiveInt = 200
    """Largest limit (`maxConcurrency`)."""
    smoothing: float = Field(0.2, gt=0.0, le=1.0)
    """Weight of the new limit."""
    long_window: PositiveInt = 600
    """Calls that the long-run average looks back on (`longWindow`)."""
    tolerance: float = Field(1.5, ge=1.0)
    """Rise of the latency that is still taken for noise (`rttTolerance`)."""
    queue: PositiveInt = 4
    """Calls that may queue at the callee (`queueSize`)."""

    def controller(self, uniform: Draw) -> Controller:
        return Gradient2Controller(self)


class Gradient2Controller(Controller):
    """The limit and the long-run latency, an average that starts as the mean of ten calls."""

    def __init__(self, spec: Gradient2) -> None:
        self.spec = spec
        self.limit = float(spec.initial)
        self.long_s = 0.0
        self.calls = 0

    def ended(self, seconds: float, in_flight: int, dropped: bool, now: float) -> None:
        spec = self.spec
        self.calls += 1
        weight = 1.0 / self.calls if self.calls <= 10 else 2.0 / (spec.long_window + 1)
        self.long_s += weight * (seconds - self.long_s)
        if seconds <= 0.0:
            return
        if self.long_s / seconds > 2.0:
            self.long_s *= 0.95
        if in_flight < self.limit / 2.0:
            return
        gradient = max(0.5, min(1.0, spec.tolerance * self.long_s / seconds))
        wanted = self.limit * gradient + spec.queue
        limit = self.limit * (1.0 - spec.smoothing) + wanted * spec.smoothing
        self.limit = max(float(spec.min), min(float(spec.max), limit))
