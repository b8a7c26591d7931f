"""The parts of a GPU pool as a document describes them, and the clock that drives its engines."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import PositiveInt, model_validator

from simulator.kernel.references import Attribute, CountAttribute, ListAttribute
from simulator.kernel.spec import Spec
from simulator.quantities import (
    Bandwidth,
    Duration,
    Fraction,
    PositiveCount,
    PositiveDuration,
    PositiveNumber,
)
from simulator.serving.all_reduce import Link
from simulator.serving.batch_times import DiffusionTime, EncoderTime, TableTime
from simulator.serving.batching import BatchItem, BatchTime
from simulator.serving.curve import PiecewiseLinear
from simulator.serving.disaggregation import KvTransfer
from simulator.serving.generation import FrontEnd
from simulator.serving.profile import Profile, load_profile
from simulator.serving.settings import EngineConfig
from simulator.serving.speculative import SpeculativeDecoding
from simulator.serving.step_time import Provenance, StepTime, Straggler

FOREVER = float("inf")


class SharedPrefix(Spec):
    """A part of the prompt that requests with the same attribute share.

    Without a length it is all the rest of the prompt, in pieces, and the answer: a conversation
    whose prompt contains the earlier turns, so that each finds what the last one left.
    """

    attribute: Attribute
    """Attribute that says which prefix, for example the tenant."""
    tokens: PositiveCount | None = None
    """Length of that part of the prompt; all the rest if left out."""

    PIECE: ClassVar[int] = 128
    """Tokens of a piece of a part without a length (eight blocks of vLLM)."""

    def parts(self, value: Any, left: int) -> list[tuple[Any, int]]:
        """What to share of the `left` tokens of a prompt whose attribute has this value."""
        if self.tokens is not None:
            return [((self.attribute, value), self.tokens)]
        pieces = -(-left // self.PIECE)
        return [((self.attribute, value, number), self.PIECE) for number in range(pieces)]


class PromptBlocks(Spec):
    """Hashes of the prompt's blocks from a trace: equal hashes are equal beginnings."""

    attribute: ListAttribute
    """Attribute with the list of hashes, from a column of a trace: `46 47 51`."""
    tokens: PositiveCount = 512
    """Tokens of one hashed block."""


class MigSlice(Spec):
    """A slice of a GPU, for example `{compute: 3, memory: 4}` for `3g.40gb` of an H100.

    Those that NVIDIA lists: 1 and 1, 1 and 2, 2 and 2, 3 and 4, 4 and 4, 7 and 8 (sevenths and
    eighths of an A100, H100, H200 or B200); 1 and 1, 2 and 2, 4 and 4 quarters of an RTX PRO 6000.
    """

    compute: PositiveInt
    """Compute slices."""
    memory: PositiveInt
    """Memory slices."""


class GpuLink(Spec):
    """What joins the GPUs of one replica."""

    bandwidth: Bandwidth
    """Bytes per second in each direction."""
    latency: Duration = 5e-6
    """Time of the smallest message."""

    def link(self) -> Link:
        """The link for step times."""
        return Link(self.bandwidth, self.latency)


class Speculation(Spec):
    """Speculative decoding with a draft model."""

    draft_tokens: PositiveInt
    """Tokens proposed in each step."""
    acceptance: Fraction
    """Probability that a proposed token is accepted when those before it are."""
    draft_time: Duration = 0.0
    """Time to draft one token."""

    def plan(self) -> SpeculativeDecoding:
        """The tokens and time of a step."""
        return SpeculativeDecoding(self.draft_tokens, self.acceptance, self.draft_time)


class Disaggregation(Spec):
    """Prefill and decode on replicas of their own; `replicas` of the pool is their sum.

    A fault that takes a share of the pool takes as many replicas as of any pool, of both roles in
    proportion; a half goes to the decoding ones. Requests of a lost replica need prefill again.
    """

    prefill: PositiveInt
    """Replicas that compute prompts; the others decode."""
    bandwidth: Bandwidth
    """Bandwidth of the KV transfer between them."""
    latency: Duration = 0.0
    """Latency of one transfer."""

    def transfer(self, bytes_per_token: float) -> KvTransfer:
        """The transfer of one prompt."""
        return KvTransfer(bytes_per_token, self.bandwidth, self.latency)


