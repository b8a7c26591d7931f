"""Step times and requests that the serving tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.serving.curve import PiecewiseLinear
from simulator.serving.generation import Generation
from simulator.serving.step_time import Provenance, Straggler

if TYPE_CHECKING:
    from collections.abc import Sequence


class PlainStepTime:
    """A made-up engine with bends in its curve and a tail for the longest sequence."""

    provenance = Provenance("published", "made up for tests")

    def decode(self, sequences: int, tokens: int = 1) -> PiecewiseLinear:
        """Return a curve with three segments."""
        fixed = 0.010 + 0.0001 * sequences * tokens
        slope = 1e-7 * sequences
        knots = [16.0, 100.0, 777.0, 4096.0]
        values = [fixed, fixed + 90 * slope, fixed + 900 * slope, fixed + 5000 * slope]
        return PiecewiseLinear(knots, values)

    def straggler(self, sequences: int) -> Straggler:
        """Return a tail from four sequences on."""
        return Straggler(1e-6, max(1.0, sequences / 4)) if sequences >= 4 else Straggler()

    def mixed(
        self,
        chunks: Sequence[tuple[int, int]],
        sequences: int,
        kv_mean: float,
        kv_max: float,
        tokens: int = 1,
    ) -> float:
        """Return a time that grows with every input."""
        total = sequences * tokens + sum(chunk for chunk, _ in chunks)
        pairs = sum(chunk * (context + chunk / 2) for chunk, context in chunks)
        return 0.012 + 3e-5 * total + 1e-9 * pairs + 1e-7 * sequences * kv_mean


def random_requests(
    seed: int, count: int, *, rate: float = 3.0, shared: bool = False, prompt: int = 600
) -> list[tuple[float, Generation]]:
    """Return `count` Poisson arrivals with geometric lengths, with shared prefixes if asked."""
    rng = np.random.default_rng(seed)
    now = 0.0
    result = []
    for _ in range(count):
        now += rng.exponential(1 / rate)
        tokens = int(rng.geometric(1 / prompt)) + 1
        output = int(rng.geometric(1 / 80))
        prefix: tuple[tuple[int, int], ...] = ()
        if shared:
            tenant = int(rng.integers(4))
            prefix = ((tenant, 256), (int(rng.integers(1000)), tokens))
            # Some prompts are shorter than the part they share.
            tokens += int(rng.integers(256))
        priority = int(rng.integers(3))
        result.append((now, Generation(tokens, output, prefix=prefix, priority=priority)))
    return result
