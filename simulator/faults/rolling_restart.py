"""A deployment that replaces the replicas batch by batch."""

from typing import ClassVar

from simulator.kernel.component import Component
from simulator.kernel.fault import Effect, Switch
from simulator.kernel.site import Site
from simulator.quantities import Fraction, PositiveDuration


class RollingRestart(Effect):
    """Batches of the component restart one after the other: `rolling_restart: {each: 30s}`.

    While a batch restarts, `unavailable` of the servers are missing (Kubernetes
    `maxUnavailable`, 25 % by default, without surge). Work in progress is finished first.
    """

    key: ClassVar[str] = "rolling_restart"
    instant: ClassVar[bool] = True
    each: PositiveDuration = 30.0
    """Time a batch takes to restart."""
    unavailable: Fraction = 0.25
    """Share of the servers in a batch."""

    def misfit(self, component: Component) -> tuple[str, str] | None:
        return None if component.has_servers else ("has no servers to lose", "use `down` or `slow`")

    def install(self, site: Site, target: str, place: str) -> Switch:
        def batch(done: float) -> None:
            server = site.servers[target]
            if done > 0.0:
                server.regain(self.unavailable)
            if done < 1.0 - 1e-9 and self.unavailable > 0.0:
                server.lose(self.unavailable)
                due = site.clock.now + self.each
                site.clock.call_at(due, lambda: batch(done + self.unavailable))

        return Switch(lambda: batch(0.0), lambda: None)

    def sentence(self, targets: str) -> str:
        return f"{targets} restarts, {self.unavailable:.0%} at a time"
