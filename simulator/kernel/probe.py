"""Everything a model may record."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from simulator.kernel.outcome import CODES, Outcome
from simulator.recording.columns import Columns

if TYPE_CHECKING:
    from simulator.kernel.clock import Clock
    from simulator.kernel.request import Call, Flow, Request

NAN = float("nan")


class Visit:
    """One passage of a traced request through a component, while it lasts (seconds)."""

    __slots__ = ("called", "component", "identity", "parent", "service", "wait")

    def __init__(self, identity: int, parent: "Visit | None", component: int, called: float):
        self.identity = identity
        self.parent = parent
        self.component = component
        self.called = called
        self.wait = 0.0
        self.service = 0.0


class Callee(Protocol):
    """Whatever answers calls."""

    @property
    def call(self) -> "Call": ...


@dataclass(frozen=True)
class Function:
    """A bare function as something that can be called."""

    call: "Call"


class Probe:
    """Collects finished requests, the visits of traced requests, and readings of meters.

    Every request leaves a row; one in ``trace_every`` also leaves a row per visit, so that
    memory stays bounded however many hops an architecture has. The choice goes by order of
    arrival and is therefore blind to what happens to the request.
    """

    def __init__(self, clock: "Clock", trace_every: int) -> None:
        self.clock = clock
        self.trace_every = trace_every
        self.requests = Columns(
            index="I", arrived="d", latency="d", kind="B", outcome="B", quality="f", cost="f",
            ttft="f", tpot="f",
        )  # fmt: skip
        self.visits = Columns(
            visit="I", parent="i", request="I", component="H", called="d", wait="f", service="f",
            span="d", outcome="B",
        )  # fmt: skip
        self.samples = Columns(metric="H", at="d", value="d")
        self.metrics: dict[str, int] = {}
        self.components: dict[str, int] = {}
        self.meters: dict[tuple[str, str], Callable[[], float]] = {}
        self.readings: list[list[float]] = []
        self.times: list[float] = []
        self._opened = 0
        self.finished = self._finisher()
        """Record the end of a request as its client sees it: ``finished(request, outcome)``."""

    def component(self, name: str) -> int:
        """The number under which a component's visits are recorded."""
        return self.components.setdefault(name, len(self.components))

    def metric(self, name: str) -> Callable[[float], None]:
        """A function that notes one value of a metric of the topology's own."""
        number = self.metrics.setdefault(name, len(self.metrics))
        metric, at, value = self.samples.appends
        clock = self.clock

        def note(measured: float) -> None:
            metric(number)
            at(clock.now)
            value(measured)

        return note

    def meter(self, component: str, name: str, read: Callable[[], float]) -> None:
        """Register something to be read at every edge of the time grid.

        The name says how to use it: ``*_area`` is an integral over time, ``*_total`` a count that
        only grows, anything else a level.
        """
        assert (component, name) not in self.meters, f"meter {component}.{name} exists"
        self.meters[component, name] = read

    def sample(self) -> None:
        """Read every meter now."""
        self.times.append(self.clock.now)
        self.readings.append([read() for read in self.meters.values()])

    def traced(self, component: str, callee: "Callee") -> "Call":
        """A way to call that leaves a visit behind when the request is traced.

        What ``callee.call`` is, is looked up at each call, since a server that is not connected
        yet may replace it.
        """
        number = self.component(component)
        record = self._traced

        def link(request: "Request") -> "Flow":
            if request.visit is None:
                return callee.call(request)
            return record(number, callee.call, request)

        return link

    def root_visit(self) -> Visit:
        """The pseudo-visit that marks a request as traced."""
        return Visit(-1, None, -1, self.clock.now)

    def background_visit(self) -> Visit:
        """The pseudo-visit of work nobody waits for: traced, but not part of the latency."""
        return Visit(-2, None, -2, self.clock.now)

    def _traced(self, number: int, call: "Call", request: "Request") -> "Flow":
        outer = request.visit
        visit = Visit(self._opened, outer, number, self.clock.now)
        self._opened += 1
        request.visit = visit
        outcome = Outcome.CANCELLED
        try:
            outcome = yield from call(request)
        finally:
            request.visit = outer
            self._close(visit, request, outcome)
        return outcome

    def _close(self, visit: Visit, request: "Request", outcome: Outcome) -> None:
        row = (
            visit.identity,
            visit.parent.identity if visit.parent else -1,
            request.index,
            visit.component,
            visit.called,
            visit.wait,
            visit.service,
            self.clock.now - visit.called,
            CODES[outcome],
        )
        for append, value in zip(self.visits.appends, row, strict=True):
            append(value)

    def _finisher(self) -> "Callable[[Request, Outcome], None]":
        # Called once per request: everything it needs is bound beforehand.
        index, arrived, latency, kind, code, quality, cost, ttft, tpot = self.requests.appends
        clock, codes, ok = self.clock, CODES, Outcome.OK

        def finished(request: "Request", outcome: Outcome) -> None:
            came = request.arrived
            if outcome is ok and request.degraded is not None:
                outcome = request.degraded
            index(request.index)
            arrived(came)
            latency(clock.now - came)
            kind(request.kind)
            code(codes[outcome])
            quality(request.quality)
            cost(request.cost)
            first = request.first_token
            ttft(NAN if first is None else first - came)
            each = request.per_token
            tpot(NAN if each is None else each)

        return finished
