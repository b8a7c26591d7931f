"""At most so many calls at once."""

from collections import deque

from pydantic import PositiveInt, model_validator

from simulator.kernel.clock import Clock
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import NEVER, Call, Flow, Request
from simulator.policies.call_policy import CallPolicy, CallSite
from simulator.quantities import Count, Duration


class Bulkhead(CallPolicy):
    """A semaphore on the caller's side: `bulkhead: {max_concurrent: 25, max_wait: 100ms}`.

    A call beyond `max_concurrent` waits up to `max_wait`, in order, and is then answered
    `rejected_overload`; without `max_wait` it is refused at once. Source: resilience4j Bulkhead
    (`maxConcurrentCalls` 25, `maxWaitDuration` 0).
    """

    max_concurrent: PositiveInt = 25
    """Most calls at once."""
    max_wait: Duration = 0.0
    """Longest wait for a place."""

    def wrap(self, call: Call, at: CallSite) -> Call:
        waiting = None if self.max_wait > 0.0 else 0
        return Permits(at.clock, self.max_concurrent, waiting, self.max_wait).around(call, at)


class Limits(CallPolicy):
    """Envoy's circuit-breaker thresholds, which are limits: `limits: {max_requests: 100}`.

    `max_connections` calls are on their way at once and `max_pending_requests` wait for a
    connection; one more is answered `rejected_overload` (503, overflow). `max_requests` bounds
    the calls on their way as well, whichever is less. Source: Envoy cluster circuit breakers.
    """

    max_connections: PositiveInt = 1024
    """Most calls on their way."""
    max_pending_requests: Count = 1024
    """Most calls waiting for a connection."""
    max_requests: PositiveInt = 1024
    """Most calls on their way, over all connections."""

    @model_validator(mode="after")
    def _something(self) -> "Limits":
        if not self.model_fields_set:
            raise ValueError("`limits` needs at least one of its fields")
        return self

    def wrap(self, call: Call, at: CallSite) -> Call:
        places = min(self.max_connections, self.max_requests)
        return Permits(at.clock, places, self.max_pending_requests, None).around(call, at)


class Permits:
    """A semaphore with a bounded line of waiting requests.

    ``waiting_max`` None is a line without end, ``max_wait_s`` None endless patience.
    """

    def __init__(
        self, clock: Clock, places: int, waiting_max: int | None, max_wait_s: float | None
    ) -> None:
        self.clock = clock
        self.free = places
        self.waiting_max = waiting_max
        self.max_wait_s = max_wait_s
        self.line: deque[Place] = deque()
        self.waiting = 0
        self.refused = 0

    def around(self, call: Call, at: CallSite) -> Call:
        """The call, made with a permit."""
        at.meter("limited_total", lambda: self.refused)

        def permitted(request: Request) -> Flow:
            if self.free > 0:
                self.free -= 1
            else:
                outcome = yield from self._queue(request)
                if outcome is not Outcome.OK:
                    return outcome
            try:
                return (yield from call(request))
            finally:
                self.release()

        return permitted

    def release(self) -> None:
        """Hand the permit on to who waits longest, or put it back."""
        while self.line:
            place = self.line.popleft()
            if not place.left:
                place.granted = True
                self.waiting -= 1
                self.clock.resume_at(self.clock.now, place.request)
                return
        self.free += 1

    def _queue(self, request: Request) -> Flow:
        if self.waiting_max is not None and self.waiting >= self.waiting_max:
            self.refused += 1
            return Outcome.REJECTED_OVERLOAD
        place = Place(request)
        self.line.append(place)
        self.waiting += 1
        left = request.bound - self.clock.now
        patience = left if self.max_wait_s is None else min(self.max_wait_s, left)
        try:
            yield None if patience == NEVER else patience
        except GeneratorExit:
            self._leave(place)
            raise
        if place.granted:
            return Outcome.OK
        self._leave(place)
        if patience == left:
            return Outcome.TIMEOUT
        self.refused += 1
        return Outcome.REJECTED_OVERLOAD

    def _leave(self, place: "Place") -> None:
        """Step out of the line, or hand on the permit that was granted but never used."""
        if place.granted:
            self.release()
        else:
            place.left = True
            self.waiting -= 1


class Place:
    """Where a request stands in the line for a permit."""

    __slots__ = ("granted", "left", "request")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.granted = False
        self.left = False
