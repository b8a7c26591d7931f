"""One request to a text-generation engine, and what the engine reports about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["FINISHED", "FIRST_TOKEN", "PREEMPTED", "Event", "FrontEnd", "Generation"]

FIRST_TOKEN = "first_token"
FINISHED = "finished"
PREEMPTED = "preempted"

Event = tuple[float, str, "Generation"]


class Generation:
    """A prompt of `prompt` tokens that will produce `output` tokens.

    `prefix` lists the parts of the prompt that other requests may share, in order, each as
    `(key, tokens)`: block hashes of a trace, or an attribute such as the tenant with the length
    of its system prompt. `prefilled` says that the KV of the prompt arrives with the request
    (prefill ran elsewhere and produced the first token). `continues` says that the parts go on
    through the answer: a later prompt contains both. A lower `priority` goes first.

    The engine fills in the times and counters; `payload` belongs to the caller.
    """

    __slots__ = (
        "arrived_s",
        "base",
        "cached",
        "chain",
        "chunk",
        "computed",
        "continues",
        "finish_step",
        "finished_s",
        "first_token_s",
        "generated",
        "joined",
        "kept",
        "order",
        "output",
        "payload",
        "preemptions",
        "prefilled",
        "prefix",
        "priority",
        "private_blocks",
        "prompt",
        "scheduled_s",
        "shared",
        "shared_blocks",
        "state",
        "ticket",
        "units",
    )

    def __init__(
        self,
        prompt: int,
        output: int,
        *,
        prefix: tuple[tuple[Hashable, int], ...] = (),
        priority: int = 0,
        prefilled: bool = False,
        continues: bool = False,
        payload: Any = None,
    ) -> None:
        assert prompt >= 1 and output >= 1, "a prompt and an output have at least one token"
        self.prompt = prompt
        self.output = output
        self.prefix = prefix
        self.priority = priority
        self.prefilled = prefilled
        self.continues = continues
        self.payload = payload
        self.arrived_s = 0.0
        self.scheduled_s: float | None = None
        self.first_token_s: float | None = None
        self.finished_s: float | None = None
        self.preemptions = 0
        self.cached = 0
        self.state = "new"
        self.order = 0
        self.computed = 0
        self.generated = 0
        self.chunk = 0
        self.base = 0.0
        self.joined = 0
        self.kept: tuple[Hashable, int] | None = None
        self.finish_step = 0
        self.ticket = 0
        self.chain: list[tuple[Hashable, int, int]] | None = None
        self.shared: list[Hashable] = []
        self.shared_blocks = 0
        self.units = 0
        self.private_blocks = 0

    @property
    def tokens(self) -> int:
        """Tokens known so far: the prompt and what was generated."""
        return self.prompt + self.generated

    @property
    def ttft_s(self) -> float:
        """Time to first token, from arrival."""
        assert self.first_token_s is not None, "no token yet"
        return self.first_token_s - self.arrived_s

    @property
    def latency_s(self) -> float:
        """Time to last token, from arrival."""
        assert self.finished_s is not None, "not finished"
        return self.finished_s - self.arrived_s

    @property
    def tpot_s(self) -> float:
        """Mean time per output token after the first; zero for one token."""
        assert self.finished_s is not None and self.first_token_s is not None, "not finished"
        return (self.finished_s - self.first_token_s) / max(1, self.output - 1)


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """The servers around the engine: they delay a request, they do not occupy the GPU.

    `request_s` passes before the engine sees a request (HTTP, tokenization), `answer_s`
    between a token of the engine and the client (detokenization, streaming).
    """

    request_s: float = 0.0
    answer_s: float = 0.0
