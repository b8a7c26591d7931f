"""Trying again."""

from collections.abc import Callable

from simulator.kernel.attempts import Attempts
from simulator.kernel.clock import Clock
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import NEVER, Call, Flow, Request
from simulator.policies.budgets import Purse

Delays = Callable[[int], float]
"""Seconds to wait before retry ``n`` of one call (1 is the first retry)."""

RETRYABLE = frozenset(
    {
        Outcome.ERROR,
        Outcome.TIMEOUT,
        Outcome.REJECTED_OVERLOAD,
        Outcome.REJECTED_QUEUE_FULL,
    }
)
"""Worth another try by default; a rate limit or an open breaker would only refuse again."""


class Pauses:
    """The pauses of one call: its back-off, unless the callee says when to try again.

    Pushback stands in for the next pause and starts the back-off afresh; infinite, it forbids a
    further try. Source: gRPC proposal A6 (``grpc-retry-pushback-ms``).
    """

    def __init__(self, delays: Callable[[], Delays], attempts: Attempts | None) -> None:
        self.delays = delays
        self.attempts = attempts
        self.delay = delays()
        self.retry = 0

    @property
    def forbidden(self) -> bool:
        """Whether the callee asked not to be tried again."""
        return self.attempts is not None and self.attempts.pushback_s == NEVER

    def next_s(self) -> float:
        """Seconds before the next try."""
        asked = None if self.attempts is None else self.attempts.take_pushback()
        if asked is None:
            self.retry += 1
            return self.delay(self.retry)
        self.delay, self.retry = self.delays(), 0
        return asked


class Retrying:
    """Makes a call up to ``attempts_max`` times while its outcome is one of ``on``.

    ``total_s`` bounds the whole call, unless something outside does. ``attempts_max`` counts the
    first try, as in gRPC and resilience4j (Envoy's ``num_retries`` does not). ``delays`` starts a
    fresh sequence of pauses, once a call needs one. Nothing is tried again after the bound of the
    whole call: the time-out of a try is worth a retry, that of the call is not (Envoy router
    filter).
    """

    def __init__(
        self,
        clock: Clock,
        call: Call,
        attempts_max: int,
        delays: Callable[[], Delays],
        on: frozenset[Outcome],
        total_s: float | None = None,
    ) -> None:
        self.clock = clock
        self.total_s = NEVER if total_s is None else total_s
        self.inner = call
        self.attempts_max = attempts_max
        self.delays = delays
        self.on = on
        self.retries = 0

    def call(self, request: Request) -> Flow:
        """One call, tried as often as allowed."""
        inner, on, clock = self.inner, self.on, self.clock
        # Sets the bound itself rather than through one more generator around every call.
        if self.total_s != NEVER:
            request.bound = clock.now + self.total_s
        outcome = yield from inner(request)
        if outcome in on:
            outcome = yield from self.again(request, outcome)
        if self.total_s != NEVER:
            request.bound = NEVER
        return outcome

    def again(self, request: Request, outcome: Outcome) -> Flow:
        """The tries after a first one that ended in ``outcome``."""
        inner, on, clock = self.inner, self.on, self.clock
        pauses = Pauses(self.delays, request.attempts)
        for _ in range(1, self.attempts_max):
            if pauses.forbidden:
                return outcome
            seconds, left = pauses.next_s(), request.bound - clock.now
            if seconds >= left:
                yield max(left, 0.0)
                return Outcome.TIMEOUT
            if seconds > 0.0:
                yield seconds
            self.retries += 1
            outcome = yield from inner(request)
            if outcome not in on:
                return outcome
        return outcome


class BudgetedRetrying(Retrying):
    """Retries as long as a budget that all calls share has something left."""

    purse: Purse

    def call(self, request: Request) -> Flow:
        """One call, tried as often as allowed and paid for."""
        clock, purse, pauses = self.clock, self.purse, None
        retry = 0
        purse.called()
        while True:
            outcome = Outcome.CANCELLED
            purse.sent()
            try:
                outcome = yield from self.inner(request)
            finally:
                purse.answered(outcome, retry)
            retry += 1
            if outcome not in self.on or retry >= self.attempts_max:
                return outcome
            pauses = pauses or Pauses(self.delays, request.attempts)
            if request.bound <= clock.now or pauses.forbidden or not purse.pays():
                return outcome
            seconds, left = pauses.next_s(), request.bound - clock.now
            try:
                if seconds > 0.0:
                    yield max(min(seconds, left), 0.0)
            except GeneratorExit:
                purse.answered(Outcome.CANCELLED, -1)
                raise
            if seconds >= left:
                purse.answered(Outcome.CANCELLED, -1)
                return Outcome.TIMEOUT
            self.retries += 1
