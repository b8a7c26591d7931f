"""The Pareto distribution: a power-law tail, such as sizes of files and of customers."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from simulator.quantities.distributions.base import Distribution, Role, Roles, require

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Pareto(Distribution):
    """By shape and either minimum or mean; `max` cuts the tail off (the bounded Pareto).

    Without `max` the shape must exceed 1, or there is no mean; up to 2 the variance is infinite,
    and averages over a run settle very slowly. Bounded form: M. Harchol-Balter, Performance
    Modeling and Design of Computer Systems, chapter 20.
    """

    minimum: float
    shape: float
    maximum: float = math.inf

    name = "pareto"
    parameters: ClassVar[Roles] = {
        "minimum": Role.QUANTITY,
        "mean": Role.QUANTITY,
        "shape": Role.NUMBER,
        "max": Role.QUANTITY,
    }
    forms = (("minimum", "shape"), ("mean", "shape"), ("minimum", "shape", "max"))
    example = "{minimum: 10ms, shape: 2.2}"

    @classmethod
    def of(cls, **given: float) -> "Pareto":
        shape = given["shape"]
        for parameter in ("minimum", "mean"):
            positive = given.get(parameter, 1.0) > 0
            require(positive, f"`{parameter}` must be above 0", parameter=parameter)
        if "max" in given:
            require(0.05 <= shape <= 1000, "`shape` must lie between 0.05 and 1000", "", "shape")
            above = given["max"] > given["minimum"]
            require(above, "`max` must lie above `minimum`", parameter="max")
            return cls(given["minimum"], shape, given["max"])
        hint = "give `max` to bound the tail"
        require(1 < shape <= 1000, "`shape` must lie above 1, or there is no mean", hint, "shape")
        return cls(given.get("minimum") or given["mean"] * (shape - 1) / shape, shape)

    @property
    def kept(self) -> float:
        """The probability that the cut leaves of the unbounded tail."""
        return 1.0 - math.pow(self.minimum / self.maximum, self.shape)

    def _moment(self, k: int) -> float:
        excess = self.shape - k
        if math.isinf(self.maximum):
            return self.minimum**k * self.shape / excess if excess > 0 else math.inf
        log_span = math.log(self.maximum / self.minimum)
        # The integral of x^(k - shape - 1), written so that shape = k needs no case of its own.
        integral = log_span if excess == 0 else -math.expm1(-excess * log_span) / excess
        return self.shape * self.minimum**k * integral / self.kept

    @property
    def mean(self) -> float:
        return self._moment(1)

    @property
    def variance(self) -> float:
        return max(0.0, self._moment(2) - self.mean**2)

    def cdf(self, x: float) -> float:
        if x <= self.minimum:
            return 0.0
        if x >= self.maximum:
            return 1.0
        return (1.0 - math.pow(self.minimum / x, self.shape)) / self.kept

    def quantile(self, p: float) -> float:
        if p >= 1:
            return self.maximum
        return self.minimum * math.pow(1.0 - max(p, 0.0) * self.kept, -1.0 / self.shape)

    def draw(self, rng: "np.random.Generator", n: int) -> "np.ndarray[Any, Any]":
        drawn = self.minimum * (1.0 - rng.random(n) * self.kept) ** (-1.0 / self.shape)
        # Rounding could step over the bound.
        return drawn.clip(self.minimum, self.maximum)
