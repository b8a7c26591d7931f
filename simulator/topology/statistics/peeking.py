"""What looking early, or at many metrics, costs."""

import math
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from simulator.quantities import Fraction
from simulator.topology.statistics.statistic import Statistic

GRID = 801


class Peeking(Statistic):
    """False alarms of a test that is looked at several times and stopped when it is significant.

    The looks are equally far apart and each uses `alpha` as if it were the only one. Under no
    difference the sum of the observations is a random walk; the mass that has not crossed the
    limits is carried from look to look by numerical integration (Armitage, McPherson, Rowe,
    Journal of the Royal Statistical Society A 132, 1969: 5 looks make 5 % into 14.2 %). The
    corrected alpha is Pocock's, with which all looks together give `alpha`.
    """

    key: ClassVar[str] = "peeking"
    looks: int = Field(ge=1, le=200)
    """How often it is looked at, the last time included."""
    alpha: Fraction = Field(0.05, gt=0, lt=1)
    """Significance level of one look."""
    report: Literal["false_positive_rate", "corrected_alpha"] = "false_positive_rate"

    def results(self) -> dict[str, float]:
        """False alarms over all looks; alpha per look that keeps them at `alpha`."""
        from scipy.optimize import brentq
        from scipy.stats import norm

        limit = float(norm.ppf(1 - self.alpha / 2))

        def excess(at: float) -> float:
            return crossing_probability(self.looks, at) - self.alpha

        pocock = limit if self.looks == 1 else float(brentq(excess, limit, limit + 4, xtol=1e-6))
        return {
            "false_positive_rate": crossing_probability(self.looks, limit),
            "corrected_alpha": 2.0 * float(norm.sf(pocock)),
        }

    def derivation(self) -> str:
        found = self.results()
        return (
            f"{self.looks} looks at {self.alpha:.2g} each: {found['false_positive_rate']:.1%} false"
            f" alarms; Pocock's level is {found['corrected_alpha']:.2g} a look"
        )


def crossing_probability(looks: int, limit: float) -> float:
    """Chance that a driftless random walk is outside ``limit * sqrt(k)`` at one of the looks."""
    from scipy.stats import norm

    edge = limit
    points = np.linspace(-edge, edge, GRID)
    density = norm.pdf(points)
    for look in range(2, looks + 1):
        step = points[1] - points[0]
        weights = np.full(GRID, step)
        weights[[0, -1]] = step / 2.0
        wider = limit * math.sqrt(look)
        following = np.linspace(-wider, wider, GRID)
        density = norm.pdf(following[:, None] - points[None, :]) @ (density * weights)
        points = following
    step = points[1] - points[0]
    inside = float(density.sum() - (density[0] + density[-1]) / 2.0) * float(step)
    return 1.0 - inside


class Comparisons(Statistic):
    """False alarms of several independent comparisons, and the levels that correct for them."""

    key: ClassVar[str] = "comparisons"
    count: int = Field(ge=1, le=100_000)
    """How many there are."""
    alpha: Fraction = Field(0.05, gt=0, lt=1)
    """Significance level of each."""
    report: Literal["false_positive_rate", "bonferroni", "sidak"] = "false_positive_rate"

    def results(self) -> dict[str, float]:
        """Chance of at least one false alarm, and the corrected levels."""
        return {
            "false_positive_rate": 1.0 - (1.0 - self.alpha) ** self.count,
            "bonferroni": self.alpha / self.count,
            "sidak": 1.0 - (1.0 - self.alpha) ** (1.0 / self.count),
        }

    def derivation(self) -> str:
        found = self.results()
        return (
            f"1 - (1 - {self.alpha:g})^{self.count} = {found['false_positive_rate']:.1%}; "
            f"Bonferroni {found['bonferroni']:.2g}"
        )
