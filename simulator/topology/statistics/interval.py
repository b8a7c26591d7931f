"""How well a share or a mean is known."""

import math
from typing import ClassVar, Literal

from pydantic import Field

from simulator.quantities import Fraction, Number, PositiveCount
from simulator.topology.statistics.statistic import Statistic

Report = Literal["low", "high", "half_width"]


class Proportion(Statistic):
    """The interval of a share (Wilson, Journal of the American Statistical Association 1927)."""

    key: ClassVar[str] = "proportion"
    share: Fraction
    """Share that was observed."""
    n: PositiveCount
    """How many were observed."""
    level: Fraction = Field(0.95, gt=0, lt=1)
    """Confidence level."""
    report: Report = "half_width"

    def results(self) -> dict[str, float]:
        """Both ends and half of the width."""
        from scipy.stats import norm

        squared = float(norm.ppf(0.5 + self.level / 2)) ** 2
        middle = (self.share + squared / (2 * self.n)) / (1 + squared / self.n)
        inside = self.share * (1 - self.share) / self.n + squared / (4 * self.n**2)
        arm = math.sqrt(squared * inside) / (1 + squared / self.n)
        return {"low": middle - arm, "high": middle + arm, "half_width": arm}

    def derivation(self) -> str:
        found = self.results()
        return f"{self.share:.2%} of {self.n}: [{found['low']:.2%}, {found['high']:.2%}]"


class Mean(Statistic):
    """The interval of a mean (Student's t)."""

    key: ClassVar[str] = "mean"
    mean: Number
    """Mean that was observed."""
    deviation: Number
    """Standard deviation of one observation."""
    n: PositiveCount
    """How many were observed."""
    level: Fraction = Field(0.95, gt=0, lt=1)
    """Confidence level."""
    report: Report = "half_width"

    def results(self) -> dict[str, float]:
        """Both ends and half of the width."""
        from scipy.stats import t

        if self.n < 2:
            return {"low": -math.inf, "high": math.inf, "half_width": math.inf}
        arm = float(t.ppf(0.5 + self.level / 2, self.n - 1)) * self.deviation / math.sqrt(self.n)
        return {"low": self.mean - arm, "high": self.mean + arm, "half_width": arm}

    def derivation(self) -> str:
        found = self.results()
        return f"{self.mean:g} over {self.n}: [{found['low']:.4g}, {found['high']:.4g}]"
