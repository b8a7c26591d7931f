"""Memoryless: however long it has lasted, the rest is as long as ever."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from simulator.quantities.distributions.base import Distribution, Role, Roles, require

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Exponential(Distribution):
    """Memoryless with the given mean; squared coefficient of variation 1 (the M of M/M/1)."""

    average: float

    name = "exponential"
    parameters: ClassVar[Roles] = {"mean": Role.QUANTITY}
    forms = (("mean",),)
    example = "{mean: 96ms}"

    @classmethod
    def of(cls, **given: float) -> "Exponential":
        require(given["mean"] > 0, "`mean` must be above 0", parameter="mean")
        return cls(given["mean"])

    @property
    def mean(self) -> float:
        return self.average

    @property
    def variance(self) -> float:
        return self.average**2

    def cdf(self, x: float) -> float:
        return -math.expm1(-x / self.average) if x > 0 else 0.0

    def quantile(self, p: float) -> float:
        return -self.average * math.log1p(-p) if p < 1 else math.inf

    def draw(self, rng: "np.random.Generator", n: int) -> "np.ndarray[Any, Any]":
        return rng.exponential(self.average, n)
