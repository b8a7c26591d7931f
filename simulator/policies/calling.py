"""The policies a caller can put on a call, and the order in which they wrap it."""

from typing import Any

from pydantic import Field, model_validator

from simulator.kernel.attempts import remembering
from simulator.kernel.request import Call, CancelMode, Flow, Request
from simulator.kernel.site import Measure, Site
from simulator.kernel.spec import Spec
from simulator.policies.backoff import Backoff, FullJitter
from simulator.policies.budgets import Budget
from simulator.policies.bulkhead import Bulkhead, Limits
from simulator.policies.call_policy import CallSite, FailureName, ReplicaTarget, outcomes
from simulator.policies.circuit_breaker import CircuitBreaker
from simulator.policies.concurrency import ConcurrencyLimit
from simulator.policies.hedge import Hedge
from simulator.policies.rate_limit import RateLimit
from simulator.policies.retry import RETRYABLE, BudgetedRetrying, Retrying
from simulator.policies.throttles import Throttle
from simulator.policies.timeout import bounded, tried
from simulator.quantities import DurationDistribution, PositiveDuration


class Calling(Spec):
    """How to call: network, time-outs, retries, hedges, and what limits them.

    From the outside in: total time-out, retries or hedge, breaker, throttle, rate limit,
    concurrency limit, limits, bulkhead, time-out of one try, network, callee. A retry thus gets
    what is left of the total, every try is seen by the breaker and needs its own permits, and
    waiting for a permit does not count against the time-out of the try.
    """

    timeout: PositiveDuration | None = None
    """Bound on the whole call, retries and pauses included (Envoy route timeout, gRPC deadline)."""
    per_try_timeout: PositiveDuration | None = None
    """Bound on one try."""
    propagate_deadline: bool = False
    """Keep to what is left of the caller's own deadline; with nothing left, fail at once."""
    cancel_on_timeout: CancelMode = "none"
    """Whether a callee stops work nobody waits for: `none`, `in_queue` or `in_service`."""
    max_attempts: int = Field(1, ge=1, le=10_000)
    """Tries, the first included."""
    num_retries: int | None = Field(None, ge=0, le=9_999)
    """Tries after the first: another way to write `max_attempts` (Envoy)."""
    backoff: Backoff = FullJitter.model_validate({"base": "100ms"})
    """Pause before a retry."""
    retry_on: list[FailureName] | None = None
    """Outcomes worth another try; by default errors, time-outs and refusals under overload."""
    retry_target: ReplicaTarget = "any"
    """Where retries go: `any` replica, or a `different_replica` (Envoy `previous_hosts`)."""
    heed_pushback: bool = False
    """Retry when the callee says, if it does (gRPC `grpc-retry-pushback-ms`, `Retry-After`)."""
    retry_budget: Budget | None = None
    """Limit on retries over all calls: `finagle`, `envoy`, `grpc`, `aws`, `adaptive`."""
    hedge: Hedge | None = None
    """Further copies when the answer is late; instead of retries."""
    breaker: CircuitBreaker | None = None
    """Stop calling what keeps failing."""
    throttle: Throttle | None = None
    """Refuse calls oneself when the callee refuses many: `google` or `envoy`."""
    rate_limit: RateLimit | None = None
    """Tries per second."""
    concurrency_limit: ConcurrencyLimit | None = None
    """Calls in flight, found out from latency: `gradient2`, `vegas`, `aimd`, `envoy_gradient`."""
    limits: Limits | None = None
    """Calls on their way and waiting (Envoy's thresholds)."""
    bulkhead: Bulkhead | None = None
    """Calls at once."""
    network: DurationDistribution | None = None
    """Time on the wire, there and back together."""

    @property
    def refuses(self) -> bool:
        """Whether a call may be refused before it is made."""
        doors = (self.breaker, self.throttle, self.rate_limit, self.concurrency_limit, self.limits,
                 self.bulkhead)  # fmt: skip
        return any(door is not None for door in doors)

    @model_validator(mode="after")
    def _consistent(self) -> "Calling":
        attempts, given = self.attempts, self.model_fields_set
        if self.num_retries is not None and "max_attempts" in given:
            raise ValueError(
                "`max_attempts` counts the first try and `num_retries` does not: give one of them"
            )
        if self.hedge is not None and attempts > 1:
            raise ValueError(
                "a call is either retried or hedged: `hedge` replaces `max_attempts`, as in gRPC"
            )
        if self.timeout is not None and (self.per_try_timeout or 0.0) > self.timeout:
            raise ValueError(
                "`per_try_timeout` is longer than the `timeout` of the whole call, "
                "so it could never strike"
            )
        if self.retry_budget is not None and attempts == 1 and self.hedge is None:
            raise ValueError("`retry_budget` has nothing to limit: set `max_attempts` or `hedge`")
        bounded = self.timeout or self.per_try_timeout or self.propagate_deadline or self.hedge
        if "cancel_on_timeout" in given and not bounded:
            raise ValueError("`cancel_on_timeout` has no effect without a `timeout`")
        for field in ("backoff", "retry_on", "retry_target", "heed_pushback"):
            if field in given and attempts == 1:
                raise ValueError(f"`{field}` has no effect with a single try: set `max_attempts`")
        return self

    @property
    def attempts(self) -> int:
        """Tries, the first included, however they were given."""
        return self.max_attempts if self.num_retries is None else self.num_retries + 1

    @property
    def goes_elsewhere(self) -> bool:
        """Whether further tries go to replicas that were not tried yet."""
        target = self.retry_target if self.hedge is None else self.hedge.target
        return target == "different_replica"

    @property
    def _plain_retry(self) -> bool:
        """Whether the retries can keep to the time-out of the call by themselves."""
        return self.attempts > 1 and self.retry_budget is None and not self.propagate_deadline

    @property
    def extra_delay_s(self) -> float:
        """Mean seconds that the policies add to a call that goes well."""
        return 0.0 if self.network is None else float(self.network.mean)

    def apply(self, call: Call, site: Site, place: str, target: str = "callee") -> Call:
        """The call wrapped in the policies; ``place`` names their random streams."""
        if self.network is not None:
            call = _over_network(call, site.draws_of(place, "network", self.network))
        limiting = (
            self.bulkhead, self.limits, self.concurrency_limit, self.rate_limit, self.throttle,
            self.breaker,
        )  # fmt: skip
        alone = not any(limiting) and self.hedge is None and self.attempts == 1
        timed = self.timeout is not None or self.per_try_timeout is not None
        isolated = timed or self.propagate_deadline
        cancel = self.cancel_on_timeout
        if self.hedge is not None:
            cancel = self.hedge.mode(cancel)
        at = CallSite(site, place, target, cancel, isolated)
        own_s, total_s = self.per_try_timeout, self.timeout
        if alone and not self.propagate_deadline:
            own_s, total_s = own_s or total_s, None
        one_try = call
        if isolated:
            call = tried(site.clock, one_try, own_s, total_s, cancel)
        for policy in limiting:
            if policy is not None:
                call = policy.wrap(call, at)
        if self._plain_retry and isolated and not any(limiting):
            retries = self._retries(call, at)
            call = tried(site.clock, one_try, own_s, total_s, cancel, retries)
        else:
            call = self._again(call, at)
        if self.goes_elsewhere or self.heed_pushback:
            call = remembering(call, target, self.goes_elsewhere)
        if self.propagate_deadline or (
            self.timeout is not None and not (alone or self._plain_retry)
        ):
            call = bounded(site.clock, call, self.timeout, self.propagate_deadline)
        return call

    def _again(self, call: Call, at: CallSite) -> Call:
        if self.hedge is not None:
            purse = None if self.retry_budget is None else self.retry_budget.open(at.clock)
            return self.hedge.wrap(call, at, purse)
        return call if self.attempts == 1 else self._retries(call, at).call

    def _retries(self, call: Call, at: CallSite) -> Retrying:
        uniform, backoff = at.uniforms("backoff"), self.backoff
        reasons = RETRYABLE if self.retry_on is None else outcomes(self.retry_on)
        total_s = self.timeout if self._plain_retry else None
        retrying: Any = Retrying if self.retry_budget is None else BudgetedRetrying
        retries: Retrying = retrying(
            at.clock, call, self.attempts, lambda: backoff.delays(uniform), reasons, total_s
        )
        if isinstance(retries, BudgetedRetrying) and self.retry_budget is not None:
            retries.purse = self.retry_budget.open(at.clock)
        at.meter("retries_total", lambda: retries.retries)
        return retries


def _over_network(call: Call, measure: Measure) -> Call:
    def over_network(request: Request) -> Flow:
        half = measure(request) / 2.0
        yield half
        outcome = yield from call(request)
        yield half
        return outcome

    return over_network
