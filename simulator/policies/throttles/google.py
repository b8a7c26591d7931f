"""Google's adaptive throttling."""

from typing import ClassVar

from pydantic import Field

from simulator.policies.throttles.throttle import Throttle
from simulator.quantities import PositiveDuration


class AdaptiveThrottle(Throttle):
    """Refuses with probability `(requests - k * accepts) / (requests + 1)`: `google: {k: 2}`.

    Requests are all that were attempted, those refused here included. The callee then receives
    at most about `k` times what it accepts. Source: Site Reliability Engineering (2016), chapter
    21, Handling Overload (`k` 2, two minutes).
    """

    key: ClassVar[str] = "google"
    k: float = Field(2.0, ge=1.0)
    """How many times what the callee accepts is still sent to it."""
    window: PositiveDuration = 120.0
    """How far it looks back."""

    @property
    def window_s(self) -> float:
        return self.window

    def refusal(self, asked: float, accepted: float) -> float:
        return max(0.0, (asked - self.k * accepted) / (asked + 1.0))
