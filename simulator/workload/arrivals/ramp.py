"""A rate that climbs or falls."""

from typing import Literal

from pydantic import NonNegativeFloat

from simulator.quantities.moment import Moment, RunMoment
from simulator.workload.arrival_process import Arrivals
from simulator.workload.profile import Profile


class Ramp(Arrivals):
    """Poisson arrivals whose rate moves in a straight line between two factors of the offer."""

    kind: Literal["ramp"] = "ramp"
    start: NonNegativeFloat = 0.1
    """Factor on the offered rate before the ramp."""
    end: NonNegativeFloat = 1.0
    """Factor on the offered rate after the ramp."""
    begins: RunMoment = Moment(0.0, relative=True)
    """When the ramp begins."""
    lasts: RunMoment = Moment(1.0, relative=True)
    """How long it takes."""

    def shape(self, horizon_s: float) -> Profile:
        first = self.begins.seconds(horizon_s)
        last = first + self.lasts.seconds(horizon_s)
        return Profile((0.0, first, last), (self.start, self.start, self.end))

    def describe(self) -> str:
        return f"ramp {self.start:g}x to {self.end:g}x"
