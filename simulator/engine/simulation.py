"""One replication: a compiled topology, its arrivals and the clock."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from simulator.engine.budget import Budget, Ending, Meter
from simulator.engine.schedule import Schedule
from simulator.kernel.clock import Clock
from simulator.kernel.outcome import OUTCOME_NAMES, Outcome
from simulator.kernel.request import Call, Request
from simulator.kernel.site import Site
from simulator.kernel.streams import Streams
from simulator.recording.recording import Recording, Table
from simulator.workload.arrival_process import Arrivals

Progress = Callable[[float], bool]
"""Told the share of the run that is done (0 to 1); answers False to stop."""

GRID_INTERVALS = 240
TRACED_REQUESTS = 2500


@dataclass(frozen=True)
class RequestSource:
    """One stream of requests: its classes, and what drives them."""

    name: str
    rate: float
    kinds: list["RequestKind"]
    arrivals: Arrivals
    numbers: frozenset[str] = frozenset()
    """Attributes that components count with."""
    lists: frozenset[str] = frozenset()
    """Attributes that components read as lists."""


@dataclass(frozen=True)
class RequestKind:
    """A class of request, compiled."""

    index: int
    name: str
    share: float
    entry: Call
    attributes: list[tuple[str, Callable[[], Any]]]
    priority: int = 0
    before: list[Callable[[Request], None]] = field(default_factory=list)


class Arrive(Protocol):
    """Lets one request in; ``prepare`` may change it before it sets out."""

    def __call__(self, prepare: Callable[[Request], None] | None = None) -> Request: ...


class Gate:
    """Where requests of one source enter: draws class and attributes, and starts them."""

    def __init__(self, simulation: "Simulation", source: RequestSource) -> None:
        self.clock: Clock = simulation.site.clock
        self.streams: Streams = simulation.site.streams
        self.name = source.name
        self.numbers, self.lists = source.numbers, source.lists
        self.arrive = self._arriver(simulation, source)

    @staticmethod
    def _arriver(simulation: "Simulation", source: RequestSource) -> Arrive:
        clock, probe, issued = simulation.site.clock, simulation.site.probe, simulation.issued
        trace_every, finished, counter = probe.trace_every, probe.finished, simulation.counter
        kinds = source.kinds
        pick = _picker(simulation.site, source)

        def answered(request: Request) -> None:
            finished(request, request.outcome or Outcome.ERROR)

        def arrive(prepare: Callable[[Request], None] | None = None) -> Request:
            kind = kinds[pick()] if pick is not None else kinds[0]
            index = counter[0]
            counter[0] = index + 1
            issued[kind.index] += 1
            attributes = {name: draw() for name, draw in kind.attributes}
            request = Request(clock, index, kind.index, attributes, kind.priority)
            if index % trace_every == 0:
                request.visit = probe.root_visit()
            if prepare is not None:
                prepare(request)
            for change in kind.before:
                change(request)
            request.on_end = answered
            request.start(kind.entry(request))
            return request

        return arrive


class Inflow:
    """A source at work, with the surges that faults add to it."""

    def __init__(self, gate: Gate, source: RequestSource, horizon_s: float) -> None:
        self.gate = gate
        self.source = source
        self.horizon_s = horizon_s
        self.surges: list[Request] = []

    def begin(self) -> None:
        """Start the usual stream."""
        flow = self.source.arrivals.drive(self.gate, self.source.rate, self.horizon_s)
        Request(self.gate.clock, -1, 0, {}).start(flow)

    def surge(self, extra: float) -> None:
        """Add so many times the usual rate."""
        line = Request(self.gate.clock, -1, 0, {})
        self.surges.append(line)
        rate = max(extra, 0.0) * self.source.rate
        if rate > 0.0:
            line.start(self.source.arrivals.surge(self.gate, rate, self.horizon_s))

    def subside(self) -> None:
        """End the latest surge."""
        self.surges.pop().cancel()


def _picker(site: Site, source: RequestSource) -> Callable[[], int] | None:
    if len(source.kinds) == 1:
        return None
    shares = np.cumsum([kind.share for kind in source.kinds])
    shares /= shares[-1]
    rng = site.streams.generator(f"{source.name}.classes")

    def blocks() -> Iterator[int]:
        while True:
            draws = rng.random(1024)
            found = np.searchsorted(shares, draws, side="right")
            yield from np.minimum(found, len(shares) - 1).tolist()

    return blocks().__next__


class Simulation:
    """A model ready to run once.

    ``site`` holds the built components; ``sources`` drive requests into them until
    ``horizon_s``; after that the run drains.
    """

    def __init__(
        self,
        site: Site,
        sources: list[RequestSource],
        kinds: list[str],
        schedule: Schedule | None = None,
    ) -> None:
        self.site = site
        self.schedule = Schedule() if schedule is None else schedule
        self.sources = sources
        self.kinds = kinds
        self.issued = [0] * len(kinds)
        self.counter = [0]

    def run(self, horizon_s: float, budget: Budget, progress: Progress | None = None) -> Recording:
        """Run to the horizon, drain, and hand over the recording.

        A run that reaches a limit or is stopped by ``progress`` hands over what it has; the
        manifest says so under ``ending``.
        """
        probe = self.site.probe
        meter = Meter(budget)
        self.schedule.start(self.site, horizon_s)
        for source in self.sources:
            inflow = Inflow(Gate(self, source), source, horizon_s)
            self.site.inflows.append(inflow)
            inflow.begin()
        ending: Ending = "complete"
        with _no_cyclic_collection():
            for edge in np.linspace(0.0, horizon_s, GRID_INTERVALS + 1).tolist():
                ending = self._advance(edge, meter)
                if ending != "complete":
                    break
                probe.sample()
                if progress is not None and not progress(edge / horizon_s):
                    ending = "interrupted"
                    break
            if ending == "complete":
                ending = self._drain(horizon_s, meter, progress)
        return self._recording(ending, meter)

    def _advance(self, until: float, meter: Meter) -> Ending:
        arrived = False
        while not arrived:
            arrived = self.site.clock.advance(until)
            limit = meter.exceeded()
            if limit is not None:
                return limit
        return "complete"

    def _drain(self, horizon_s: float, meter: Meter, progress: Progress | None) -> Ending:
        step = horizon_s / 20
        limit = horizon_s * (1 + meter.budget.drain_factor)
        finished = self.site.probe.requests
        until = horizon_s
        while len(finished) < self.counter[0] and until < limit:
            until += step
            ending = self._advance(until, meter)
            if ending != "complete":
                return ending
            if progress is not None and not progress(1.0):
                return "interrupted"
        return "complete"

    def _recording(self, ending: Ending, meter: Meter) -> Recording:
        site, probe = self.site, self.site.probe
        readings = np.array(probe.readings, dtype=np.float64).reshape(-1, len(probe.meters))
        meters: dict[str, Table] = {}
        for column, (component, meter_name) in enumerate(probe.meters):
            meters.setdefault(component, {})[meter_name] = readings[:, column].copy()
        finals: dict[str, dict[str, float]] = {}
        for (component, meter_name), read in probe.meters.items():
            if meter_name.endswith("_total"):
                finals.setdefault(component, {})[meter_name] = float(read())
        return Recording(
            requests=probe.requests.frozen(),
            visits=probe.visits.frozen(),
            samples=probe.samples.frozen(),
            times=np.array(probe.times),
            meters=meters,
            finals=finals,
            issued=list(self.issued),
            kinds=self.kinds,
            components=list(probe.components),
            metrics=list(probe.metrics),
            outcomes=list(OUTCOME_NAMES),
            trace_every=probe.trace_every,
            manifest={
                "seed": site.streams.seed,
                "replication": site.streams.replication,
                "ending": ending,
                "simulated_s": site.clock.now,
                "events": site.clock.events,
                "wall_s": meter.spent_s,
                "faults": self.schedule.windows,
            },
        )


@contextmanager
def _no_cyclic_collection() -> Iterator[None]:
    """Requests are freed by reference counting; looking for cycles costs 10 to 40 percent."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


__all__ = ["Gate", "Outcome", "RequestKind", "RequestSource", "Simulation"]
