"""One of several labels, such as the tier of a customer."""

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from simulator.quantities.count import parse_number
from simulator.quantities.distributions.base import Distribution, impossible
from simulator.quantities.distributions.empirical import Empirical
from simulator.quantities.grammar import QuantityError
from simulator.quantities.refusal import WRONG_FORM, Refusals
from simulator.quantities.shares import read_shares

if TYPE_CHECKING:
    import numpy as np

    from simulator.quantities.distributions.reading import Reader


@dataclass(frozen=True)
class Choice(Distribution):
    """One of several labels by share, such as `{free: 70%, paid: 30%}`; draws are texts.

    A label has no mean: the moments are NaN and there are no quantiles. Where every label is a
    number, the draws are numbers and so are the moments.
    """

    labels: tuple[str, ...]
    shares: tuple[float, ...]

    name = "choice"
    example = "{free: 70%, paid: 30%}"

    @classmethod
    def read(cls, value: Any, reader: "Reader") -> Distribution:
        if not reader.labels:
            raise impossible(
                f"a choice draws labels, and this is {reader.dimension.article_name}",
                "use a mixture or empirical values",
            )
        refusals = Refusals("choice")
        if not isinstance(value, dict) or not value:
            text = "a choice is a mapping of labels to shares"
            refusals.add(WRONG_FORM, text, (), value, "{free: 70%, paid: 30%}")
        refusals.raise_if_any()
        shares = read_shares({(str(label),): share for label, share in value.items()}, "choice")
        labels = [str(label) for label in value]
        try:
            return Empirical.from_values([parse_number(label) for label in labels], shares)
        except QuantityError:
            return cls(tuple(labels), tuple(shares))

    @property
    def mean(self) -> float:
        return math.nan

    @property
    def variance(self) -> float:
        return math.nan

    @property
    def scv(self) -> float:
        return math.nan

    def cdf(self, x: float) -> float:
        return math.nan

    def quantile(self, p: float) -> float:
        return math.nan

    @cached_property
    def _arrays(self) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
        import numpy as np

        return np.array(self.labels, dtype=object), np.array(list(accumulate(self.shares))[:-1])

    def draw(self, rng: "np.random.Generator", n: int) -> "np.ndarray[Any, Any]":
        labels, levels = self._arrays
        drawn: np.ndarray[Any, Any] = labels[levels.searchsorted(rng.random(n), side="right")]
        return drawn
