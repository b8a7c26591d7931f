"""What a component is given when it is built into a simulation."""

from collections.abc import Callable
from itertools import chain, repeat
from typing import TYPE_CHECKING, Protocol

import numpy as np

from simulator.kernel.by_request import by_request, when_needed
from simulator.kernel.clock import Clock
from simulator.kernel.probe import Callee, Function, Probe
from simulator.kernel.request import Call, Request
from simulator.kernel.streams import Streams

if TYPE_CHECKING:
    from simulator.kernel.component import Server

Draw = Callable[[], float]
Measure = Callable[[Request], float]


class Drawable(Protocol):
    """A distribution, as far as a site needs it."""

    def sampler(self, rng: np.random.Generator) -> Draw: ...


class Inflow(Protocol):
    """A stream of requests, as far as a fault may add to it."""

    def surge(self, extra: float) -> None:
        """Add so many times its usual rate, until :meth:`subside`."""

    def subside(self) -> None:
        """Take back the latest surge."""


class Site:
    """The place a simulation is built on: clock, random streams, probe and the other servers.

    Draws are named ``component.purpose``. Where a request asks for them they belong to it
    (:func:`by_request`), so that variants of a design which send some requests another way treat
    the others alike. A component that a fault may slow down has a pace, a factor on every
    duration drawn for it; components that no fault names pay nothing for that.
    """

    def __init__(self, clock: Clock, streams: Streams, probe: Probe) -> None:
        self.clock = clock
        self.streams = streams
        self.probe = probe
        self.servers: dict[str, Server] = {}
        self.gates: dict[str, Callable[[Call], Call]] = {}
        self.cuts: dict[tuple[str, str], list[Callable[[Call], Call]]] = {}
        self.before: list[Callable[[Request], None]] = []
        self.inflows: list[Inflow] = []
        self.connecting = ""
        self.timed: set[str] = set()
        self.paces: dict[str, list[float]] = {}
        self.struck: set[str] = set()
        self._links: dict[str, Call] = {}

    def link(self, target: str) -> Call:
        """The way to call a component: gated by its faults, and leaving a visit if traced."""
        if target not in self._links:
            server = self.servers[target]
            callee: Callee = server
            if target in self.gates:
                callee = Function(self.gates[target](_late(callee)))
            if server.leaves_visits:
                self._links[target] = self.probe.traced(target, callee)
            else:
                self._links[target] = _late(callee)
        link = self._links[target]
        for cut in self.cuts.get((self.connecting, target), ()):
            link = cut(link)
        return link

    def add_gate(self, target: str, gate: Callable[[Call], Call]) -> None:
        """Put a gate around whatever stands before the component already."""
        inner = self.gates.get(target)
        self.gates[target] = gate if inner is None else lambda call: gate(inner(call))

    def add_cut(self, caller: str, target: str, cut: Callable[[Call], Call]) -> None:
        """Wrap the calls from one component (the one that is `connecting`) to another."""
        self.cuts.setdefault((caller, target), []).append(cut)

    def draws(self, owner: str, purpose: str, distribution: Drawable) -> Draw:
        """Draws of a plain number, from the stream of this owner and purpose."""
        return distribution.sampler(self.streams.generator(f"{owner}.{purpose}"))

    def durations(self, owner: str, purpose: str, distribution: Drawable) -> Draw:
        """Draws of a duration in seconds, stretched by the owner's pace if a fault may set it."""
        draw = self.draws(owner, purpose, distribution)
        self.timed.add(owner)
        pace = self.paces.get(owner)
        if pace is None:
            return draw
        return lambda: draw() * pace[0]

    def uniforms(self, owner: str, purpose: str) -> Draw:
        """Draws between 0 and 1."""
        rng = self.streams.generator(f"{owner}.{purpose}")
        return chain.from_iterable(rng.random(512).tolist() for _ in repeat(None)).__next__

    def draws_of(self, owner: str, purpose: str, distribution: Drawable) -> Measure:
        """Draws of a plain number, one for each request."""
        again = when_needed(lambda: self.draws(owner, f"{purpose}.again", distribution))
        return by_request(self.draws(owner, purpose, distribution), again)

    def durations_of(self, owner: str, purpose: str, distribution: Drawable) -> Measure:
        """Draws of a duration in seconds, one for each request, stretched like others."""
        measure = self.draws_of(owner, purpose, distribution)
        self.timed.add(owner)
        pace = self.paces.get(owner)
        if pace is None:
            return measure
        return lambda request: measure(request) * pace[0]

    def uniforms_of(self, owner: str, purpose: str) -> Measure:
        """Draws between 0 and 1, one for each request."""
        again = when_needed(lambda: self.uniforms(owner, f"{purpose}.again"))
        return by_request(self.uniforms(owner, purpose), again)

    def slowable(self, owner: str) -> list[float]:
        """The pace of a component, a one-element list; 1 is its normal speed."""
        return self.paces.setdefault(owner, [1.0])


def _late(callee: Callee) -> Call:
    return lambda request: callee.call(request)
