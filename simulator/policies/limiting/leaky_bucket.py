"""The leaky bucket."""

from typing import ClassVar

from simulator.policies.limiting.algorithm import Limiter, RateAlgorithm


class LeakyBucket(RateAlgorithm):
    """Calls drip out at `rate`; up to `burst` may be ahead: `leaky_bucket: {delay: true}`.

    `excess = max(0, excess - rate * time since the last call + tokens)`. A call that would bring
    the excess above `burst` is refused; others wait `excess / rate`, or not at all without
    `delay` (nginx `nodelay`). Source: nginx ngx_http_limit_req_module (which counts in
    milliseconds; here time is continuous).
    """

    key: ClassVar[str] = "leaky_bucket"
    delay: bool = True
    """Whether admitted calls wait for their turn."""

    def limiter(self, rate: float, burst: float, now: float) -> Limiter:
        return Excess(rate, burst, self.delay)


class Excess:
    """How far the calls are ahead of the rate."""

    def __init__(self, rate: float, burst: float, delay: bool) -> None:
        self.rate = rate
        self.burst = burst
        self.delay = delay
        self.excess: float | None = None
        self.last = 0.0

    def take(self, tokens: float, now: float, patience_s: float) -> float | None:
        """Seconds until it is this call's turn, or None if the bucket would overflow."""
        if self.excess is None:
            excess = 0.0
        else:
            excess = max(self.excess - self.rate * (now - self.last) + tokens, 0.0)
        if excess > self.burst + 1e-9 and excess / self.rate > patience_s:
            return None
        self.excess, self.last = excess, now
        return excess / self.rate if self.delay or excess > self.burst else 0.0
