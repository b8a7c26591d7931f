"""The closed form behind every jump: a piecewise linear function and its sums."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["PiecewiseLinear"]


class PiecewiseLinear:
    """A continuous piecewise linear function, extended by its last slope on both sides.

    Every step-time model here is linear in the KV length between measured points, so the time
    of `steps` consecutive decode steps is a sum of arithmetic series, one for each segment
    crossed. `total` is therefore exact and its cost does not depend on the number of steps.
    """

    __slots__ = ("_last", "knots", "slopes", "values")

    def __init__(self, knots: Sequence[float], values: Sequence[float]) -> None:
        assert len(knots) == len(values) >= 1, "a value for each knot"
        assert all(a < b for a, b in pairwise(knots)), "knots must increase"
        self.knots = list(map(float, knots))
        self.values = list(map(float, values))
        self.slopes = [
            (self.values[i + 1] - self.values[i]) / (self.knots[i + 1] - self.knots[i])
            for i in range(len(knots) - 1)
        ] or [0.0]
        self._last = len(self.slopes) - 1

    def at(self, x: float) -> float:
        """Return the value at `x`."""
        i = bisect_right(self.knots, x) - 1
        i = 0 if i < 0 else min(i, self._last)
        return self.values[i] + self.slopes[i] * (x - self.knots[i])

    def total(self, x: float, steps: int, stride: float = 1.0) -> float:
        """Return the sum of the values at `x, x + stride, ...`, `steps` of them."""
        result = 0.0
        knots = self.knots
        last = self._last
        i = bisect_right(knots, x) - 1
        i = 0 if i < 0 else min(i, last)
        while True:
            slope = self.slopes[i]
            value = self.values[i] + slope * (x - knots[i])
            if i == last:
                inside = steps
            else:
                inside = int((knots[i + 1] - x) / stride) + 1
                inside = min(inside, steps)
            result += inside * (value + 0.5 * slope * stride * (inside - 1))
            steps -= inside
            if steps <= 0:
                return result
            x += inside * stride
            i += 1
            while i < last and knots[i + 1] <= x:
                i += 1

    def plus(self, other: PiecewiseLinear, weight: float = 1.0) -> PiecewiseLinear:
        """Return `self + weight * other` on the union of both sets of knots."""
        knots = sorted({*self.knots, *other.knots})
        return PiecewiseLinear(knots, [self.at(x) + weight * other.at(x) for x in knots])
