"""Trying again."""

from collections.abc import Callable

from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Request

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


def retried(
    call: Call, max_attempts: int, delays: Callable[[], Delays], on: frozenset[Outcome]
) -> Call:
    """The call, made up to ``max_attempts`` times while its outcome is one of ``on``.

    ``max_attempts`` counts the first try, as in gRPC and resilience4j (Envoy's ``num_retries``
    does not). ``delays`` starts a fresh sequence of pauses, once a call needs one.
    """

    def retried_call(request: Request) -> Flow:
        outcome = yield from call(request)
        if outcome not in on:
            return outcome
        delay = delays()
        for retry in range(1, max_attempts):
            yield delay(retry)
            outcome = yield from call(request)
            if outcome not in on:
                return outcome
        return outcome

    return retried_call
