"""Independent gaps of any distribution."""

from collections.abc import Iterator
from typing import Literal

import numpy as np

from simulator.quantities import CountDistribution
from simulator.workload.arrival_process import Arrivals
from simulator.workload.profile import Floats


class Renewal(Arrivals):
    """Gaps drawn independently from a distribution (the GI of Kendall's notation).

    Only the shape of `gaps` counts: they are stretched so that requests arrive at the offered
    rate. `{erlang: {mean: 1, phases: 4}}` is more regular than Poisson,
    `{hyperexponential: {mean: 1, scv: 4}}` comes in clumps.
    """

    kind: Literal["renewal"] = "renewal"
    gaps_between: CountDistribution
    """Distribution of the time between arrivals, in any unit."""

    def gaps(self, rng: np.random.Generator) -> Iterator[Floats]:
        mean = self.gaps_between.mean
        while True:
            yield np.asarray(self.gaps_between.draw(rng, 2048), dtype=float) / mean

    def describe(self) -> str:
        return f"renewal, gap scv {self.gaps_between.scv:.3g}"
