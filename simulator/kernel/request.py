"""A request, or one branch of it, on its way through the components."""

from collections.abc import Callable, Generator
from heapq import heappush
from typing import TYPE_CHECKING, Any, Literal

from simpy.events import NORMAL

from simulator.kernel.outcome import Outcome

if TYPE_CHECKING:
    from simulator.kernel.attempts import Attempts
    from simulator.kernel.clock import Clock
    from simulator.kernel.probe import Visit
    from simulator.kernel.station import Station

Flow = Generator[float | None, None, Outcome]
"""What a component runs: yields seconds to wait, or None to park; returns an outcome."""

Call = Callable[["Request"], Flow]
"""A thing that can be called with a request and answers with an outcome."""

NEVER = float("inf")

CancelMode = Literal["none", "in_queue", "in_service"]
"""What happens to work whose caller gave up.

``none``: it runs on and its result is thrown away (HTTP/1, most databases). ``in_queue``: it is
taken out if it still waits. ``in_service``: it stops wherever it is (gRPC with cancellation).
"""


class Interrupted(Exception):
    """Thrown into a request at the place where it works or waits, by a fault or an eviction."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class Request:
    """One unit of work from outside, and the line of execution that carries it.

    Concurrency inside a request (parallel calls, timeouts, hedges, fire-and-forget) runs in
    *branches*: requests that share the original's identity and attributes and have a generator,
    a deadline and a quality of their own. A branch that is waited for hands its quality,
    degradation and cost back with :meth:`adopt`.

    Times are absolute seconds of the clock; ``quality`` is a factor in [0, 1]; ``cost`` is in
    dollars. ``due`` is the current appointment on the agenda, None while parked; ``started`` is
    when the latest station granted a server, None while the request stands in its queue, and
    ``on_start`` is told when a station grants one. ``deadline`` is when somebody upstream stops
    waiting, which the policies of a call may heed; ``bound`` is when the call being made right
    now has used up its own time-out. ``waiter`` is resumed when a branch ends, or ``on_end`` is
    told. ``attempts`` is shared by the tries of that call, if its
    policies ask for it. ``still_waits`` is set only by what keeps a queue that is no station's.
    """

    __slots__ = (
        "arrived",
        "attempts",
        "attributes",
        "awaiting",
        "bound",
        "caller",
        "cancels",
        "clock",
        "cost",
        "deadline",
        "degraded",
        "due",
        "first_token",
        "generator",
        "index",
        "kind",
        "on_end",
        "on_start",
        "operation",
        "outcome",
        "per_token",
        "priority",
        "quality",
        "send",
        "started",
        "station",
        "still_waits",
        "visit",
        "waiter",
    )

    def __init__(
        self, clock: "Clock", index: int, kind: int, attributes: dict[str, Any], priority: int = 0
    ) -> None:
        self.clock = clock
        self.index = index
        self.kind = kind
        self.attributes = attributes
        self.priority = priority
        self.arrived = clock.now
        self.deadline = NEVER
        self.quality = 1.0
        self.cost = 0.0
        self.degraded: Outcome | None = None
        self.first_token: float | None = None
        self.per_token: float | None = None
        self.operation: str | None = None
        self.outcome: Outcome | None = None
        self.on_end: Callable[[Request], None] | None = None
        self.waiter: Request | None = None
        self.awaiting: tuple[Request, ...] = ()
        self.caller: Callable[[Outcome], None] | None = None
        self.bound = NEVER
        self.attempts: Attempts | None = None
        self.cancels: CancelMode = "in_service"
        self.on_start: Callable[[], None] | None = None
        self.visit: Visit | None = None
        self.still_waits: Callable[[], bool]
        self.generator: Flow | None = None
        self.due: float | None = None
        self.started: float | None = 0.0
        self.station: Station | None = None
        self.send: Callable[[None], float | None]

    def branch(self) -> "Request":
        """A new line of execution of the same request, not yet started."""
        child = Request.__new__(Request)
        child.clock = self.clock
        child.index = self.index
        child.kind = self.kind
        child.attributes = self.attributes
        child.priority = self.priority
        child.arrived = self.arrived
        child.deadline = self.deadline
        child.quality = 1.0
        child.cost = 0.0
        child.degraded = None
        child.first_token = None
        child.per_token = None
        child.operation = self.operation
        child.outcome = None
        child.on_end = None
        child.waiter = None
        child.awaiting = ()
        child.caller = None
        child.bound = NEVER
        child.attempts = self.attempts
        child.cancels = "in_service"
        child.on_start = self.on_start
        child.visit = self.visit
        child.generator = None
        child.due = None
        child.started = 0.0
        child.station = self.station
        return child

    def start(self, generator: Flow) -> None:
        """Run the generator up to its first wait."""
        self.generator = generator
        self.send = send = generator.send
        try:
            delay = send(None)
        except StopIteration as stop:
            self.end(stop.value)
            return
        if delay is not None:
            clock = self.clock
            self.due = due = clock.now + delay
            heappush(clock.agenda, (due, NORMAL, next(clock.sequence), self))

    def resume(self) -> None:
        """Let a parked generator go on now, inside the caller's event."""
        try:
            delay = self.send(None)
        except StopIteration as stop:
            self.end(stop.value)
            return
        if delay is not None:
            clock = self.clock
            self.due = due = clock.now + delay
            heappush(clock.agenda, (due, NORMAL, next(clock.sequence), self))
        else:
            self.due = None

    def interrupt(self, outcome: Outcome) -> None:
        """Break off the current work or wait; the component there answers with ``outcome``."""
        assert self.generator is not None, "only a running request can be interrupted"
        self.due = None
        try:
            delay = self.generator.throw(Interrupted(outcome))
        except StopIteration as stop:
            self.end(stop.value)
            return
        if delay is not None:
            self.clock.resume_at(self.clock.now + delay, self)

    def end(self, outcome: Outcome) -> None:
        """Note the outcome and tell whoever waits for this branch."""
        self.generator = None
        self.due = None
        self.outcome = outcome
        # Both usually refer to the waiting branch, which refers to this one: a cycle that would
        # live for ever, since cyclic collection is off during a run.
        waiter = self.waiter
        if waiter is not None:
            self.waiter = None
            waiter.resume()
            return
        on_end = self.on_end
        if on_end is not None:
            self.on_end = None
            on_end(self)

    def cancel(self) -> None:
        """Stop: leave queues, give back workers, and cancel what it waits for.

        ``cancels`` says how far the news travels. A branch whose callee does not learn of
        cancellations (``none``) runs on, and its work is wasted: that is what makes retries
        dangerous.
        """
        generator = self.generator
        if generator is None:
            return
        self.on_end = self.waiter = None
        if self.cancels != "in_service":
            if self.cancels == "in_queue":
                self.leave_queues()
            return
        self._stop(generator)

    def leave_queues(self) -> None:
        """Cancel what stands in a queue, in this branch and in what it waits for.

        Whoever waits for what is taken out learns of it, and gives back what it holds itself.
        """
        if self.generator is not None and self.queued:
            self._stop(self.generator)
            self.end(Outcome.CANCELLED)
            return
        for child in self.awaiting:
            if child.cancels != "none":
                child.leave_queues()

    def _stop(self, generator: Flow) -> None:
        self.generator = None
        self.due = None
        self.outcome = Outcome.CANCELLED
        for child in self.awaiting:
            child.cancel()
        self.awaiting = ()
        generator.close()

    def adopt(self, child: "Request") -> None:
        """Take over what a finished branch found out about the answer."""
        self.quality *= child.quality
        self.cost += child.cost
        if child.degraded is not None:
            self.degraded = child.degraded
        if child.first_token is not None:
            self.first_token = child.first_token
            self.per_token = child.per_token

    @property
    def queued(self) -> bool:
        """Whether it stands in a queue: of a station, or of what says so itself."""
        if self.started is None:
            return True
        waits = getattr(self, "still_waits", None)
        return waits is not None and waits()

    @property
    def remaining_s(self) -> float:
        """Seconds until the deadline; infinite without one."""
        return self.deadline - self.clock.now
