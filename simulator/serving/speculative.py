"""Speculative decoding: a draft proposes tokens, the model checks them all in one step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from simulator.serving.errors import ServingError

if TYPE_CHECKING:
    from simulator.serving.settings import EngineConfig

__all__ = ["SpeculativeDecoding"]


@dataclass(frozen=True, slots=True)
class SpeculativeDecoding:
    """`draft_tokens` a step; each is accepted with probability `acceptance` if all before it are.

    A step yields (1 - a^(k+1)) / (1 - a) tokens on average (Leviathan, Kalman, Matias, ICML
    2023, eq. 1). The engine advances by that mean in every step, so spread over requests is not
    modelled. `draft_s` is the time to draft one token; drafting precedes the step.
    """

    draft_tokens: int
    acceptance: float
    draft_s: float = 0.0

    def __post_init__(self) -> None:
        if self.draft_tokens < 1 or not 0.0 <= self.acceptance <= 1.0 or self.draft_s < 0.0:
            raise ServingError(
                "speculative decoding needs draft_tokens of 1 or more, an acceptance between "
                "0 and 1 and a draft time of zero or more"
            )

    @property
    def tokens_per_step(self) -> float:
        """Mean tokens a sequence gets in one step."""
        a, k = self.acceptance, self.draft_tokens
        return float(k + 1) if a == 1.0 else (1.0 - a ** (k + 1)) / (1.0 - a)

    def applied_to(self, config: EngineConfig) -> EngineConfig:
        """Return `config` with drafting switched on."""
        return replace(
            config,
            draft_tokens=self.draft_tokens,
            tokens_per_step=self.tokens_per_step,
            step_overhead_s=config.step_overhead_s + self.draft_tokens * self.draft_s,
        )
