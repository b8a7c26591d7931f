"""The lognormal distribution: the usual shape of response times, with a long right tail."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from simulator.quantities.distributions.base import Distribution, Role, Roles, require
from simulator.quantities.distributions.percentiles import (
    NORMAL,
    SIGMA_MAX,
    ordered_points,
    percentile_of,
    slope,
)

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Lognormal(Distribution):
    """The exponential of a normal quantity; by two percentiles, or by mean and cv.

    `{median: 40ms, p99: 200ms}`, `{p50: 40ms, p95: 120ms}` or `{mean: 50ms, cv: 0.8}`; the
    shorthands `{p50: 40ms, p99: 200ms}` and `~80ms..300ms` (the middle 90 %) mean this too.
    """

    mu: float
    sigma: float

    name = "lognormal"
    parameters: ClassVar[Roles] = {
        "median": Role.QUANTITY,
        "p50": Role.QUANTITY,
        "p90": Role.QUANTITY,
        "p95": Role.QUANTITY,
        "p99": Role.QUANTITY,
        "mean": Role.QUANTITY,
        "cv": Role.NUMBER,
    }
    forms = (("median", "p95"), ("median", "p99"), ("mean", "cv"))
    example = "{median: 40ms, p99: 200ms}"

    @classmethod
    def role(cls, parameter: str) -> Role | None:
        return Role.QUANTITY if percentile_of(parameter) else super().role(parameter)

    @classmethod
    def fits(cls, names: set[str]) -> bool:
        two_percentiles = len(names) == 2 and all(percentile_of(name) for name in names)
        return two_percentiles or names == {"mean", "cv"}

    @classmethod
    def of(cls, **given: float) -> "Lognormal":
        if given.keys() == {"mean", "cv"}:
            require(given["mean"] > 0, "`mean` must be above 0", parameter="mean")
            sigma_squared = math.log1p(given["cv"] ** 2)
            require(sigma_squared <= SIGMA_MAX**2, "`cv` is too large", parameter="cv")
            return cls(math.log(given["mean"]) - 0.5 * sigma_squared, math.sqrt(sigma_squared))
        left, right = ordered_points(given)
        sigma = slope(left, right)
        return cls(left[1] - sigma * left[0], sigma)

    @property
    def mean(self) -> float:
        return math.exp(self.mu + 0.5 * self.sigma**2)

    @property
    def variance(self) -> float:
        return self.mean**2 * self.scv

    @property
    def scv(self) -> float:
        return math.expm1(self.sigma**2)

    def cdf(self, x: float) -> float:
        if x <= 0:
            return 0.0
        if self.sigma == 0:
            return float(math.log(x) >= self.mu)
        return NORMAL.cdf((math.log(x) - self.mu) / self.sigma)

    def quantile(self, p: float) -> float:
        if self.sigma == 0:
            return math.exp(self.mu)
        if p <= 0 or p >= 1:
            return 0.0 if p <= 0 else math.inf
        return math.exp(self.mu + self.sigma * NORMAL.inv_cdf(p))

    def draw(self, rng: "np.random.Generator", n: int) -> "np.ndarray[Any, Any]":
        return rng.lognormal(self.mu, self.sigma, n)
