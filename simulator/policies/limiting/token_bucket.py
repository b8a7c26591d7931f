"""The token bucket."""

import math
from typing import ClassVar, Literal

from pydantic import model_validator

from simulator.policies.limiting.algorithm import Limiter, RateAlgorithm
from simulator.policies.token_bucket import TokenBucket as ContinuousBucket
from simulator.quantities import PositiveDuration

SHORT = 1e-9
"""A clock that counts in binary fractions may be a rounding error short of a whole token."""


class TokenBucket(RateAlgorithm):
    """Tokens up to `burst`, which is also what the bucket starts with.

    Filled continuously (Stripe and most cloud limiters), or in steps: `rate * interval` tokens
    every `interval` (Envoy `tokens_per_fill`, `fill_interval`).
    """

    key: ClassVar[str] = "token_bucket"
    fill: Literal["continuous", "discrete"] = "continuous"
    """Whether tokens drip or come in steps."""
    interval: PositiveDuration = 1.0
    """Time between two fills of a discrete bucket."""

    @model_validator(mode="after")
    def _steps(self) -> "TokenBucket":
        if self.fill == "continuous" and "interval" in self.model_fields_set:
            raise ValueError("`interval` has no effect with `fill: continuous`")
        return self

    def limiter(self, rate: float, burst: float, now: float) -> Limiter:
        if self.fill == "continuous":
            return Dripping(rate, burst, now)
        return Stepwise(rate * self.interval, self.interval, burst, now)


class Dripping:
    """A bucket that fills continuously."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.bucket = ContinuousBucket(rate, burst, now)

    def take(self, tokens: float, now: float, patience_s: float) -> float | None:
        """Seconds until the tokens are there, or None if that is too long."""
        bucket = self.bucket
        if patience_s <= 0.0:
            return 0.0 if bucket.take(tokens, now) else None
        wait = bucket.reserve(tokens, now)
        if wait <= patience_s:
            return wait
        bucket.level += tokens
        return None


class Stepwise:
    """A bucket that is filled at regular times; the level goes below 0 for reserved tokens."""

    def __init__(self, per_fill: float, interval_s: float, burst: float, now: float) -> None:
        self.per_fill = per_fill
        self.interval_s = interval_s
        self.burst = burst
        self.level = burst
        self.filled_at = now

    def take(self, tokens: float, now: float, patience_s: float) -> float | None:
        """Seconds until the fill that brings the tokens, or None if that is too long."""
        fills = math.floor((now - self.filled_at) / self.interval_s + SHORT)
        self.filled_at += fills * self.interval_s
        self.level = min(self.level + fills * self.per_fill, self.burst)
        missing = tokens - self.level
        if missing <= SHORT:
            self.level = max(-missing, 0.0)
            return 0.0
        wait = math.ceil(missing / self.per_fill - SHORT) * self.interval_s
        wait = max(wait - (now - self.filled_at), 0.0)
        if wait > patience_s:
            return None
        self.level -= tokens
        return wait
