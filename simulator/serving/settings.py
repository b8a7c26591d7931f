"""The settings of one serving engine, under the names vLLM gives them."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.serving.errors import ServingError

__all__ = ["SYNCHRONOUS_HOST_S", "EngineConfig"]

SYNCHRONOUS_HOST_S = 5e-3
"""Host work of vLLM V1 between two steps without asynchronous scheduling: 5 to 6 ms at 256
sequences (vllm-project/vllm pull request 11133). With it 0.15 ms were left, which counts as 0."""


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """Limits and policies of one engine.

    `num_gpu_blocks` None is a KV cache without limit. `lookahead` 1 is asynchronous scheduling
    (vLLM's default since 0.14), 0 synchronous. `draft_tokens` and `tokens_per_step` describe
    speculative decoding (see `speculative`). `step_overhead_s` is host time that no step can
    hide, `prompt_overhead_s` host time that a step with a prompt cannot hide. `jump_steps_max` 1
    makes the engine take every step on its own: the same results, slower. An engine with
    `max_queue_size` refuses new requests while so many wait (0: no limit), as SGLang does with
    `max_queued_requests`; those it has preempted come back whatever waits.
    """

    max_num_seqs: int = 256
    max_num_batched_tokens: int = 2048
    max_queue_size: int = 0
    num_gpu_blocks: int | None = None
    block_size: int = 16
    prefix_caching: bool = False
    chunked_prefill: bool = True
    reserve_full_prompt: bool = True
    priority: bool = False
    lookahead: int = 1
    step_overhead_s: float = 0.0
    prompt_overhead_s: float = 0.0
    draft_tokens: int = 0
    tokens_per_step: float = 1.0
    jump_steps_max: int = 1 << 30

    def __post_init__(self) -> None:
        if self.max_num_seqs < 1 or self.max_num_batched_tokens < 1 or self.block_size < 1:
            message = "max_num_seqs, max_num_batched_tokens, block_size start at 1"
            raise ServingError(message, fields=("max_num_seqs", "max_num_batched_tokens"))
        if self.max_num_batched_tokens < self.max_num_seqs * (1 + self.draft_tokens):
            raise ServingError(
                f"max_num_batched_tokens {self.max_num_batched_tokens} is below one token for each "
                f"of {self.max_num_seqs} sequences",
                fields=("max_num_batched_tokens", "max_num_seqs"),
            )
        if self.lookahead not in (0, 1):
            raise ServingError("lookahead is 0 or 1")
        if not 1.0 <= self.tokens_per_step <= 1 + self.draft_tokens:
            raise ServingError(
                f"tokens_per_step {self.tokens_per_step:g} lies outside 1 to "
                f"{1 + self.draft_tokens} (one more than draft_tokens)",
                fields=("speculative",),
            )
