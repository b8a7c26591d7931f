"""What every limit on concurrency has in common."""

from abc import abstractmethod
from collections.abc import Callable

from simulator.kernel.clock import Clock
from simulator.kernel.kinded import OneKey
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Request
from simulator.kernel.site import Draw
from simulator.policies.call_policy import CallSite

DROPPED = frozenset(
    {Outcome.TIMEOUT, Outcome.REJECTED_OVERLOAD, Outcome.REJECTED_QUEUE_FULL, Outcome.ABANDONED}
)
"""Answers that say the callee could not keep up."""


class Controller:
    """The state of a limit: told of every call that ended, it moves ``limit``."""

    limit: float

    def ended(self, seconds: float, in_flight: int, dropped: bool, now: float) -> None:
        """A call took so long, with so many in flight (itself included) when it began."""

    def begins(self, now: float) -> None:
        """A call is about to be admitted or refused."""


class ConcurrencyLimit(OneKey):
    """How many calls may be in flight, found out from their latency.

    A call beyond the limit is answered `rejected_overload` at once.
    """

    @abstractmethod
    def controller(self, uniform: Draw) -> Controller:
        """The limit at the start; ``uniform`` is for those that measure at random times."""

    def wrap(self, call: Call, at: CallSite) -> Call:
        """The call with this limit around it."""
        gate = LimitGate(self.controller(at.uniforms("concurrency_limit")), call, at.clock)
        at.meter("concurrency_limit", lambda: gate.controller.limit)
        at.meter("limited_total", lambda: gate.refused)
        return gate.call


class LimitGate:
    """Admits calls up to a share of the limit, which depends on the rank of the request."""

    def __init__(self, controller: Controller, call: Call, clock: Clock) -> None:
        self.controller = controller
        self.inner = call
        self.clock = clock
        self.in_flight = 0
        self.refused = 0
        self.shares: dict[int, float] = {}
        self.on_refusal: Callable[[Request], None] | None = None

    def share(self, priority: int) -> float:
        """The share of the limit that a rank may fill: that of the nearest rank above it."""
        known = [rank for rank in self.shares if rank <= priority]
        return self.shares[max(known)] if known else 1.0

    def call(self, request: Request) -> Flow:
        """One call, refused if the limit is reached."""
        clock, controller = self.clock, self.controller
        began = clock.now
        controller.begins(began)
        limit = max(controller.limit, 1.0)
        if self.shares:
            limit *= self.share(request.priority)
        if self.in_flight + 1 > limit + 1e-9:
            self.refused += 1
            if self.on_refusal is not None:
                self.on_refusal(request)
            return Outcome.REJECTED_OVERLOAD
        self.in_flight += 1
        in_flight = self.in_flight
        try:
            outcome = yield from self.inner(request)
        finally:
            self.in_flight -= 1
        if outcome.good or outcome in DROPPED:
            controller.ended(clock.now - began, in_flight, outcome in DROPPED, clock.now)
        return outcome
