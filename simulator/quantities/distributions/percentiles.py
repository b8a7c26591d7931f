"""Distributions that are given by their percentiles, as dashboards show them."""

import math
import re
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, ClassVar

from simulator.quantities.distributions.base import Distribution, Role, Roles, require

if TYPE_CHECKING:
    import numpy as np

NORMAL = NormalDist()
SIGMA_MAX = 10.0
"""Largest standard deviation of the logarithm: beyond it, moments leave the range of floats."""

PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)")


def percentile_of(name: str) -> float | None:
    """The share below a percentile parameter: 0.99 for ``p99``, 0.5 for ``median``, else None."""
    if name == "median":
        return 0.5
    match = PERCENTILE.fullmatch(name)
    return float(match[1]) / 100 if match and float(match[1]) > 0 else None


def ordered_points(given: dict[str, float]) -> list[tuple[float, float]]:
    """Points (standard normal score, logarithm of the value) in order; refuses impossible ones."""
    shares = sorted((percentile_of(name) or 0.0, name) for name in given)
    for share, name in shares:
        require(given[name] > 0, f"`{name}` must be above 0", parameter=name)
        require(share < 1, f"`{name}` is no percentile", parameter=name)
    for (lower_share, lower), (share, name) in pairwise(shares):
        same = share == lower_share
        require(not same, f"`{lower}` and `{name}` are the same percentile", parameter=name)
        require(
            given[name] >= given[lower],
            f"`{name}` lies below `{lower}`",
            "percentiles grow: swap the two",
            name,
        )
    return [(NORMAL.inv_cdf(share), math.log(given[name])) for share, name in shares]


def slope(left: tuple[float, float], right: tuple[float, float]) -> float:
    """The standard deviation of the logarithm between two points; refuses an absurd one."""
    sigma = (right[1] - left[1]) / (right[0] - left[0])
    require(sigma <= SIGMA_MAX, "the percentiles lie too far apart", "check their units")
    return sigma


@dataclass(frozen=True)
class Percentiles(Distribution):
    """Passes through every percentile given: `{p50: 40ms, p95: 120ms, p99: 600ms}`.

    Between two neighbours, and beyond the outermost ones, it is the lognormal through them: the
    logarithm is linear in the normal score. With two percentiles it is the lognormal itself.
    """

    points: tuple[tuple[float, float], ...]

    name = "percentiles"
    parameters: ClassVar[Roles] = {
        "p50": Role.QUANTITY,
        "p90": Role.QUANTITY,
        "p95": Role.QUANTITY,
        "p99": Role.QUANTITY,
    }
    forms = (("p50", "p95", "p99"),)
    example = "{p50: 40ms, p95: 120ms, p99: 600ms}"

    @classmethod
    def role(cls, parameter: str) -> Role | None:
        return Role.QUANTITY if percentile_of(parameter) else None

    @classmethod
    def fits(cls, names: set[str]) -> bool:
        return len(names) >= 2

    @classmethod
    def of(cls, **given: float) -> "Percentiles":
        points = ordered_points(given)
        for left, right in pairwise(points):
            slope(left, right)
        return cls(tuple(points))

    @cached_property
    def pieces(self) -> tuple[tuple[float, float, float, float], ...]:
        """Pieces (from score, to score, mu, sigma) that cover the whole line."""
        last = len(self.points) - 2
        pieces = []
        for number, (left, right) in enumerate(pairwise(self.points)):
            sigma = slope(left, right)
            start = -math.inf if number == 0 else left[0]
            end = math.inf if number == last else right[0]
            pieces.append((start, end, left[1] - sigma * left[0], sigma))
        return tuple(pieces)

    def _moment(self, k: int) -> float:
        """E[X^k], by completing the square in each piece."""
        total = 0.0
        for start, end, mu, sigma in self.pieces:
            shift = k * sigma
            share = NORMAL.cdf(end - shift) - NORMAL.cdf(start - shift)
            total += math.exp(k * mu + 0.5 * shift * shift) * share
        return total

    @cached_property
    def mean(self) -> float:
        return self._moment(1)

    @cached_property
    def variance(self) -> float:
        return max(0.0, self._moment(2) - self.mean**2)

    def cdf(self, x: float) -> float:
        if x <= 0:
            return 0.0
        level = math.log(x)
        for start, end, mu, sigma in reversed(self.pieces):
            if sigma == 0 and mu <= level:
                return NORMAL.cdf(end)
            if sigma > 0 and mu + sigma * start <= level:
                return NORMAL.cdf(min(end, (level - mu) / sigma))
        return 0.0

    def quantile(self, p: float) -> float:
        if p <= 0 or p >= 1:
            _, _, mu, sigma = self.pieces[0 if p <= 0 else -1]
            return math.exp(mu) if sigma == 0 else 0.0 if p <= 0 else math.inf
        score = NORMAL.inv_cdf(p)
        _, _, mu, sigma = next(piece for piece in self.pieces if score <= piece[1])
        return math.exp(mu + sigma * score)

    def draw(self, rng: "np.random.Generator", n: int) -> "np.ndarray[Any, Any]":
        import numpy as np

        scores = rng.standard_normal(n)
        _, ends, mus, sigmas = np.array(self.pieces).T
        piece = np.searchsorted(ends[:-1], scores)
        drawn: np.ndarray[Any, Any] = np.exp(mus[piece] + sigmas[piece] * scores)
        return drawn
