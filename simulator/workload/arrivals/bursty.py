"""Arrivals that come in clumps."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
from pydantic import PositiveFloat

from simulator.workload.arrival_process import Arrivals
from simulator.workload.profile import Floats


class Bursty(Arrivals):
    """Independent gamma gaps of a given coefficient of variation: 1 is Poisson, above 1 clumps.

    The renewal process that load tests of language models use for burstiness (for example
    BurstGPT and vLLM's benchmark, where burstiness is 1 / cv squared).
    """

    kind: Literal["bursty"] = "bursty"
    cv: PositiveFloat = 2.0
    """Standard deviation of the gaps over their mean."""

    def gaps(self, rng: np.random.Generator) -> Iterator[Floats]:
        shape = 1.0 / self.cv**2
        while True:
            yield rng.gamma(shape, 1.0 / shape, size=2048)

    def describe(self) -> str:
        return f"bursty, cv {self.cv:g}"
