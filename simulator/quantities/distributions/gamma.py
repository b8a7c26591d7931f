"""The gamma family: sums of exponential stages, with any coefficient of variation."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from simulator.quantities.distributions.base import Distribution, Role, Roles, require

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Gamma(Distribution):
    """By mean and coefficient of variation; cv 1 is the exponential, below 1 it is steadier."""

    average: float
    cv: float

    name = "gamma"
    parameters: ClassVar[Roles] = {"mean": Role.QUANTITY, "cv": Role.NUMBER}
    forms = (("mean", "cv"),)
    example = "{mean: 50ms, cv: 0.5}"

    @classmethod
    def of(cls, **given: float) -> "Gamma":
        require(given["mean"] > 0, "`mean` must be above 0", parameter="mean")
        possible = 1e-3 <= given["cv"] <= 1e3
        require(possible, "`cv` must lie between 0.001 and 1000", parameter="cv")
        return cls(given["mean"], given["cv"])

    @property
    def shape(self) -> float:
        """The number of stages, 1 / cv^2, which need not be whole."""
        return 1.0 / self.cv**2

    @property
    def mean(self) -> float:
        return self.average

    @property
    def variance(self) -> float:
        return (self.average * self.cv) ** 2

    @property
    def scv(self) -> float:
        return self.cv**2

    def cdf(self, x: float) -> float:
        from scipy.special import gammainc

        return float(gammainc(self.shape, x * self.shape / self.average)) if x > 0 else 0.0

    def quantile(self, p: float) -> float:
        from scipy.special import gammaincinv

        if p >= 1:
            return math.inf
        return float(gammaincinv(self.shape, max(p, 0.0))) * self.average / self.shape

    def draw(self, rng: "np.random.Generator", n: int) -> "np.ndarray[Any, Any]":
        return rng.gamma(self.shape, self.average / self.shape, n)


@dataclass(frozen=True)
class Erlang(Gamma):
    """A whole number of exponential phases in a row, with the given mean of their sum."""

    name = "erlang"
    parameters: ClassVar[Roles] = {"mean": Role.QUANTITY, "phases": Role.COUNT}
    forms = (("mean", "phases"),)
    example = "{mean: 50ms, phases: 4}"

    @classmethod
    def of(cls, **given: float) -> "Erlang":
        require(given["mean"] > 0, "`mean` must be above 0", parameter="mean")
        possible = 1 <= given["phases"] <= 1e6
        require(possible, "`phases` must lie between 1 and 1M", parameter="phases")
        return cls(given["mean"], 1.0 / math.sqrt(given["phases"]))
