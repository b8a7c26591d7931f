"""The Weibull distribution: times to failure, with a hazard that falls or rises."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from simulator.quantities.distributions.base import Distribution, Role, Roles, require

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Weibull(Distribution):
    """By shape and scale or mean; shape 1 is the exponential, below 1 the tail is heavier."""

    scale: float
    shape: float

    name = "weibull"
    parameters: ClassVar[Roles] = {
        "mean": Role.QUANTITY,
        "scale": Role.QUANTITY,
        "shape": Role.NUMBER,
    }
    forms = (("mean", "shape"), ("scale", "shape"))
    example = "{mean: 50ms, shape: 0.7}"

    @classmethod
    def of(cls, **given: float) -> "Weibull":
        possible = 0.1 <= given["shape"] <= 1000
        require(possible, "`shape` must lie between 0.1 and 1000", parameter="shape")
        for parameter in given:
            require(given[parameter] > 0, f"`{parameter}` must be above 0", parameter=parameter)
        scale = given.get("scale") or given["mean"] / math.gamma(1.0 + 1.0 / given["shape"])
        return cls(scale, given["shape"])

    def _moment(self, k: int) -> float:
        return self.scale**k * math.gamma(1.0 + k / self.shape)

    @property
    def mean(self) -> float:
        return self._moment(1)

    @property
    def variance(self) -> float:
        return max(0.0, self._moment(2) - self.mean**2)

    def cdf(self, x: float) -> float:
        return -math.expm1(-((x / self.scale) ** self.shape)) if x > 0 else 0.0

    def quantile(self, p: float) -> float:
        if p >= 1:
            return math.inf
        return self.scale * math.pow(-math.log1p(-max(p, 0.0)), 1.0 / self.shape)

    def draw(self, rng: "np.random.Generator", n: int) -> "np.ndarray[Any, Any]":
        return self.scale * rng.weibull(self.shape, n)
