"""Step times from a published table or formula, when the kernels themselves are not at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.serving.curve import PiecewiseLinear
from simulator.serving.errors import ServingError
from simulator.serving.step_time import EVEN, Provenance, Straggler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["LinearStepTime", "from_table"]


@dataclass(frozen=True)
class LinearStepTime:
    """A step of fixed cost plus a cost for each thing in it, seconds.

    `step_s` + `sequence_s` * decodes + `kv_token_s` * (their KV tokens) for decodes, and with a
    prompt `prompt` (seconds over prompt tokens in the step, a curve) + `pair_s` for each
    query-key pair on top of the decodes' own part.
    """

    step_s: float
    sequence_s: float
    kv_token_s: float
    prompt: PiecewiseLinear
    provenance: Provenance
    pair_s: float = 0.0

    def decode(self, sequences: int, tokens: int = 1) -> PiecewiseLinear:
        """Return the time of a decode-only step as a function of the KV length."""
        fixed = self.step_s + self.sequence_s * sequences * tokens
        slope = self.kv_token_s * sequences
        return PiecewiseLinear([0.0, 1.0], [fixed, fixed + slope])

    def straggler(self, sequences: int) -> Straggler:
        """Return no tail: the table knows the mean only."""
        return EVEN

    def mixed(
        self,
        chunks: Sequence[tuple[int, int]],
        sequences: int,
        kv_mean: float,
        kv_max: float,
        tokens: int = 1,
    ) -> float:
        """Return the time of a step with prompt chunks, each `(tokens, KV before it)`.

        The weights are read once: whichever of prompt and decodes takes longer pays for them.
        """
        prompt = self.prompt.at(sum(chunk for chunk, _ in chunks))
        pairs = sum(chunk * (context + 0.5 * chunk) for chunk, context in chunks)
        decodes = sequences * (self.sequence_s * tokens + self.kv_token_s * kv_mean)
        return max(prompt, self.step_s) + self.pair_s * pairs + decodes


def from_table(
    prompt_rows: Sequence[tuple[float, float]],
    decode_rows: Sequence[tuple[float, float, float]],
    source: str,
) -> LinearStepTime:
    """Return the model of a table: (prompt tokens, s) and (sequences, KV length, s) rows.

    Prompts are interpolated; decodes are fitted by least squares on the relative error, whose
    leave-one-out mean is the held-out error.
    """
    if len(prompt_rows) < 2 or len(decode_rows) < 4:
        raise ServingError("a published table needs 2 prompt rows and 4 decode rows at least")
    by_tokens: dict[float, list[float]] = {}
    for tokens, seconds in prompt_rows:
        by_tokens.setdefault(tokens, []).append(seconds)
    knots = sorted(by_tokens)
    prompt = PiecewiseLinear(knots, [float(np.mean(by_tokens[tokens])) for tokens in knots])
    table = np.asarray(decode_rows, dtype=float)
    terms = np.stack([np.ones(len(table)), table[:, 0], table[:, 0] * table[:, 1]], axis=1)
    measured = table[:, 2]
    everything = np.ones(len(table), dtype=bool)
    errors = []
    for row in range(len(table)):
        others = everything.copy()
        others[row] = False
        errors.append(abs(terms[row] @ _fit(terms[others], measured[others]) / measured[row] - 1))
    step_s, sequence_s, kv_token_s = (float(w) for w in _fit(terms, measured))
    reach = {
        "n_decode": float(table[:, 0].max()),
        "kv_decode": float(table[:, 1].max()),
        "prefill_chunk": float(knots[-1]),
    }
    provenance = Provenance("published", source, float(np.mean(errors)), reach)
    return LinearStepTime(step_s, sequence_s, kv_token_s, prompt, provenance)


def _fit(terms: NDArray[np.float64], seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    solution, *_ = np.linalg.lstsq(terms / seconds[:, None], np.ones(len(seconds)), rcond=None)
    return np.asarray(solution)