class FrontEndTimes(Spec):
    """The servers around the engine: they delay a request and do not occupy the GPU."""

    request: Duration = 0.0
    """Before the engine sees a request: HTTP, tokenization."""
    answer: Duration = 0.0
    """From a token of the engine to the client: detokenization, streaming."""

    def front_end(self) -> FrontEnd:
        """The two delays."""
        return FrontEnd(self.request, self.answer)


class Diffusion(Spec):
    """Image generation: `steps * (step + step_per_image * images) + decode_per_image * images`."""

    step: Duration = 0.0
    """Time of one denoising step, whatever the batch."""
    step_per_image: PositiveDuration
    """Time of one denoising step for each image of 1024 x 1024 pixels."""
    decode_per_image: Duration = 0.0
    """Time to decode one image."""
    steps: CountAttribute | PositiveInt = 30
    """Denoising steps: a number, or an attribute of the request."""
    images: CountAttribute | PositiveInt = 1
    """Images asked for: a number, or an attribute of the request."""
    pixels: CountAttribute | PositiveInt = 1024
    """Width and height of the images: a number, or an attribute of the request."""
    adapter: Attribute | None = None
    """Attribute that names the adapter (LoRA) the request needs."""
    adapter_load: Duration = 0.0
    """Time to load another adapter."""
    resolution_exponent: PositiveNumber = 1.0
    """How time grows with pixels: 1 for convolutions, toward 2 for attention."""

    @model_validator(mode="after")
    def _loads_something(self) -> Self:
        if self.adapter_load and self.adapter is None:
            raise ValueError("`adapter_load` has no effect without `adapter`")
        return self


class PassTime(Spec):
    """How long one pass over a batch takes: a formula, a table, or diffusion.

    `fixed + per_item * items + per_token * tokens`, where every item of a batch is as long as the
    longest; or `table: {1: 5ms, 8: 20ms}` over batch sizes, linear in between.
    """

    fixed: Duration = 0.0
    """Time of every batch."""
    per_item: Duration = 0.0
    """Time for each item."""
    per_token: Duration = 0.0
    """Time for each input token."""
    table: dict[PositiveInt, PositiveDuration] | None = None
    """Measured times by batch size."""
    diffusion: Diffusion | None = None
    """Image generation."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        terms = [name for name in ("fixed", "per_item", "per_token") if getattr(self, name)]
        forms = [name for name in ("diffusion", "table") if getattr(self, name) is not None]
        if not terms and not forms:
            listed = "`fixed`, `per_item`, `per_token`, `table` or `diffusion`"
            raise ValueError(f"takes no time: give {listed}")
        if len(forms + terms[:1]) > 1:
            beside = (forms + terms)[1]
            raise ValueError(f"`{beside}` has no effect beside `{forms[0]}`: leave one of them out")
        return self

    def batch_time(self) -> BatchTime:
        """The time of a batch."""
        if self.diffusion is not None:
            times = self.diffusion
            return DiffusionTime(
                times.step,
                times.step_per_image,
                times.decode_per_image,
                times.adapter_load,
                times.resolution_exponent,
            )
        if self.table is not None:
            return TableTime(self.table)
        return EncoderTime(self.fixed, self.per_item, self.per_token)

    def item(self, tokens: int, attributes: Mapping[str, Any]) -> BatchItem:
        """One item of ``tokens``, or the images that a request with these attributes wants."""
        times = self.diffusion
        if times is None:
            return BatchItem(tokens=tokens)
        side = _number(times.pixels, attributes)
        return BatchItem(
            images=_number(times.images, attributes),
            shape=(_number(times.steps, attributes), side, side),
            adapter=None if times.adapter is None else attributes.get(times.adapter),
        )


def _number(value: str | int, attributes: Mapping[str, Any]) -> int:
    """The number itself, or the request's attribute of that name."""
    if isinstance(value, str):
        return max(1, round(float(attributes.get(value, 1.0))))
    return value


BatchingName = Literal["continuous", "dynamic", "static", "single"]


@lru_cache(maxsize=16)
def profile_at(path: str) -> Profile:
    """The calibrated profile in a file, read once."""
    return load_profile(Path(path))


