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

__all__ = ["Provenance", "StepTime", "equivalent_chunk"]


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


class StepTime(Protocol):
    """Seconds of a step; all KV lengths count tokens of one sequence, the new one included."""

    @property
    def provenance(self) -> Provenance:
        """Where the times come from."""
        ...

    @property
    def skew(self) -> float:
        """Weight of the longest sequence: time = (1 - skew) f(mean KV) + skew f(longest KV)."""
        ...

    def decode(self, sequences: int, tokens: int = 1) -> PiecewiseLinear:
        """Return the time of a decode-only step as a function of the KV length.

        `tokens` is what each sequence computes in the step: 1, or with speculative decoding
        one more than the drafted tokens.
        """
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
