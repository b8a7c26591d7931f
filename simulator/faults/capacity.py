"""A component that lost some of its servers."""

from typing import ClassVar

from simulator.kernel.component import Component
from simulator.kernel.fault import Effect, Switch
from simulator.kernel.site import Site
from simulator.quantities import Fraction


class Capacity(Effect):
    """A share of the component's workers, connections or replicas is lost: `capacity: 50%`.

    Those at work finish what they do before they disappear. With `100%`, calls queue up until
    the fault is over: consumers are down while the broker still takes messages.
    """

    key: ClassVar[str] = "capacity"
    lost: Fraction
    """Share that is lost."""

    def misfit(self, component: Component) -> tuple[str, str] | None:
        return None if component.has_servers else ("has no servers to lose", "use `down` or `slow`")

    def install(self, site: Site, target: str, place: str) -> Switch:
        return Switch(
            lambda: site.servers[target].lose(self.lost),
            lambda: site.servers[target].regain(self.lost),
        )

    def sentence(self, targets: str) -> str:
        return f"{targets} loses {self.lost:.0%} of its capacity"
