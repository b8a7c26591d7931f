"""The policies a caller can put on a call, and the order in which they wrap it."""

from typing import Literal

from pydantic import Field

from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Request
from simulator.kernel.site import Draw, Site
from simulator.kernel.spec import Spec
from simulator.policies.backoff import Backoff, FullJitter
from simulator.policies.retry import RETRYABLE, retried
from simulator.policies.timeout import CancelMode, timed
from simulator.quantities import DurationDistribution, PositiveDuration

RetryReason = Literal[
    "error",
    "timeout",
    "rejected_overload",
    "rejected_queue_full",
    "rejected_rate_limit",
    "rejected_breaker",
    "dead_lettered",
]


class Calling(Spec):
    """How to call: network, time-outs, retries.

    From the outside in: total time-out, retries, time-out of one try, network, callee. A retry
    thus gets what is left of the total, and each try is bounded on its own.
    """

    timeout: PositiveDuration | None = None
    """Bound on the whole call, retries and pauses included (Envoy route timeout, gRPC deadline)."""
    per_try_timeout: PositiveDuration | None = None
    """Bound on one try."""
    cancel_on_timeout: CancelMode = "none"
    """Whether a callee stops work nobody waits for: `none`, `in_queue` or `in_service`."""
    max_attempts: int = Field(1, ge=1, le=100)
    """Tries, the first included."""
    backoff: Backoff = FullJitter.model_validate({"base": "100ms"})
    """Pause before a retry."""
    retry_on: list[RetryReason] | None = None
    """Outcomes worth another try; by default errors, time-outs and refusals under overload."""
    network: DurationDistribution | None = None
    """Time on the wire, there and back together."""

    @property
    def extra_delay_s(self) -> float:
        """Mean seconds that the policies add to a call that goes well."""
        return 0.0 if self.network is None else float(self.network.mean)

    def apply(self, call: Call, site: Site, place: str) -> Call:
        """The call wrapped in the policies; ``place`` names their random streams."""
        if self.network is not None:
            call = _over_network(call, site.draws(place, "network", self.network))
        if self.per_try_timeout is not None:
            call = timed(site.clock, call, self.per_try_timeout, self.cancel_on_timeout)
        if self.max_attempts > 1:
            uniform = site.uniforms(place, "backoff")
            reasons = RETRYABLE
            if self.retry_on is not None:
                reasons = frozenset(Outcome(reason) for reason in self.retry_on)
            backoff = self.backoff
            call = retried(call, self.max_attempts, lambda: backoff.delays(uniform), reasons)
        if self.timeout is not None:
            call = timed(site.clock, call, self.timeout, self.cancel_on_timeout)
        return call


def _over_network(call: Call, draw: Draw) -> Call:
    def over_network(request: Request) -> Flow:
        half = draw() / 2.0
        yield half
        outcome = yield from call(request)
        yield half
        return outcome

    return over_network
