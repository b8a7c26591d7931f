"""Refusing work at the door of a service."""

from typing import Literal

from pydantic import Field

from simulator.kernel.attempts import push_back
from simulator.kernel.request import NEVER, Call
from simulator.kernel.site import Site
from simulator.kernel.spec import Spec
from simulator.policies.concurrency import ConcurrencyLimit
from simulator.policies.concurrency.limit import LimitGate
from simulator.quantities import Fraction, PositiveDuration


class Admission(Spec):
    """A limit on the requests inside: `admission: {limit: {fixed: 100}, shares: {5: 80%}}`.

    One more is answered `rejected_overload` (503) at once. With `shares`, requests of that rank
    and of less urgent ones (larger numbers) may only fill so much of the limit, so that the rest
    stays free for the urgent. Source: Stripe, Scaling your API with rate limiters (2017): 20 %
    kept for critical traffic, less critical traffic dropped first.
    """

    limit: ConcurrencyLimit
    """`fixed: 100`, or one that adapts: `gradient2`, `vegas`, `aimd`, `envoy_gradient`."""
    shares: dict[int, Fraction] = Field(default_factory=dict)
    """Share of the limit by rank of the request; 100 % for ranks before the first one."""

    pushback: PositiveDuration | Literal["never"] | None = None
    """When a refused caller should try again, if it heeds that (`heed_pushback`)."""

    def gate(self, call: Call, site: Site, owner: str) -> Call:
        """The call behind this door."""
        controller = self.limit.controller(site.uniforms(owner, "admission"))
        gate = LimitGate(controller, call, site.clock)
        gate.shares = dict(self.shares)
        site.probe.meter(owner, "admission_limit", lambda: gate.controller.limit)
        site.probe.meter(owner, "shed_total", lambda: gate.refused)
        if self.pushback is not None:
            seconds = NEVER if self.pushback == "never" else self.pushback
            gate.on_refusal = lambda request: push_back(request, owner, seconds)
        return gate.call
