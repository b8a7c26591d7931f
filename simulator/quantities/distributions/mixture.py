"""Several distributions, one of them picked for each draw."""

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from simulator.quantities.distributions.base import Distribution, bisected_quantile
from simulator.quantities.refusal import MISSING, UNKNOWN_FIELD, WRONG_FORM, Location, Refusals
from simulator.quantities.shares import read_shares

if TYPE_CHECKING:
    import numpy as np

    from simulator.quantities.distributions.reading import Reader

_FIELDS = ("weight", "of")


@dataclass(frozen=True)
class Mixture(Distribution):
    """Each draw comes from one of several distributions, picked by weight.

    For example a fast path and a slow one: `[{weight: 90%, of: 2ms}, {weight: 10%, of: 80ms}]`.
    """

    parts: tuple[Distribution, ...]
    shares: tuple[float, ...]

    name = "mixture"
    example = "[{weight: 90%, of: 2ms}, {weight: 10%, of: {exponential: {mean: 80ms}}}]"

    @classmethod
    def read(cls, value: Any, reader: "Reader") -> Distribution:
        refusals = Refusals("mixture")
        if not isinstance(value, list) or not value:
            refusals.add(
                WRONG_FORM, "a mixture is a list of parts", (), value, "[{weight: 90%, of: 2ms}, …]"
            )
        refusals.raise_if_any()
        parts: list[Distribution | None] = []
        weights: dict[Location, Any] = {}
        for number, part in enumerate(value):
            if not isinstance(part, dict):
                text = "a part of a mixture is a mapping"
                refusals.add(WRONG_FORM, text, (number,), part, "{weight: 90%, of: 2ms}")
                continue
            for field in part.keys() - set(_FIELDS):
                text = f"unknown field `{field}` of a mixture's part"
                refusals.add(UNKNOWN_FIELD, text, (number, field), part[field], "weight, of")
            for field in _FIELDS:
                if field not in part:
                    refusals.add(MISSING, f"missing field `{field}`", (number, field), part)
            place: Location = (number, "of")
            parts.append(refusals.attempt(place, reader.distribution, part.get("of", 0)))
            weights[(number, "weight")] = part.get("weight", 1)
        refusals.raise_if_any()
        shares = read_shares(weights, "mixture")
        return cls(tuple(part for part in parts if part is not None), tuple(shares))

    @property
    def mean(self) -> float:
        return math.fsum(
            share * part.mean for share, part in zip(self.shares, self.parts, strict=True)
        )

    @property
    def variance(self) -> float:
        pairs = zip(self.shares, self.parts, strict=True)
        second = math.fsum(share * (part.variance + part.mean**2) for share, part in pairs)
        return max(0.0, second - self.mean**2)

    def cdf(self, x: float) -> float:
        pairs = zip(self.shares, self.parts, strict=True)
        return min(1.0, math.fsum(share * part.cdf(x) for share, part in pairs))

    def quantile(self, p: float) -> float:
        live = [part for share, part in zip(self.shares, self.parts, strict=True) if share > 0]
        if p >= 1:
            return max(part.quantile(1.0) for part in live)
        if p <= 0:
            return min(part.quantile(0.0) for part in live)
        # The cdf of the mixture may end a rounding error below the level asked for.
        return bisected_quantile(self.cdf, p * (1.0 - 1e-12), self.mean)

    @cached_property
    def _levels(self) -> "np.ndarray[Any, Any]":
        import numpy as np

        return np.array(list(accumulate(self.shares))[:-1])

    def draw(self, rng: "np.random.Generator", n: int) -> "np.ndarray[Any, Any]":
        import numpy as np

        picked = self._levels.searchsorted(rng.random(n), side="right")
        drawn = np.empty(n)
        for number, part in enumerate(self.parts):
            chosen = picked == number
            drawn[chosen] = part.draw(rng, int(chosen.sum()))
        return drawn
