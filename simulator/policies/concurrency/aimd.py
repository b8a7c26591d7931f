"""Additive increase, multiplicative decrease."""

from typing import ClassVar

from pydantic import Field, PositiveInt

from simulator.kernel.site import Draw
from simulator.policies.concurrency.limit import ConcurrencyLimit, Controller
from simulator.quantities import PositiveDuration


class Aimd(ConcurrencyLimit):
    """One more per good call, a tenth less per drop: `aimd: {initial: 20, timeout: 5s}`.

    Grows only while at least half the limit is in use; a call slower than `timeout` counts as a
    drop. Source: Netflix concurrency-limits, AIMDLimit.
    """

    key: ClassVar[str] = "aimd"
    initial: PositiveInt = 20
    """Limit at the start."""
    min: PositiveInt = 20
    """Smallest limit."""
    max: PositiveInt = 200
    """Largest limit."""
    backoff: float = Field(0.9, ge=0.5, lt=1.0)
    """Factor on the limit after a drop (`backoffRatio`)."""
    timeout: PositiveDuration = 5.0
    """A slower call counts as a drop."""

    def controller(self, uniform: Draw) -> Controller:
        return AimdController(self)


class AimdController(Controller):
    """The limit as a whole number."""

    def __init__(self, spec: Aimd) -> None:
        self.spec = spec
        self.limit = float(spec.initial)

    def ended(self, seconds: float, in_flight: int, dropped: bool, now: float) -> None:
        spec = self.spec
        if dropped or seconds > spec.timeout:
            self.limit = float(int(self.limit * spec.backoff))
        elif in_flight * 2 >= self.limit:
            self.limit += 1.0
        self.limit = min(max(self.limit, spec.min), spec.max)
