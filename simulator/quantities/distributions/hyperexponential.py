"""Two kinds of exponential work mixed: more variable than the exponential."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from simulator.quantities.distributions.base import (
    Distribution,
    Role,
    Roles,
    bisected_quantile,
    require,
)

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Hyperexponential(Distribution):
    """A mix of two exponentials, by mean and squared coefficient of variation (at least 1).

    Balanced means: either branch brings half of the total work (H. Tijms, A First Course in
    Stochastic Models, appendix B), so the first branch has the share
    `(1 + sqrt((scv - 1) / (scv + 1))) / 2`.
    """

    average: float
    squared_cv: float

    name = "hyperexponential"
    parameters: ClassVar[Roles] = {"mean": Role.QUANTITY, "scv": Role.NUMBER}
    forms = (("mean", "scv"),)
    example = "{mean: 50ms, scv: 4}"

    @classmethod
    def of(cls, **given: float) -> "Hyperexponential":
        require(given["mean"] > 0, "`mean` must be above 0", parameter="mean")
        require(
            1 <= given["scv"] <= 1e6,
            "`scv` must lie between 1 and 1M",
            "use gamma or erlang for less variable work",
            "scv",
        )
        return cls(given["mean"], given["scv"])

    @property
    def branches(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Share and mean of either branch."""
        root = math.sqrt((self.squared_cv - 1.0) / (self.squared_cv + 1.0))
        # The small share by its conjugate: 1 - root would cancel for a large scv.
        small = 1.0 / (self.squared_cv + 1.0) / (1.0 + root)
        shares = (1.0 - small, small)
        first, second = ((share, self.average / (2.0 * share)) for share in shares)
        return first, second

    @property
    def mean(self) -> float:
        return self.average

    @property
    def variance(self) -> float:
        return self.squared_cv * self.average**2

    @property
    def scv(self) -> float:
        return self.squared_cv

    def cdf(self, x: float) -> float:
        if x <= 0:
            return 0.0
        return -sum(share * math.expm1(-x / mean) for share, mean in self.branches)

    def quantile(self, p: float) -> float:
        return bisected_quantile(self.cdf, p, self.average)

    def draw(self, rng: "np.random.Generator", n: int) -> "np.ndarray[Any, Any]":
        import numpy as np

        (share, first), (_, second) = self.branches
        return rng.standard_exponential(n) * np.where(rng.random(n) < share, first, second)
