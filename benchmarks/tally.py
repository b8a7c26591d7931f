"""How often intervals hold the truth, and how wide they are, for the benchmarks of coverage."""

import math
from dataclasses import dataclass

from simulator.metrics.confidence import Interval

REQUIRED = (0.92, 0.98)
"""What the coverage of an interval of 95 % has to be."""


@dataclass
class Tally:
    """Counts over experiments for one quantity with a known answer."""

    truth: float
    experiments: int = 0
    below: int = 0
    above: int = 0
    half_width: float = 0.0
    noticed: int = 0

    def add(self, interval: Interval) -> None:
        """Count one interval."""
        self.experiments += 1
        self.below += self.truth < interval.low
        self.above += self.truth > interval.high
        self.half_width += interval.half_width / abs(self.truth)
        self.noticed += not interval.low <= 0.0 <= interval.high

    @property
    def coverage(self) -> float:
        """Share of the intervals that hold the truth."""
        return 1.0 - (self.below + self.above) / self.experiments

    @property
    def standard_error(self) -> float:
        """That of the coverage."""
        return math.sqrt(self.coverage * (1.0 - self.coverage) / self.experiments)

    def row(self) -> list[str]:
        """Experiments, coverage and its error, misses on either side, half-width, as text."""
        shares = [self.coverage, self.standard_error]
        shares += [count / self.experiments for count in (self.below, self.above, self.half_width)]
        return [f"{self.experiments}", *(f"{share:.1%}" for share in shares)]

    @property
    def noticing(self) -> str:
        """Share of the intervals that do not hold 0, as text."""
        return f"{self.noticed / self.experiments:.1%}"
