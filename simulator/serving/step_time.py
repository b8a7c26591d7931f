"""How long one step of a serving engine takes: the protocol every step-time model fulfils.

A step computes one token for every decoding sequence and some chunks of prompts. The engine
asks two questions only: how long do decode-only steps take as a function of the KV length (to
jump over many of them), and how long does one step with prompt chunks take.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.serving.curve import PiecewiseLinear

__all__ = ["EVEN", "Provenance", "StepTime", "Straggler", "equivalent_chunk"]


@dataclass(frozen=True)
class Provenance:
    """Where step times come from and how far they can be trusted.

    `kind` is `calibrated`, `published` or `roofline`, in falling order of trust. `range_max` is
    the largest value of each input that was measured (empty: nothing was measured), and
    `held_out_error` the mean absolute relative error on rows left out of the fit (None: unknown).
    """

    kind: str
    source: str
    held_out_error: float | None = None
    range_max: dict[str, float] = field(default_factory=dict)

    def outside(self, **seen: float) -> dict[str, tuple[float, float]]:
        """Return the inputs that left the measured range: name -> (seen, measured maximum)."""
        return {
            name: (value, self.range_max[name])
            for name, value in seen.items()
            if name in self.range_max and value > self.range_max[name]
        }


@dataclass(frozen=True, slots=True)
class Straggler:
    """The tail of an uneven batch: the step waits for the block that holds the longest KV.

    An attention kernel without KV splitting gives each (sequence, head) to one thread block.
    Tables measured with even lengths hold the time of the whole, so while the batch computes,
    the longest sequence gets `waves` times the mean length done (`waves`: blocks over slots, at
    least 1; it starts first); what is left runs alone, at `seconds_per_token`:
    `seconds_per_token * max(0, longest - waves * mean)` seconds are added to the step.
    """

    seconds_per_token: float = 0.0
    waves: float = 1.0

    def seconds(self, mean: float, longest: float) -> float:
        """Return what one step is longer."""
        return self.seconds_per_token * max(0.0, longest - self.waves * mean)

    def total(self, mean: float, longest: float, steps: int, stride: float) -> float:
        """Return what `steps` steps are longer together; KV grows by `stride` a step."""
        excess = longest - self.waves * mean
        if excess <= 0.0 or self.seconds_per_token == 0.0:
            return 0.0
        shrink = (self.waves - 1.0) * stride
        if shrink * (steps - 1) > excess:
            steps = int(excess / shrink) + 1
        return self.seconds_per_token * steps * (excess - 0.5 * shrink * (steps - 1))


EVEN = Straggler()


class StepTime(Protocol):
    """Seconds of a step; all KV lengths count tokens of one sequence, the new one included."""

    @property
    def provenance(self) -> Provenance:
        """Where the times come from."""
        ...

    def decode(self, sequences: int, tokens: int = 1) -> PiecewiseLinear:
        """Return the time of a decode-only step as a function of the KV length.

        `tokens` is what each sequence computes in the step: 1, or with speculative decoding
        one more than the drafted tokens.
        """
        ...

    def straggler(self, sequences: int) -> Straggler:
        """Return what one sequence far longer than the mean adds to a decode-only step."""
        ...

    def mixed(
        self,
        chunks: Sequence[tuple[int, int]],
        sequences: int,
        kv_mean: float,
        kv_max: float,
        tokens: int = 1,
    ) -> float:
        """Return the time of a step with prompt chunks, each `(tokens, KV before it)`.

        `sequences` decode beside them, each computing `tokens`, with the KV lengths given.
        """
        ...


def equivalent_chunk(chunks: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """Return one chunk `(tokens, KV before it)` with the attention work of all `chunks`.

    A chunk of c tokens behind a context of k tokens computes about c (k + c / 2) query-key
    pairs. One chunk keeps the sum of both tokens and pairs where that is possible; many short
    prompts compute fewer pairs than one prompt of their total length, and then the chunk
    without context that computes as many pairs stands for them.
    """
    if len(chunks) == 1:
        return chunks[0]
    tokens = sum(chunk for chunk, _ in chunks)
    pairs = sum(chunk * (context + 0.5 * chunk) for chunk, context in chunks)
    context = pairs / tokens - 0.5 * tokens
    if context >= 0.0:
        return tokens, context
    return (2.0 * pairs) ** 0.5, 0.0
