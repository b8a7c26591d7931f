"""Stop calling what keeps failing."""

from collections import deque
from typing import Literal, Protocol

from pydantic import Field, PositiveInt, model_validator

from simulator.kernel.clock import Clock
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Request
from simulator.policies.call_policy import CallPolicy, CallSite, FailureName, outcomes
from simulator.policies.sliding import SlidingSum
from simulator.quantities import Duration, Fraction, PositiveDuration

State = Literal["closed", "open", "half_open"]

FAILURES = frozenset(
    {
        Outcome.ERROR,
        Outcome.TIMEOUT,
        Outcome.REJECTED_OVERLOAD,
        Outcome.REJECTED_QUEUE_FULL,
        Outcome.REJECTED_RATE_LIMIT,
        Outcome.REJECTED_QUOTA,
        Outcome.REJECTED_BREAKER,
        Outcome.ABANDONED,
        Outcome.DEAD_LETTERED,
    }
)


class CircuitBreaker(CallPolicy):
    """A resilience4j circuit breaker: `breaker: {failure_rate: 50%, window: 20, open_for: 30s}`.

    *Closed*, it records every try. Once `min_calls` are in the window and the share of failures
    (or of slow calls) is at or above its threshold, it *opens*: calls are answered
    `rejected_breaker` for `open_for`. The next call after that makes it *half-open*:
    `half_open_calls` tries are let through, all others refused, and when all of these have ended
    it closes or opens again by the same thresholds. Refused calls are never recorded. One breaker
    serves all calls from this place, as if the caller's replicas shared it.

    Source: resilience4j CircuitBreakerConfig and its state machine (a rate *at* the threshold
    opens; with a window of n calls, `min_calls` counts as at most n).
    """

    failure_rate: Fraction = Field(0.5, gt=0.0)
    """Share of failures that opens it (`failureRateThreshold`)."""
    window: PositiveInt | PositiveDuration = 100
    """Calls it looks back on, or a time such as `10s` in slices of a second."""
    min_calls: PositiveInt = 100
    """Calls in the window before rates count (`minimumNumberOfCalls`)."""
    open_for: PositiveDuration = 60.0
    """How long it stays open (`waitDurationInOpenState`)."""
    half_open_calls: PositiveInt = 10
    """Tries let through when half-open (`permittedNumberOfCallsInHalfOpenState`)."""
    half_open_max_wait: Duration = 0.0
    """Longest time half-open before it opens again; 0 is unlimited."""
    slow_call: PositiveDuration = 60.0
    """A call that takes longer is slow (`slowCallDurationThreshold`)."""
    slow_call_rate: Fraction = Field(1.0, gt=0.0)
    """Share of slow calls that opens it (`slowCallRateThreshold`)."""
    ignore: list[FailureName] = Field(default_factory=list)
    """Outcomes that are neither success nor failure."""

    @model_validator(mode="after")
    def _slices(self) -> "CircuitBreaker":
        if isinstance(self.window, float) and self.window < 1.0:
            raise ValueError("a breaker's window of time counts in seconds: at least `1s`")
        return self

    def wrap(self, call: Call, at: CallSite) -> Call:
        clock, breaker = at.clock, Breaker(self, at.clock)
        ignored = outcomes(self.ignore) | {Outcome.CANCELLED}
        at.meter("breaker_refused_total", lambda: breaker.refused)
        at.meter("breaker_opened_total", lambda: breaker.opened)
        at.meter("breaker_closed_total", lambda: breaker.closed)
        at.meter("breaker_open", lambda: breaker.state != "closed")

        def guarded(request: Request) -> Flow:
            if not breaker.admits():
                return Outcome.REJECTED_BREAKER
            began = clock.now
            try:
                outcome = yield from call(request)
            except GeneratorExit:
                breaker.forget()
                raise
            if outcome in ignored:
                breaker.forget()
            else:
                breaker.record(outcome in FAILURES, clock.now - began)
            return outcome

        return guarded


class Results(Protocol):
    """Calls, failures and slow calls over a window."""

    def add(self, failed: bool, slow: bool, now: float) -> None: ...
    def counts(self, now: float) -> tuple[int, int, int]: ...


class LastCalls:
    """The results of the last so many calls."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._results: deque[tuple[bool, bool]] = deque()
        self._failed = self._slow = 0

    def add(self, failed: bool, slow: bool, now: float) -> None:
        """Record a call, forgetting the oldest beyond the size."""
        if len(self._results) == self._size:
            old_failed, old_slow = self._results.popleft()
            self._failed -= old_failed
            self._slow -= old_slow
        self._results.append((failed, slow))
        self._failed += failed
        self._slow += slow

    def counts(self, now: float) -> tuple[int, int, int]:
        """Calls, failures, slow calls."""
        return len(self._results), self._failed, self._slow


class LastSeconds:
    """The results of the calls of the last so many seconds, in slices of one second."""

    def __init__(self, window_s: float) -> None:
        seconds = round(window_s)
        self._sums = [SlidingSum(float(seconds), seconds) for _ in range(3)]

    def add(self, failed: bool, slow: bool, now: float) -> None:
        """Record a call."""
        for total, amount in zip(self._sums, (1, failed, slow), strict=True):
            if amount:
                total.add(amount, now)

    def counts(self, now: float) -> tuple[int, int, int]:
        """Calls, failures, slow calls."""
        calls, failed, slow = (round(total.total(now)) for total in self._sums)
        return calls, failed, slow


class Breaker:
    """The state of one breaker in a simulation."""

    def __init__(self, spec: CircuitBreaker, clock: Clock) -> None:
        self.spec = spec
        self.clock = clock
        self.refused = 0
        self.opened = 0
        self.closed = 0
        self.state: State = "closed"
        self.since = 0.0
        self.permits = 0
        self._enter("closed")

    def admits(self) -> bool:
        """Whether a call may go out now; takes a permit when half-open."""
        if self.state == "closed":
            return True
        now, spec = self.clock.now, self.spec
        if self.state == "half_open" and self.permits == 0:
            if 0.0 < spec.half_open_max_wait <= now - self.since:
                self._open()
        elif self.state == "open" and now - self.since >= spec.open_for:
            self._enter("half_open")
        if self.state == "half_open" and self.permits > 0:
            self.permits -= 1
            return True
        self.refused += 1
        return False

    def forget(self) -> None:
        """A call that was let through counts for nothing."""
        if self.state == "half_open":
            self.permits += 1

    def record(self, failed: bool, seconds: float) -> None:
        """A call that was let through has ended."""
        if self.state == "open":
            return
        now, spec = self.clock.now, self.spec
        self.results.add(failed, seconds > spec.slow_call, now)
        calls, failures, slow = self.results.counts(now)
        if calls < self.calls_min:
            return
        if failures >= spec.failure_rate * calls or slow >= spec.slow_call_rate * calls:
            self._open()
        elif self.state == "half_open":
            self.closed += 1
            self._enter("closed")

    def _open(self) -> None:
        self.opened += 1
        self._enter("open")

    def _enter(self, state: State) -> None:
        spec = self.spec
        self.state = state
        self.since = self.clock.now
        self.results: Results
        if state == "half_open":
            self.permits = self.calls_min = spec.half_open_calls
            self.results = LastCalls(spec.half_open_calls)
        elif isinstance(spec.window, int):
            self.calls_min = min(spec.min_calls, spec.window)
            self.results = LastCalls(spec.window)
        else:
            self.calls_min = spec.min_calls
            self.results = LastSeconds(spec.window)
