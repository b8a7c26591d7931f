"""The decision of Knative's pod autoscaler (KPA), without a clock or pods."""

from dataclasses import dataclass
from math import ceil, floor, inf

from pydantic import Field, PositiveFloat

from simulator.kernel.spec import Spec
from simulator.quantities import Fraction, PositiveDuration


class Knative(Spec):
    """Scale by concurrency over two windows: `knative: {stable_window: 60s, panic_window: 6s}`.

    The `target` is requests inside per replica. A short window that asks for `panic_threshold`
    times the replicas there are starts a panic: replicas are only added, until a whole stable
    window has passed without such a reading. Source: knative/serving
    `pkg/autoscaler/scaling/autoscaler.go` and the `config-autoscaler` defaults (a target of 70 %
    of the container's concurrency, a decision every 2 s).
    """

    stable_window: PositiveDuration = 60.0
    """Time over which concurrency is averaged."""
    panic_window: PositiveDuration = 6.0
    """The short window (`panic-window-percentage`, 10 % of the stable one)."""
    panic_threshold: Fraction | PositiveFloat = Field(2.0, gt=1.0)
    """Replicas the short window asks for, over those there are, that start a panic."""
    max_scale_up_rate: PositiveFloat = Field(1000.0, gt=1.0)
    """Largest factor by which replicas grow at once."""
    max_scale_down_rate: PositiveFloat = Field(2.0, gt=1.0)
    """Largest factor by which they shrink at once."""


@dataclass
class Panicking:
    """Recommends a number of replicas, remembering since when it panics and how high it went."""

    spec: Knative
    target: float
    since: float = -inf
    most: int = 0

    @property
    def panics(self) -> bool:
        """Whether only more replicas are accepted."""
        return self.since > -inf

    def decide(self, now: float, stable: float, panic: float, ready: int) -> int:
        """Replicas for the mean concurrency over the long and over the short window."""
        spec, there = self.spec, max(ready, 1)
        highest = ceil(spec.max_scale_up_rate * there)
        lowest = floor(there / spec.max_scale_down_rate)
        asked = ceil(round(panic / self.target, 9))
        desired = min(max(ceil(round(stable / self.target, 9)), lowest), highest)
        if asked / there >= spec.panic_threshold:
            self.since = now
        elif self.panics and self.since + spec.stable_window < now:
            self.since, self.most = -inf, 0
        if not self.panics:
            return desired
        self.most = max(self.most, desired, min(max(asked, lowest), highest))
        return self.most