@dataclass
class Paced:
    """Step times stretched by the pace of a component that a fault slows down."""

    steps: StepTime
    pace: list[float]

    @property
    def provenance(self) -> Provenance:
        """Where the times come from."""
        return self.steps.provenance

    def decode(self, sequences: int, tokens: int = 1) -> PiecewiseLinear:
        """The stretched curve."""
        curve = self.steps.decode(sequences, tokens)
        if self.pace[0] == 1.0:
            return curve
        return PiecewiseLinear(curve.knots, [value * self.pace[0] for value in curve.values])

    def straggler(self, sequences: int) -> Straggler:
        """The stretched tail."""
        tail = self.steps.straggler(sequences)
        return Straggler(tail.seconds_per_token * self.pace[0], tail.waves)

    def mixed(self, *arguments: Any) -> float:
        """The stretched step."""
        return self.steps.mixed(*arguments) * self.pace[0]


class Room:
    """How many requests one engine could work on at its present pace.

    A batch of n serves n / S(n) requests a second, where S(n) = O d(n) + n p: O decode steps of
    d(n) seconds and the prompts of everybody, p seconds each. The most it can serve is
    m / S(m) at its largest batch m. With n running, the engine is as busy as n servers out of
    c(n) = S(n) m / S(m): n / c(n) is the share of the greatest throughput, 1 at saturation. Prompt
    and output lengths are the means of what was asked so far.

    Disaggregated, P replicas compute prompts, P / p a second at most, and D decode, D m / S(m) with
    S(n) = O d(n / D). The smaller of the two is the most they serve; a request takes p + S(n).
    """

    REFRESH = 1.1

    def __init__(
        self, times: StepTime, config: EngineConfig, *, prefill: int = 0, decode: int = 1
    ) -> None:
        self.times = times
        self.config = config
        self.prefill = prefill
        self.decode = decode
        self.asked = 0
        self.prompt = self.output = 0.0
        self._next = 1.0
        self._known: dict[int, float] = {}

    def ask(self, prompt: int, output: int) -> None:
        """Count a request."""
        self.asked += 1
        self.prompt += prompt
        self.output += output
        if self.asked >= self._next:
            self._next = self.asked * self.REFRESH + 1.0
            self._known.clear()

    def resize(self, prefill: int, decode: int) -> None:
        """Count with so many replicas of each role, at least one."""
        if (prefill, decode) != (self.prefill, self.decode):
            self.prefill, self.decode = prefill, decode
            self._known.clear()

    def of(self, running: int) -> float:
        """The room c(n) with `running` requests."""
        if running not in self._known:
            known = min(max(running / self.decode, 1), self.largest())
            self._known[running] = max(float(running), self.rate() * self.seconds(int(known)))
        return self._known[running]

    def rate(self) -> float:
        """The most requests a second that can be served."""
        full = self.largest()
        decoded = self.decode * full / self._decoding(full)
        return min(decoded, self.prefill / self._alone()) if self.prefill else decoded

    def largest(self) -> int:
        """The largest batch that slots and KV blocks allow.

        A sequence takes blocks as it grows, so on average it holds its prompt and half of its
        answer; where all are at their end at once, some are preempted.
        """
        config, count = self.config, max(1, self.asked)
        tokens = max(1.0, (self.prompt + self.output / 2) / count)
        blocks = config.num_gpu_blocks
        fitting = FOREVER if blocks is None else blocks * config.block_size / tokens
        return max(1, int(min(config.max_num_seqs, fitting)))

    def seconds(self, batch: int) -> float:
        """The mean time S(n) of a request in a batch of n."""
        return self._decoding(batch) + (self._alone() if self.prefill else 0.0)

    def _decoding(self, batch: int) -> float:
        """The time in a batch of n, with the prompts of the others unless they are elsewhere."""
        count = max(1, self.asked)
        prompt, output = max(1, round(self.prompt / count)), max(1.0, self.output / count)
        config, kv = self.config, prompt + output / 2
        step = self.times.decode(batch, 1 + config.draft_tokens).at(kv) + config.step_overhead_s
        decoding = output / config.tokens_per_step * step
        if self.prefill:
            return decoding
        plain = self.times.decode(batch).at(kv)
        extra = max(0.0, self.times.mixed([(prompt, 0)], batch, kv, kv) - plain)
        return decoding + batch * (extra + config.prompt_overhead_s)

    def _alone(self) -> float:
        """The time of a prompt on a replica that computes nothing else."""
        left = max(1, round(self.prompt / max(1, self.asked)))
        config = self.config
        seconds, done = 0.0, 0
        while left:
            chunk = min(left, config.max_num_batched_tokens)
            seconds += self.times.mixed([(chunk, done)], 0, 0.0, 0.0)
            seconds += config.step_overhead_s + config.prompt_overhead_s
            left, done = left - chunk, done + chunk
        return seconds
