"""Anything with only a latency and an error rate."""

from typing import Literal

from simulator.kernel.amount import DurationAmount
from simulator.kernel.component import Component, Means, Paper, Server
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Flow, Request
from simulator.kernel.site import Site
from simulator.quantities import Duration, Fraction, UsdPerItem


class Delay(Component):
    """A callee without a queue: answers after a while, with a share of errors (G/G/inf).

    With `per_in_flight` every call in the system slows the ones that arrive: a shared resource
    whose cost of coordination grows with concurrency. For what is not worth modelling or never
    runs out of capacity: a managed service, a network hop, a human step outside the system.
    """

    kind: Literal["delay"] = "delay"
    latency: DurationAmount
    """Time to answer."""
    per_in_flight: Duration = 0.0
    """Added to the latency for every call in flight when it arrives, itself included."""
    price: UsdPerItem | None = None
    """Cost of one call, for example `$0.002` or `$1/1k requests`."""
    errors: Fraction = 0.0
    """Share of calls answered with an error, after the same latency."""

    def build(self, name: str, site: Site) -> "DelayServer":
        return DelayServer(name, site, self)

    def on_paper(self, attributes: Means) -> Paper:
        return Paper(delay_s=self.latency.mean(attributes), cost_usd=self.price or 0.0)


class DelayServer(Server):
    """Waits, then answers."""

    spec: Delay

    def __init__(self, name: str, site: Site, spec: Delay) -> None:
        super().__init__(name, site, spec)
        self.latency = spec.latency.measure(site, name, "latency")
        self.chance = site.uniforms_of(name, "errors")
        self.served = 0
        self.in_flight = 0
        self.meter(site, "served_total", lambda: self.served)
        if spec.per_in_flight:
            self.meter(site, "in_flight", lambda: self.in_flight)

    def call(self, request: Request) -> Flow:
        seconds = self.latency(request)
        if self.spec.per_in_flight:
            self.in_flight += 1
            seconds += self.spec.per_in_flight * self.in_flight
            try:
                yield seconds
            finally:
                self.in_flight -= 1
        else:
            yield seconds
        self.served += 1
        if request.visit is not None:
            request.visit.service += seconds
        if self.spec.price is not None:
            self.charge(request, self.spec.price)
        if self.spec.errors and self.chance(request) < self.spec.errors:
            return Outcome.ERROR
        return Outcome.OK
