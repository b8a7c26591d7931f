"""Day and night."""

from typing import Literal

import numpy as np
from pydantic import NonNegativeFloat, model_validator

from simulator.quantities.moment import Moment, RunMoment
from simulator.workload.arrival_process import Arrivals
from simulator.workload.profile import Profile

SEGMENTS = 96
"""Straight pieces per period: a quarter of an hour of a day."""


class Diurnal(Arrivals):
    """Poisson arrivals whose rate swings like a cosine between a trough and a peak.

    By default one day is as long as the run, so that the shape fits whatever the run lasts.
    """

    kind: Literal["diurnal"] = "diurnal"
    trough: NonNegativeFloat = 0.4
    """Factor on the offered rate at the quietest time."""
    peak: NonNegativeFloat = 1.6
    """Factor on the offered rate at the busiest time."""
    period: RunMoment = Moment(1.0, relative=True)
    """Length of a day: `24h`, or a share of the run."""
    peak_at: RunMoment = Moment(0.6, relative=True)
    """When the first peak is, or a share of the run."""

    @model_validator(mode="after")
    def _ordered(self) -> "Diurnal":
        if self.trough > self.peak:
            raise ValueError("`trough` is above `peak`")
        return self

    def shape(self, horizon_s: float) -> Profile:
        period = self.period.seconds(horizon_s)
        steps = max(int(np.ceil(horizon_s / period)) * SEGMENTS, SEGMENTS)
        times = np.linspace(0.0, max(horizon_s, period), min(steps, 100_000) + 1)
        middle, swing = (self.peak + self.trough) / 2.0, (self.peak - self.trough) / 2.0
        phase = 2.0 * np.pi * (times - self.peak_at.seconds(horizon_s)) / period
        return Profile(tuple(times.tolist()), tuple((middle + swing * np.cos(phase)).tolist()))

    def describe(self) -> str:
        return f"diurnal {self.trough:g}x to {self.peak:g}x"
