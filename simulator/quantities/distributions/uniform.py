"""Any value between two bounds, all equally likely."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from simulator.quantities.distributions.base import Distribution, Role, Roles, require

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Uniform(Distribution):
    """Any value from `low` to `high`, all equally likely."""

    low: float
    high: float

    name = "uniform"
    parameters: ClassVar[Roles] = {"low": Role.QUANTITY, "high": Role.QUANTITY}
    forms = (("low", "high"),)
    example = "{low: 2ms, high: 8ms}"

    def __post_init__(self) -> None:
        require(self.low <= self.high, "`high` lies below `low`", "swap the two", "high")

    @property
    def mean(self) -> float:
        return 0.5 * (self.low + self.high)

    @property
    def variance(self) -> float:
        return (self.high - self.low) ** 2 / 12.0

    def cdf(self, x: float) -> float:
        if x >= self.high:
            return 1.0
        return max(0.0, (x - self.low) / (self.high - self.low))

    def quantile(self, p: float) -> float:
        return self.low + p * (self.high - self.low)

    def draw(self, rng: "np.random.Generator", n: int) -> "np.ndarray[Any, Any]":
        return rng.uniform(self.low, self.high, n)
