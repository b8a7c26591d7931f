"""A chain of alternatives."""

from collections.abc import Callable
from typing import Literal

from pydantic import Field

from simulator.kernel.component import Component, Means, Paper, Server
from simulator.kernel.outcome import Outcome
from simulator.kernel.references import Target
from simulator.kernel.request import Call, Flow, Request
from simulator.kernel.site import Site
from simulator.policies.calling import Calling
from simulator.quantities import Fraction

OK = Outcome.OK


class EachCall(Calling):
    """Policies on the call to each target."""


class Fallback(Component):
    """Targets in order: the next one is asked when one fails, times out or refuses.

    The latency of a request that fell back contains the failed attempts. An answer from any
    target but the first is degraded (`fallback_ok`) and may have a lower quality.
    """

    kind: Literal["fallback"] = "fallback"
    targets: list[Target] = Field(min_length=1)
    """Components to ask, best first."""
    each: EachCall = EachCall()
    """Policies on the call to each target."""
    quality: dict[Target, Fraction] = Field(default_factory=dict)
    """Quality of an answer by target; 1 where left out."""

    def build(self, name: str, site: Site) -> "FallbackServer":
        return FallbackServer(name, site, self)

    def on_paper(self, attributes: Means) -> Paper:
        paper = Paper()
        paper.add_call(self.targets[0], 1.0, 1.0 if self.each.refuses else 0.0)
        for target in self.targets[1:]:
            paper.add_call(target, 0.0)
        return paper


class FallbackServer(Server):
    """Asks one target after the other."""

    spec: Fallback

    def __init__(self, name: str, site: Site, spec: Fallback) -> None:
        super().__init__(name, site, spec)
        self.ways: list[tuple[Call, float]] = []
        self.answered = [0] * len(spec.targets)
        for position, target in enumerate(spec.targets):
            self.meter(site, f"answered_by_{target}_total", self._count(position))

    def connect(self, site: Site) -> None:
        for target in self.spec.targets:
            call = self.spec.each.apply(site.link(target), site, f"{self.name}.{target}", target)
            self.ways.append((call, self.spec.quality.get(target, 1.0)))

    def call(self, request: Request) -> Flow:
        outcome = Outcome.ERROR
        for position, (call, quality) in enumerate(self.ways):
            outcome = yield from call(request)
            if outcome is OK:
                self.answered[position] += 1
                if position:
                    request.degraded = Outcome.FALLBACK_OK
                request.quality *= quality
                return OK
            if outcome is Outcome.CANCELLED:
                break
        return outcome

    def _count(self, position: int) -> Callable[[], float]:
        return lambda: self.answered[position]
