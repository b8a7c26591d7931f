"""How an arrival rate changes over time, and the exact way to draw arrivals from it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Profile:
    """A piecewise linear rate lambda(t): ``rates`` (per s) at ``times`` (s), ascending.

    Two equal times make a jump. Before the first and after the last time the rate stays what it
    is there.
    """

    times: tuple[float, ...]
    rates: tuple[float, ...]

    def scaled(self, factor: float) -> "Profile":
        """The same shape at ``factor`` times the rate."""
        return Profile(self.times, tuple(rate * factor for rate in self.rates))

    def cumulative(self) -> Floats:
        """Expected arrivals from the first time up to each time."""
        times, rates = np.array(self.times), np.array(self.rates)
        steps = np.diff(times) * (rates[1:] + rates[:-1]) / 2.0
        return np.concatenate(([0.0], np.cumsum(steps)))

    def mean_rate(self, horizon_s: float) -> float:
        """Expected arrivals per second between 0 and the horizon."""
        grid = np.unique(np.clip([0.0, *self.times, horizon_s], 0.0, horizon_s))
        if horizon_s <= 0:
            return self.rates[0]
        middles = (grid[1:] + grid[:-1]) / 2.0
        # Linear between grid points, except at jumps, which the interval middles step around.
        values = np.interp(middles, *self._without_jumps())
        return float(np.sum(values * np.diff(grid)) / horizon_s)

    def rate_at(self, time: float) -> float:
        """The rate at a time; at a jump, the one after it."""
        position = int(np.searchsorted(self.times, time, side="right"))
        if position in (0, len(self.times)):
            return self.rates[min(position, len(self.rates) - 1)]
        before, after = self.times[position - 1], self.times[position]
        share = (time - before) / (after - before)
        return self.rates[position - 1] * (1.0 - share) + self.rates[position] * share

    def starting(self, begin: float) -> "Profile":
        """The same rate from ``begin`` on, and none before."""
        later = [pair for pair in zip(self.times, self.rates, strict=True) if pair[0] > begin]
        now = self.rate_at(begin)
        return Profile(
            (0.0, begin, begin, *(time for time, _ in later)),
            (0.0, 0.0, now, *(rate for _, rate in later)),
        )

    def peak_rate(self) -> float:
        """The highest rate."""
        return max(self.rates)

    def _without_jumps(self) -> tuple[Floats, Floats]:
        times = np.array(self.times)
        for position in range(1, len(times)):
            if times[position] <= times[position - 1]:
                times[position] = np.nextafter(times[position - 1], np.inf)
        return times, np.array(self.rates)

    def moments_of(self, counts: Floats) -> Floats:
        """Times at which the expected number of arrivals reaches each of the counts.

        The time change of an inhomogeneous Poisson process (Cinlar 1975): the arrival times of a
        unit-rate process, put through the inverse of the cumulative rate, arrive at rate
        lambda(t). The inverse is exact: within a segment the cumulative rate is quadratic.
        """
        times, rates = np.array(self.times), np.array(self.rates)
        cumulative = self.cumulative()
        segment = np.clip(np.searchsorted(cumulative, counts, side="right") - 1, 0, len(times) - 1)
        last = segment >= len(times) - 1
        segment = np.minimum(segment, max(len(times) - 2, 0))
        rest = counts - cumulative[segment]
        rate = rates[segment]
        if len(times) == 1:
            slope = np.zeros_like(rest)
        else:
            width = np.diff(times)[segment]
            rise = np.diff(rates)[segment]
            slope = np.divide(rise, width, out=np.zeros_like(rise), where=width > 0)
        root = np.sqrt(np.maximum(rate * rate + 2.0 * slope * rest, 0.0))
        inside = times[segment] + 2.0 * rest / np.maximum(rate + root, 1e-300)
        tail_rate = max(rates[-1], 1e-300)
        beyond = times[-1] + (counts - cumulative[-1]) / tail_rate
        moments: Floats = np.where(last, beyond, inside)
        return moments


def arrival_times(profile: Profile, gaps: "Iterator[Floats]", horizon_s: float) -> Iterator[float]:
    """Arrival times up to the horizon of a renewal process run through the profile's clock.

    ``gaps`` yields blocks of times between arrivals of mean 1: exponential gaps make a Poisson
    process, equal gaps an even one, gamma gaps with a large variance bursts.
    """
    total = 0.0
    for block in gaps:
        counts = total + np.cumsum(block)
        total = float(counts[-1])
        moments = profile.moments_of(counts)
        if moments[-1] <= horizon_s:
            yield from moments.tolist()
        else:
            yield from moments[moments <= horizon_s].tolist()
            return
