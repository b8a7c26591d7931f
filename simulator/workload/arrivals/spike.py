"""A steady rate with a burst in it."""

from typing import Literal

from pydantic import NonNegativeFloat

from simulator.quantities.moment import Moment, RunMoment
from simulator.workload.arrival_process import Arrivals
from simulator.workload.profile import Profile


class Spike(Arrivals):
    """Poisson arrivals at the offered rate, multiplied by ``factor`` for a while."""

    kind: Literal["spike"] = "spike"
    factor: NonNegativeFloat = 3.0
    """Rate during the spike, as a multiple of the offered rate."""
    at: RunMoment = Moment(0.4, relative=True)
    """When the spike begins."""
    lasts: RunMoment = Moment(0.2, relative=True)
    """How long it lasts."""
    rise: RunMoment = Moment(0.0)
    """How long the rate takes to climb, and again to fall."""

    def shape(self, horizon_s: float) -> Profile:
        begin = self.at.seconds(horizon_s)
        end = begin + self.lasts.seconds(horizon_s)
        rise = min(self.rise.seconds(horizon_s), (end - begin) / 2)
        high = self.factor
        return Profile((0.0, begin, begin + rise, end - rise, end), (1.0, 1.0, high, high, 1.0))

    def describe(self) -> str:
        return f"spike {self.factor:g}x"
