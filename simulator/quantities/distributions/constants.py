"""Always the same value."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any, ClassVar

from simulator.quantities.distributions.base import Distribution, Role, Roles

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Constant(Distribution):
    """Always the same value; a bare quantity such as `5ms` means this too."""

    value: float

    name = "constant"
    parameters: ClassVar[Roles] = {"value": Role.QUANTITY}
    forms = (("value",),)
    example = "5ms"

    @property
    def mean(self) -> float:
        return self.value

    @property
    def variance(self) -> float:
        return 0.0

    def cdf(self, x: float) -> float:
        return float(x >= self.value)

    def quantile(self, p: float) -> float:
        return self.value

    def draw(self, rng: "np.random.Generator", n: int) -> "np.ndarray[Any, Any]":
        import numpy as np

        return np.full(n, self.value)

    def sampler(self, rng: "np.random.Generator") -> Callable[[], float]:
        return repeat(self.value).__next__
