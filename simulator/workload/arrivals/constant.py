"""Evenly spaced arrivals."""

from collections.abc import Iterator
from typing import Literal

import numpy as np

from simulator.workload.arrival_process import Arrivals
from simulator.workload.profile import Floats


class Constant(Arrivals):
    """A metronome: equal gaps at the offered rate (the D of Kendall's notation)."""

    kind: Literal["constant"] = "constant"

    def gaps(self, rng: np.random.Generator) -> Iterator[Floats]:
        block = np.ones(2048)
        while True:
            yield block

    def describe(self) -> str:
        return "evenly spaced"
