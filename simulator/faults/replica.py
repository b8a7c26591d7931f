"""Something wrong with one replica of a service."""

from typing import ClassVar

from pydantic import Field, NonNegativeInt

from simulator.faults.slow import Factor
from simulator.kernel.component import Component
from simulator.kernel.fault import Effect, Switch
from simulator.kernel.site import Site
from simulator.policies.replica import Trouble
from simulator.quantities import Fraction


class OneReplica(Effect):
    """One replica is down, slow or fails a share of its calls: `replica: {number: 0, slow: 10x}`.

    For services with a queue per replica. A replica that is down answers every call with an
    error at once, which attracts balancers that look at load.
    """

    key: ClassVar[str] = "replica"
    number: NonNegativeInt = 0
    """Which one, counted from 0."""
    down: bool = False
    """It refuses every call."""
    slow: Factor = 1.0
    """How much longer its work takes, such as `10x`."""
    errors: Fraction = Field(0.0)
    """Share of its calls that fail."""

    def misfit(self, component: Component) -> tuple[str, str] | None:
        if getattr(component, "queue_at", "shared") != "shared" and component.replica_count > 1:
            return None
        return "has no replicas that a balancer could tell apart", "set `queue_at: replica`"

    def install(self, site: Site, target: str, place: str) -> Switch:
        site.struck.add(target)

        trouble = Trouble(self.down, self.errors, self.slow)

        def strike(begins: bool) -> None:
            farm = getattr(site.servers[target], "farm", None)
            if farm is not None and begins:
                farm.strike(self.number, trouble)
            elif farm is not None:
                farm.relieve(self.number, trouble)

        return Switch(lambda: strike(True), lambda: strike(False))

    def sentence(self, targets: str) -> str:
        if self.down:
            state = "down"
        elif self.errors:
            state = f"failing {self.errors:.0%} of its calls"
        else:
            state = f"{self.slow:g}x slower"
        return f"replica {self.number} of {targets} is {state}"
