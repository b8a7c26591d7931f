"""More traffic than usual."""

from typing import ClassVar

from simulator.faults.slow import Factor
from simulator.kernel.fault import Effect, Switch
from simulator.kernel.site import Site


class TrafficSpike(Effect):
    """The offered rate is multiplied for a while: `spike: 3x`.

    The extra requests are a stream of their own beside the usual one, so the requests of a run
    without the spike arrive at the same times with it.
    """

    key: ClassVar[str] = "spike"
    aims: ClassVar[bool] = False
    factor: Factor
    """Rate during the spike, as a multiple of the usual one."""

    def install(self, site: Site, target: str, place: str) -> Switch:
        return surge(site, self.factor)

    def sentence(self, targets: str) -> str:
        return f"traffic is {self.factor:g}x"


def surge(site: Site, factor: float) -> Switch:
    """A switch that adds ``factor - 1`` times the usual traffic of every source."""

    def begin() -> None:
        for inflow in site.inflows:
            inflow.surge(factor - 1.0)

    def end() -> None:
        for inflow in site.inflows:
            inflow.subside()

    return Switch(begin, end)
