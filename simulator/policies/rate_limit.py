"""A rate that a caller keeps to."""

from pydantic import Field

from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Request
from simulator.policies.call_policy import CallPolicy, CallSite
from simulator.policies.limiting import RateAlgorithm
from simulator.policies.limiting.token_bucket import TokenBucket
from simulator.policies.timeout import pause
from simulator.quantities import Duration, PositiveCount, PositiveRate


class RateLimit(CallPolicy):
    """So many tries per second leave this place: `rate_limit: {rate: 100 rps, burst: 20}`.

    A try without a permit waits up to `max_wait` and is otherwise answered
    `rejected_rate_limit`. Inside retries, so each try needs a permit. Source: resilience4j
    RateLimiter (there `max_wait` is `timeoutDuration`, 5 s by default).
    """

    rate: PositiveRate
    """Tries per second."""
    burst: PositiveCount = 1
    """Permits that can be saved up."""
    algorithm: RateAlgorithm = Field(default_factory=TokenBucket)
    """`token_bucket`, `leaky_bucket`, `fixed_window` or `sliding_window`."""
    max_wait: Duration = 0.0
    """Longest wait for a permit."""

    def wrap(self, call: Call, at: CallSite) -> Call:
        clock, patience_s = at.clock, self.max_wait
        limiter = self.algorithm.limiter(self.rate, self.burst, clock.now)
        refused = 0
        at.meter("rate_limited_total", lambda: refused)

        def limited(request: Request) -> Flow:
            nonlocal refused
            seconds = limiter.take(1.0, clock.now, patience_s)
            if seconds is None:
                refused += 1
                return Outcome.REJECTED_RATE_LIMIT
            if seconds > 0.0:
                outcome = yield from pause(clock, request, seconds)
                if outcome is not Outcome.OK:
                    return outcome
            return (yield from call(request))

        return limited
