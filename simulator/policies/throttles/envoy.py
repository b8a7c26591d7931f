"""Envoy's admission control."""

from typing import ClassVar

from pydantic import Field

from simulator.kernel.outcome import Outcome
from simulator.policies.throttles.throttle import Throttle
from simulator.quantities import Fraction, PositiveDuration, Rate


class AdmissionControl(Throttle):
    """Refuses as the success rate falls below a threshold: `envoy: {success_rate: 95%}`.

    With n calls and s successes in the window the probability is
    `max(0, (n - s/threshold) / (n + 1)) ^ (1/aggression)`, at most `max_refusal`; calls refused
    here do not count. Source: Envoy admission control filter.
    """

    key: ClassVar[str] = "envoy"
    success_rate: Fraction = Field(0.95, gt=0.0)
    """Success rate below which calls are refused (`sr_threshold`)."""
    aggression: float = Field(1.0, ge=1.0)
    """How sharply the probability rises."""
    min_rate: Rate = 0.0
    """Calls per second below which nothing is refused (`rps_threshold`)."""
    max_refusal: Fraction = 0.8
    """Largest probability to refuse (`max_rejection_probability`)."""
    window: PositiveDuration = 30.0
    """How far it looks back (`sampling_window`)."""

    @property
    def window_s(self) -> float:
        return self.window

    @property
    def counts_own_refusals(self) -> bool:
        return False

    def counts_as_accepted(self, outcome: Outcome) -> bool:
        return outcome.good

    def refusal(self, asked: float, accepted: float) -> float:
        if asked < self.min_rate * self.window:
            return 0.0
        share = max(0.0, (asked - accepted / self.success_rate) / (asked + 1.0))
        return min(float(share ** (1.0 / self.aggression)), self.max_refusal)
