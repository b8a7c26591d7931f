"""What every policy on a call has in common."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Literal

from simulator.kernel.clock import Clock
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, CancelMode
from simulator.kernel.site import Draw, Site
from simulator.kernel.spec import Spec

SYSTEM = "(system)"

FailureName = Literal[
    "error",
    "timeout",
    "rejected_overload",
    "rejected_queue_full",
    "rejected_rate_limit",
    "rejected_quota",
    "rejected_breaker",
    "abandoned",
    "dead_lettered",
]
"""An answer that a policy may look for."""

ReplicaTarget = Literal["any", "different_replica"]
"""Where a further try goes: wherever the balancer says, or to a replica that was not tried yet."""


def outcomes(names: list[FailureName]) -> frozenset[Outcome]:
    """The outcomes with these names."""
    return frozenset(Outcome(name) for name in names)


@dataclass(frozen=True)
class CallSite:
    """Where a call is made: who calls whom, and what the policies on it need.

    ``cancel`` is how far the news of a cancelled try travels; ``isolated`` is whether tries run
    in branches of their own already.
    """

    site: Site
    place: str
    target: str
    cancel: CancelMode
    isolated: bool

    @property
    def clock(self) -> Clock:
        """The clock of the simulation."""
        return self.site.clock

    def uniforms(self, purpose: str) -> Draw:
        """Draws between 0 and 1 for this call and purpose."""
        return self.site.uniforms(self.place, purpose)

    def meter(self, name: str, read: Callable[[], float]) -> None:
        """Register a reading under the caller's name, as ``target.name``."""
        owner, _, rest = self.place.partition(".")
        component = owner if owner in self.site.servers else SYSTEM
        known = self.site.probe.meters
        meter = f"{self.target}.{name}"
        if (component, meter) in known:
            meter = f"{self.target}.{rest}.{name}"
        # Several limits on one call, each of which counts what it refuses.
        for number in count(2):
            if (component, meter) not in known:
                break
            meter = f"{self.target}.{rest}.{number}.{name}"
        self.site.probe.meter(component, meter, read)


class CallPolicy(Spec):
    """Something a caller does about a call: a spec that wraps it."""

    @abstractmethod
    def wrap(self, call: Call, at: CallSite) -> Call:
        """The call with this policy around it."""
