"""Random whole numbers: how many of something a request brings."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from simulator.quantities.distributions.base import Distribution, Role, Roles, require

if TYPE_CHECKING:
    import numpy as np

_LARGEST_MEAN = 1e12


@dataclass(frozen=True)
class Poisson(Distribution):
    """Poisson with the given mean: 0, 1, 2, ..., variance equal to the mean."""

    average: float

    name = "poisson"
    parameters: ClassVar[Roles] = {"mean": Role.NUMBER}
    forms = (("mean",),)
    whole = True
    example = "{mean: 3}"

    @classmethod
    def of(cls, **given: float) -> "Poisson":
        possible = 0 < given["mean"] <= _LARGEST_MEAN
        require(possible, "`mean` must lie above 0 and below 1T", parameter="mean")
        return cls(given["mean"])

    @property
    def mean(self) -> float:
        return self.average

    @property
    def variance(self) -> float:
        return self.average

    def cdf(self, x: float) -> float:
        from scipy.special import gammaincc

        return float(gammaincc(math.floor(x) + 1, self.average)) if x >= 0 else 0.0

    def quantile(self, p: float) -> float:
        if p >= 1:
            return math.inf
        low, high = -1, max(1, math.ceil(self.average))
        while self.cdf(high) < p:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.cdf(middle) < p else (low, middle)
        return float(high)

    def draw(self, rng: "np.random.Generator", n: int) -> "np.ndarray[Any, Any]":
        return rng.poisson(self.average, n)


@dataclass(frozen=True)
class Geometric(Distribution):
    """Geometric with the given mean (at least 1): 1, 2, 3, ... tries up to the first success."""

    average: float

    name = "geometric"
    parameters: ClassVar[Roles] = {"mean": Role.NUMBER}
    forms = (("mean",),)
    whole = True
    example = "{mean: 300}"

    @classmethod
    def of(cls, **given: float) -> "Geometric":
        possible = 1 <= given["mean"] <= _LARGEST_MEAN
        require(possible, "`mean` must lie between 1 and 1T", "the smallest draw is 1", "mean")
        return cls(given["mean"])

    @property
    def mean(self) -> float:
        return self.average

    @property
    def variance(self) -> float:
        return self.average * (self.average - 1.0)

    @property
    def _log_failure(self) -> float:
        return math.log1p(-1.0 / self.average) if self.average > 1 else -math.inf

    def cdf(self, x: float) -> float:
        return -math.expm1(math.floor(x) * self._log_failure) if x >= 1 else 0.0

    def quantile(self, p: float) -> float:
        if self.average == 1:
            return 1.0
        return max(1.0, math.ceil(math.log1p(-p) / self._log_failure)) if p < 1 else math.inf

    def draw(self, rng: "np.random.Generator", n: int) -> "np.ndarray[Any, Any]":
        return rng.geometric(1.0 / self.average, n)
