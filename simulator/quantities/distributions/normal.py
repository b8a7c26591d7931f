"""The normal distribution without its negative part."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from simulator.quantities.distributions.base import Distribution, Role, Roles, require
from simulator.quantities.distributions.percentiles import NORMAL

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Normal(Distribution):
    """Normal with the given mean and sd, truncated at 0: negative values are drawn again.

    `mean` and `sd` are those before the cut; where sd is more than a third of the mean, the cut
    raises the mean noticeably (N. Johnson, S. Kotz, Continuous Univariate Distributions 1,
    section 10.1).
    """

    location: float
    sd: float

    name = "normal"
    parameters: ClassVar[Roles] = {"mean": Role.QUANTITY, "sd": Role.QUANTITY}
    forms = (("mean", "sd"),)
    example = "{mean: 50ms, sd: 8ms}"

    @classmethod
    def of(cls, **given: float) -> "Normal":
        possible = given["mean"] > 0 or given["sd"] > 0
        require(possible, "`mean` and `sd` cannot both be 0", parameter="mean")
        return cls(given["mean"], given["sd"])

    @property
    def _cut(self) -> tuple[float, float, float]:
        """Score of 0, probability below it, and the inverse Mills ratio there."""
        score = -self.location / self.sd if self.sd else -math.inf
        below = NORMAL.cdf(score) if self.sd else 0.0
        return score, below, NORMAL.pdf(score) / (1.0 - below) if self.sd else 0.0

    @property
    def mean(self) -> float:
        return self.location + self.sd * self._cut[2]

    @property
    def variance(self) -> float:
        score, _, mills = self._cut
        product = score * mills if mills else 0.0
        return self.sd**2 * (1.0 + product - mills**2)

    def cdf(self, x: float) -> float:
        if self.sd == 0:
            return float(x >= self.location)
        below = self._cut[1]
        return max(0.0, (NORMAL.cdf((x - self.location) / self.sd) - below) / (1.0 - below))

    def quantile(self, p: float) -> float:
        if self.sd == 0:
            return self.location
        below = self._cut[1]
        level = below + p * (1.0 - below)
        if level <= 0 or level >= 1:
            return 0.0 if level <= 0 else math.inf
        return max(0.0, self.location + self.sd * NORMAL.inv_cdf(level))

    def draw(self, rng: "np.random.Generator", n: int) -> "np.ndarray[Any, Any]":
        drawn = rng.normal(self.location, self.sd, n)
        # The mean is not negative, so each round keeps at least half.
        while (negative := drawn < 0).any():
            drawn[negative] = rng.normal(self.location, self.sd, int(negative.sum()))
        return drawn
