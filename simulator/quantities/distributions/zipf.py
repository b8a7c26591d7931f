"""Zipf's law over a finite set: few items get most of the requests."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from simulator.quantities.distributions.base import Distribution, Role, Roles, require

if TYPE_CHECKING:
    import numpy as np

_HEAD = 1 << 17
"""Items whose probabilities are summed one by one."""


@dataclass(frozen=True)
class Zipf(Distribution):
    """The item of rank k is drawn in proportion to `1 / k^exponent`; draws are k - 1, from 0.

    Exponent 0 makes all items equally likely. The first 131,072 ranks are exact; beyond them a
    sum over ranks is the integral by the midpoint rule, whose relative error is below
    `s (s + 1) / 24 / 131072^2`: less than 1e-8 for every exponent allowed.
    """

    items: int
    exponent: float

    name = "zipf"
    parameters: ClassVar[Roles] = {"items": Role.COUNT, "exponent": Role.NUMBER}
    forms = (("items", "exponent"),)
    whole = True
    example = "{items: 100, exponent: 1.1}"

    @classmethod
    def of(cls, **given: float) -> "Zipf":
        possible = 1 <= given["items"] <= 1e15
        require(possible, "`items` must lie between 1 and 10^15", parameter="items")
        require(given["exponent"] <= 20, "`exponent` must be at most 20", parameter="exponent")
        return cls(int(given["items"]), given["exponent"])

    @cached_property
    def _head(self) -> "np.ndarray[Any, Any]":
        """Cumulated weights of the first ranks."""
        import numpy as np

        ranks = np.arange(1, min(self.items, _HEAD) + 1, dtype=float)
        return np.cumsum(ranks**-self.exponent)

    def _integral(self, power: float) -> float:
        """The integral of x^power over the ranks beyond the head."""
        if self.items <= _HEAD:
            return 0.0
        return _power_integral(_HEAD + 0.5, self.items + 0.5, power)

    @cached_property
    def _total(self) -> float:
        return float(self._head[-1]) + self._integral(-self.exponent)

    def _moment(self, k: int) -> float:
        """The mean of (rank)^k."""
        import numpy as np

        ranks = np.arange(1, len(self._head) + 1, dtype=float)
        head = float(np.sum(ranks ** (k - self.exponent)))
        return (head + self._integral(k - self.exponent)) / self._total

    @cached_property
    def mean(self) -> float:
        return self._moment(1) - 1.0

    @cached_property
    def variance(self) -> float:
        return max(0.0, self._moment(2) - self._moment(1) ** 2)

    def share(self, items: int) -> float:
        """The share of draws that falls on the most popular ``items`` items."""
        if items >= self.items:
            return 1.0
        if items <= len(self._head):
            return float(self._head[items - 1]) / self._total if items > 0 else 0.0
        beyond = _power_integral(_HEAD + 0.5, items + 0.5, -self.exponent)
        return (float(self._head[-1]) + beyond) / self._total

    def cdf(self, x: float) -> float:
        return self.share(math.floor(x) + 1) if x >= 0 else 0.0

    def quantile(self, p: float) -> float:
        import numpy as np

        return float(self._ranks(np.array([p]))[0])

    def draw(self, rng: "np.random.Generator", n: int) -> "np.ndarray[Any, Any]":
        return self._ranks(rng.random(n))

    def _ranks(self, levels: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
        """The inverse of the distribution function, from 0."""
        import numpy as np

        weights = levels * self._total
        last = len(self._head) - 1
        ranks: np.ndarray[Any, Any] = np.minimum(np.searchsorted(self._head, weights), last)
        if self.items > _HEAD:
            beyond = weights > self._head[-1]
            area = weights[beyond] - self._head[-1]
            ranks[beyond] = self._tail_ranks(area)
        return ranks

    def _tail_ranks(self, area: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
        """The ranks where the integral from the end of the head reaches the given areas."""
        import numpy as np

        start, rest = _HEAD + 0.5, 1.0 - self.exponent
        scaled = area * start**self.exponent / start
        stretch = scaled if rest == 0 else np.log1p(scaled * rest) / rest
        ranks = np.floor(start * np.exp(stretch) + 0.5) - 1.0
        clipped: np.ndarray[Any, Any] = np.clip(ranks, _HEAD, self.items - 1)
        return clipped.astype(np.int64)


def _power_integral(start: float, end: float, power: float) -> float:
    """The integral of x^power, without the cancellation near power -1."""
    log_span, rest = math.log(end / start), power + 1.0
    factor = log_span if rest == 0 else math.expm1(rest * log_span) / rest
    return float(start**rest * factor)
