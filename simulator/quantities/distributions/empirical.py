"""Values as they were measured."""

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any, ClassVar

from simulator.quantities.distributions.base import Distribution, Role, Roles
from simulator.quantities.refusal import WRONG_FORM, Refusals
from simulator.quantities.shares import read_shares

if TYPE_CHECKING:
    import numpy as np

    from simulator.quantities.distributions.reading import Reader


@dataclass(frozen=True)
class Empirical(Distribution):
    """One of the given values, equally likely or by weight; nothing in between is drawn.

    `{empirical: [12ms, 15ms, 90ms]}` or `{values: [12ms, 90ms], weights: [95%, 5%]}`. Values are
    kept in rising order, so that equal designs draw equal numbers.
    """

    values: tuple[float, ...]
    shares: tuple[float, ...]

    name = "empirical"
    parameters: ClassVar[Roles] = {"values": Role.QUANTITY, "weights": Role.NUMBER}
    forms = (("values",), ("values", "weights"))
    example = "{values: [12ms, 15ms, 90ms], weights: [70%, 25%, 5%]}"

    @classmethod
    def from_values(cls, values: list[float], shares: list[float] | None = None) -> "Empirical":
        """Make one from SI floats; ``shares`` add up to 1."""
        pairs = sorted(zip(values, shares or [1.0 / len(values)] * len(values), strict=True))
        return cls(tuple(value for value, _ in pairs), tuple(share for _, share in pairs))

    @classmethod
    def read(cls, value: Any, reader: "Reader") -> Distribution:
        refusals = Refusals("empirical")
        bare = isinstance(value, list)
        given = {"values": value} if bare else reader.fields(cls, value, refusals)
        values, weights = given.get("values"), given.get("weights")
        place = () if bare else ("values",)
        if not isinstance(values, list) or not values:
            refusals.add(WRONG_FORM, "`values` is a list of at least one value", place, values)
        if weights is not None and not isinstance(weights, list):
            refusals.add(WRONG_FORM, "`weights` is a list", ("weights",), weights)
        refusals.raise_if_any()
        read = [
            refusals.attempt((*place, number), reader.quantity, item)
            for number, item in enumerate(values or [])
        ]
        shares = None
        if weights is not None and len(weights) != len(read):
            text = f"{len(weights)} weights for {len(read)} values"
            refusals.add(WRONG_FORM, text, ("weights",), weights)
        elif weights is not None:
            written = {("weights", number): weight for number, weight in enumerate(weights)}
            shares = refusals.attempt((), lambda them: read_shares(them, "empirical"), written)
        refusals.raise_if_any()
        return cls.from_values([item for item in read if item is not None], shares)

    @cached_property
    def mean(self) -> float:
        return math.fsum(v * share for v, share in zip(self.values, self.shares, strict=True))

    @cached_property
    def variance(self) -> float:
        pairs = zip(self.values, self.shares, strict=True)
        return math.fsum((value - self.mean) ** 2 * share for value, share in pairs)

    @cached_property
    def _levels(self) -> tuple[float, ...]:
        return tuple(accumulate(self.shares))

    def cdf(self, x: float) -> float:
        below = bisect_right(self.values, x)
        return min(1.0, self._levels[below - 1]) if below else 0.0

    def quantile(self, p: float) -> float:
        # A level a rounding error below p is meant to reach it.
        index = bisect_left(self._levels, p * (1.0 - 1e-12))
        return self.values[min(index, len(self.values) - 1)]

    @cached_property
    def _arrays(self) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
        import numpy as np

        return np.array(self.values), np.array(self._levels[:-1])

    def draw(self, rng: "np.random.Generator", n: int) -> "np.ndarray[Any, Any]":
        values, levels = self._arrays
        drawn: np.ndarray[Any, Any] = values[levels.searchsorted(rng.random(n), side="right")]
        return drawn
