"""A provider that takes back many replicas at once."""

from typing import ClassVar

from simulator.kernel.component import Component
from simulator.kernel.fault import Effect, Switch
from simulator.kernel.site import Site
from simulator.quantities import Fraction


class SpotWave(Effect):
    """A share of the replicas is taken back at one moment: `spot_wave: 40%`.

    A component with `autoscale` orders new ones, which are ready after its start-up time; what
    is lost of the work is up to the `notice` and `checkpoint` of its `spot`. One without has less
    capacity for as long as the fault lasts.
    """

    key: ClassVar[str] = "spot_wave"
    share: Fraction
    """Share that is taken back."""

    def misfit(self, component: Component) -> tuple[str, str] | None:
        return None if component.has_servers else ("has no servers to lose", "use `down` or `slow`")

    def install(self, site: Site, target: str, place: str) -> Switch:
        def end() -> None:
            server = site.servers[target]
            # A scaler has ordered others meanwhile: nothing comes back.
            if server.scaler is None:
                server.regain(self.share)

        return Switch(lambda: site.servers[target].preempt(self.share), end)

    def sentence(self, targets: str) -> str:
        return f"{self.share:.0%} of {targets} is taken back by the provider"
