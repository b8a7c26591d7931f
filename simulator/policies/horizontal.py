"""The decision of Kubernetes' horizontal pod autoscaler, without a clock or pods.

Source: the algorithm and the default `behavior` in the Kubernetes documentation ("Horizontal Pod
Autoscaling"), and `pkg/controller/podautoscaler` for the rounding of percent policies and for the
number of pods it finds, which counts as the first recommendation.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil, inf
from typing import Literal

from pydantic import Field, PositiveFloat

from simulator.kernel.spec import Spec
from simulator.quantities import Duration, Fraction, PositiveDuration


class ScalingPolicy(Spec):
    """The most that may change within a period: `{percent: 100%, period: 15s}` or `{pods: 4}`."""

    percent: Fraction | PositiveFloat | None = None
    """Share of the replicas there were at the beginning of the period; 1 doubles them."""
    pods: int | None = Field(None, ge=1)
    """Number of replicas."""
    period: PositiveDuration = 15.0
    """Length of the period."""


class Behavior(Spec):
    """How fast one direction may go."""

    stabilization: Duration
    """Look back so far, and take the most cautious recommendation."""
    policies: list[ScalingPolicy] = Field(default_factory=list)
    """Limits on the change; none if empty."""
    select: Literal["max", "min", "disabled"] = "max"
    """Which of several limits counts; `disabled` never scales this way."""


def scale_up_default() -> Behavior:
    """At once, by 100 % or 4 pods per 15 s, whichever is more."""
    policies = [{"percent": "100%"}, {"pods": 4}]
    return Behavior.model_validate({"stabilization": "0s", "policies": policies})


def scale_down_default() -> Behavior:
    """After five minutes, without a limit."""
    policies = [{"percent": "100%"}]
    return Behavior.model_validate({"stabilization": "300s", "policies": policies})


@dataclass
class Horizontal:
    """Recommends a number of replicas, remembering what it recommended and what was done.

    ``decide`` is called once per sync period. ``ratio`` is metric over target; ``ready`` replicas
    serve, ``unready`` ones are starting and count as using nothing when scaling up.
    """

    least: int
    most: int
    tolerance: float = 0.1
    up: Behavior = field(default_factory=scale_up_default)
    down: Behavior = field(default_factory=scale_down_default)
    history: list[tuple[float, int]] = field(default_factory=list)
    changes: list[tuple[float, int]] = field(default_factory=list)

    def raw(self, ratio: float, ready: int, unready: int = 0) -> int:
        """What the metric asks for, before stabilization and limits."""
        current = ready + unready
        if abs(ratio - 1.0) <= self.tolerance:
            return current
        if unready and ratio > 1.0:
            # Those that are starting are taken into the average, with no use at all.
            diluted = ratio * ready / current
            if diluted <= 1.0 or abs(diluted - 1.0) <= self.tolerance:
                return current
            return ceil(round(diluted * current, 9))
        return ceil(round(ratio * ready, 9))

    def decide(self, now: float, ratio: float, ready: int, unready: int = 0) -> int:
        """The number of replicas there should be now."""
        return self.limit(now, self.raw(ratio, ready, unready), ready + unready)

    def limit(self, now: float, wanted: int, current: int) -> int:
        """The wanted number after stabilization, speed limits and bounds; notes the change."""
        if not self.history:
            # What it finds is its first recommendation: too many pods are kept for the window.
            self.history.append((now, current))
        horizon = max(self.up.stabilization, self.down.stabilization)
        self.history = [(at, count) for at, count in self.history if at > now - horizon - 1e-9]
        self.history.append((now, wanted))
        highest = self._over(now, self.down.stabilization, max)
        lowest = self._over(now, self.up.stabilization, min)
        desired = current
        if current < lowest:
            desired = lowest
        elif current > highest:
            desired = highest
        desired = min(max(desired, self.least), self.most)
        if desired > current:
            desired = int(min(desired, self._ceiling(now, current)))
        elif desired < current:
            desired = int(max(desired, self._floor(now, current)))
        if desired != current:
            self.changes.append((now, desired - current))
        return desired

    def _over(self, now: float, window_s: float, pick: Callable[[list[int]], int]) -> int:
        recent = [count for at, count in self.history if at >= now - window_s + 1e-9]
        return pick(recent or [self.history[-1][1]])

    def _changed(self, now: float, period_s: float, sign: int) -> int:
        kept = [(at, by) for at, by in self.changes if at > now - 3600.0]
        self.changes = kept
        return sum(by for at, by in kept if by * sign > 0 and at > now - period_s + 1e-9)

    def _ceiling(self, now: float, current: int) -> float:
        if self.up.select == "disabled":
            return current
        limits = []
        for policy in self.up.policies:
            start = current - self._changed(now, policy.period, 1)
            if policy.pods is not None:
                limits.append(start + policy.pods)
            if policy.percent is not None:
                limits.append(ceil(round(start * (1.0 + policy.percent), 9)))
        if not limits:
            return inf
        return max(limits) if self.up.select == "max" else min(limits)

    def _floor(self, now: float, current: int) -> float:
        if self.down.select == "disabled":
            return current
        limits = []
        for policy in self.down.policies:
            start = current - self._changed(now, policy.period, -1)
            if policy.pods is not None:
                limits.append(start - policy.pods)
            if policy.percent is not None:
                # Truncated, so that 10 % of 72 takes away 8.
                limits.append(int(round(start * (1.0 - policy.percent), 9)))
        if not limits:
            return 0
        return min(limits) if self.down.select == "max" else max(limits)
