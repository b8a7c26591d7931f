"""GPUs that serve models: continuous batching, dynamic batching, diffusion."""

import math
from dataclasses import replace
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, PositiveInt, field_validator, model_validator

from simulator.components.gpu_checks import idle_fields, mistakes
from simulator.components.gpu_server import GpuPoolServer
from simulator.kernel.component import Component, Means, Paper
from simulator.kernel.references import CountAttribute
from simulator.kernel.site import Site
from simulator.policies.autoscale import Autoscale
from simulator.policies.gpu_serving import (
    BatchingName,
    Disaggregation,
    FrontEndTimes,
    GpuLink,
    MigSlice,
    PassTime,
    PromptBlocks,
    Room,
    SharedPrefix,
    Speculation,
    profile_at,
)
from simulator.quantities import Count, Duration, Fraction, PositiveCount
from simulator.quantities.problem import Mistakes
from simulator.serving.batch import Batch
from simulator.serving.batching import BatchItem, BatchTime, DynamicBatching
from simulator.serving.catalogue import Gpu, Model, find_gpu, find_model, mig_slice
from simulator.serving.errors import DoesNotFit, ServingError
from simulator.serving.memory import QUANTIZATIONS, plan_memory
from simulator.serving.roofline import Roofline
from simulator.serving.settings import EngineConfig
from simulator.serving.step_time import StepTime

KV_BYTES = {"bf16": 2.0, "fp8": 1.0}
LARGE_BYTES = 70 * 2**30
"""From this memory on vLLM chooses larger batches (the A100 excepted)."""


class GpuPool(Component):
    """Replicas of a model on GPUs, each of `tensor_parallel` GPUs, behind a router.

    `batching: continuous` is an LLM engine as vLLM V1 schedules it: prompts in chunks, one token
    per sequence and step, KV cache in blocks, preemption by recompute. Step times come from a
    calibrated `profile` where one is named, else from a roofline over the data sheets, which is
    good to 20 or 30 %. The other modes serve models that answer in one pass, with `pass_time`.
    """

    kind: Literal["gpu_pool"] = "gpu_pool"
    files: ClassVar[tuple[str, ...]] = ("profile",)
    forgets: ClassVar[bool] = True
    replicas: PositiveInt = 1
    """How many copies of the model run."""
    gpu: str
    """GPU by name, for example `h100`, `l4`, `rtx-4090`."""
    mig: MigSlice | None = None
    """Slice of the GPU that one replica gets; `pass_time` is then that of the slice."""
    tensor_parallel: PositiveInt = 1
    """GPUs of one replica."""
    model: str | None = None
    """Language model by name, for example `llama-3-8b`; needed for continuous batching."""
    profile: str | None = None
    """File of measured kernel times by `simulate calibrate gpu`, beside this document or else in
    the current folder."""
    quantization: Literal["bf16", "fp8", "int8", "int4"] = "bf16"
    """How weights are stored; `fp8` also multiplies in FP8."""
    kv_quantization: Literal["bf16", "fp8"] = "bf16"
    """How keys and values are stored."""
    link: GpuLink | None = None
    """Link between the GPUs of a replica; the GPU's own if left out."""
    batching: BatchingName = "continuous"
    """`continuous`, `dynamic` (Triton), `static` (wait for a full batch), or `single`."""
    input_tokens: CountAttribute = Field("input_tokens", validate_default=True)
    """Attribute with the number of prompt tokens."""
    output_tokens: CountAttribute = Field("output_tokens", validate_default=True)
    """Attribute with the number of generated tokens."""
    max_num_seqs: PositiveCount | None = None
    """Most sequences in a step; vLLM's default for the GPU if left out (256 or 1,024)."""
    max_num_batched_tokens: PositiveCount | None = None
    """Most tokens in a step; vLLM's default for the GPU if left out (2,048 or 8,192)."""
    gpu_memory_utilization: Fraction = 0.9
    """Share of the memory the engine may use."""
    num_gpu_blocks: PositiveCount | None = None
    """KV blocks of a replica; computed from the memory if left out."""
    prefix_caching: bool = True
    """Keep the KV of prompts for later requests that begin alike."""
    prefixes: list[SharedPrefix] = Field(default_factory=list)
    """Shared beginnings of prompts, in their order in the prompt."""
    prompt_blocks: PromptBlocks | None = None
    """Hashes of the prompt's blocks, from a trace."""
    priority: bool = False
    """Serve requests by their priority instead of their arrival."""
    router: Literal["round_robin", "least_loaded", "prefix_affine"] = "least_loaded"
    """How a replica is chosen; disaggregated, one for each half of the work."""
    speculative: Speculation | None = None
    """Speculative decoding."""
    disaggregated: Disaggregation | None = None
    """Prefill and decode on different replicas."""
    front_end: FrontEndTimes = FrontEndTimes()
    """Delays around the engine."""
    host_overhead: Duration = 0.0
    """Host time that a step with a prompt cannot hide, if you have measured it."""
    load_time: Duration = 0.0
    """Time to load the model when a replica starts again."""
    autoscale: Autoscale | None = None
    """Let the number of replicas follow the load; `load_time` comes on top of each start-up."""
    pass_time: PassTime | None = None
    """Time of one pass over a batch; needed unless batching is continuous."""
    max_batch_size: PositiveInt = 8
    """Largest batch of one pass."""
    preferred_batch_size: list[PositiveInt] = Field(default_factory=list)
    """Sizes that a dynamic batch waits for; `max_batch_size` if left out."""
    max_queue_delay: Duration = 0.0
    """How long an item waits for company; then all that wait go, up to `max_batch_size`."""
    max_queue_size: Count = 0
    """Most items waiting for one replica; 0 is no limit. What comes during a step waits too."""

    @field_validator("gpu")
    @classmethod
    def _known_gpu(cls, name: str) -> str:
        return find_gpu(name).name

    @field_validator("model")
    @classmethod
    def _known_model(cls, name: str | None) -> str | None:
        return None if name is None else find_model(name).name

    @model_validator(mode="after")
    def _can_be_built(self) -> Self:
        found = mistakes(self)
        if len(found) == 1:
            raise found[0]
        if found:
            raise Mistakes(found)
        return self

    @model_validator(mode="after")
    def _has_a_price(self) -> Self:
        """Without a `cost` of its own a replica costs what its GPUs do in the catalogue."""
        if self.cost is None and not self.external:
            self.__dict__["cost"] = self.hardware.price_usd_per_hour * self.tensor_parallel
        return self

    @property
    def hardware(self) -> Gpu:
        """The GPU, or the slice of it."""
        gpu = find_gpu(self.gpu)
        if self.mig is None:
            return gpu
        if self.tensor_parallel > 1:
            message = (
                f"MIG slices cannot share a model: tensor_parallel {self.tensor_parallel} needs "
                "whole GPUs, so leave `mig` out or set `tensor_parallel: 1`"
            )
            raise ServingError(message, fields=("mig",))
        return mig_slice(gpu, self.mig.compute, self.mig.memory)

    @property
    def shape(self) -> Model:
        """The model's catalogue entry."""
        return find_model(self.model or "")

    @property
    def kv_token_bytes(self) -> float:
        """Bytes of keys and values of a token."""
        return self.shape.kv_bytes_per_token(KV_BYTES[self.kv_quantization])

    def step_time(self) -> StepTime:
        """Step times by order of trust: the profile, else the roofline."""
        link = None if self.link is None else self.link.link()
        if self.profile is not None:
            return profile_at(self.profile).step_time(self.tensor_parallel, link=link)
        return Roofline(
            self.shape,
            self.hardware,
            gpus=self.tensor_parallel,
            quantization=QUANTIZATIONS[self.quantization],
            kv_bytes=KV_BYTES[self.kv_quantization],
            link=link,
        )

    @property
    def _is_large(self) -> bool:
        """Whether vLLM chooses larger steps for this GPU."""
        gpu = self.hardware
        return gpu.memory_bytes >= LARGE_BYTES and "A100" not in gpu.name

    @property
    def _step_limits(self) -> tuple[int, int]:
        """Most sequences and tokens of a step."""
        sequences = self.max_num_seqs or (1024 if self._is_large else 256)
        batched = self.max_num_batched_tokens or max(8192 if self._is_large else 2048, sequences)
        return sequences, batched

    def limits(self) -> EngineConfig:
        """The engine's settings but for the KV cache."""
        sequences, batched = self._step_limits
        config = EngineConfig(
            max_num_seqs=sequences,
            max_num_batched_tokens=batched,
            max_queue_size=self.max_queue_size,
            prefix_caching=self.prefix_caching,
            priority=self.priority,
            prompt_overhead_s=self.host_overhead,
        )
        return config if self.speculative is None else self.speculative.plan().applied_to(config)

    def blocks(self) -> int:
        """KV blocks of a replica; raises if the model does not fit the memory."""
        if self.num_gpu_blocks is not None:
            return self.num_gpu_blocks
        sequences, batched = self._step_limits
        return plan_memory(
            self.shape,
            self.hardware,
            tensor_parallel=self.tensor_parallel,
            gpu_memory_utilization=self.gpu_memory_utilization,
            weight_bytes=QUANTIZATIONS[self.quantization].weight_bytes,
            kv_bytes=KV_BYTES[self.kv_quantization],
            max_num_batched_tokens=batched,
            max_num_seqs=sequences,
        ).num_gpu_blocks

    def engine_config(self) -> EngineConfig:
        """The engine's settings; raises if the model does not fit the memory."""
        return replace(self.limits(), num_gpu_blocks=self.blocks())

    def batch_server(self, batch_time: BatchTime | None = None) -> DynamicBatching:
        """One replica of a model that answers in one pass."""
        if batch_time is None:
            assert self.pass_time is not None, "checked by the validator"
            batch_time = self.pass_time.batch_time()
        size = 1 if self.batching == "single" else self.max_batch_size
        delay = self.max_queue_delay
        if self.batching == "static" and delay == 0.0:
            delay = float("inf")
        return DynamicBatching(
            batch_time,
            max_batch_size=size,
            preferred_batch_size=self.preferred_batch_size if self.batching == "dynamic" else (),
            max_queue_delay_s=delay,
            max_queue_size=self.max_queue_size,
        )

    def build(self, name: str, site: Site) -> "GpuPoolServer":
        return GpuPoolServer(name, site, self)

    @property
    def idle_fields(self) -> list[tuple[str, str, str]]:
        return idle_fields(self)

    @property
    def nowhere_else(self) -> str:
        if self.disaggregated is not None:
            return "leave `different_replica` out, or `disaggregated`"
        several = self.replicas > 1 or self.autoscale is not None
        return "" if several else "set more than one replica"

    @property
    def parts(self) -> tuple[int, int]:
        """Replicas of one engine that compute prompts only, and those that decode."""
        if self.disaggregated is None:
            return 0, 1
        return self.disaggregated.prefill, self.replicas - self.disaggregated.prefill

    @property
    def replica_count(self) -> float:
        return float(self.replicas)

    @property
    def scaling(self) -> Autoscale | None:
        return self.autoscale

    @property
    def reaction_s(self) -> float:
        return 0.0 if self.autoscale is None else self.autoscale.reaction_s + self.load_time

    @property
    def effort(self) -> float:
        return 1.5 if self.batching == "continuous" else 1.0

    @property
    def refuses(self) -> bool:
        return self.max_queue_size > 0

    def on_paper(self, attributes: Means) -> Paper:
        paper = self._engines_on_paper(attributes)
        assert paper.servers is not None, "slots in batches"
        if self.prefixes and self.prefix_caching:
            # What is shared needs neither time nor room; how much that is, paper does not know.
            paper.servers_most = math.inf
        elif self.autoscale is not None:
            paper.servers_most = paper.servers / self.replicas * self.autoscale.max_replicas
        if "cost" not in self.model_fields_set and self.cost is not None:
            price = f"${self.cost:.2f}/h is the catalogue's price of a replica"
            paper.notes.append(f"{price} ({self.hardware.price_source}): set `cost` to yours")
        return paper

    def _engines_on_paper(self, attributes: Means) -> Paper:
        if self.batching != "continuous":
            server = self.batch_server()
            size = server.saturated_size
            seconds = server.batch_time.seconds([self.item(attributes)] * size, 0)
            return Paper(servers=float(self.replicas * size), service_s=seconds)
        prefill, decode = self.parts
        room = Room(self.step_time(), self.engine_config(), prefill=prefill, decode=decode)
        prompt = max(1, round(attributes.get(self.input_tokens, 1.0)))
        output = max(1, round(attributes.get(self.output_tokens, 1.0)))
        room.ask(prompt, output)
        batch = room.largest()
        engines = 1 if self.disaggregated else self.replicas
        seconds = room.seconds(batch)
        paper = Paper(servers=engines * room.rate() * seconds, service_s=seconds)
        context, limit = prompt + output, self.shape.context_max
        if context > limit:
            paper.impossible_at = "model"
            paper.impossible = (
                f"on average a context of {prompt} + {output} tokens exceeds the {limit} tokens "
                f"of {self.shape.name}"
            )
        try:
            Batch(room.config).check(prompt, output)
        except DoesNotFit as refusal:
            named = [field for field in refusal.fields if field in self.model_fields_set]
            paper.impossible_at = named[0] if named else ""
            paper.impossible = f"on average {refusal}"
        source = room.times.provenance
        error, roofline = source.held_out_error, source.kind == "roofline"
        unknown = "not measured: expect to be 20 to 30 % off" if roofline else "error unknown"
        known = unknown if error is None else f"held-out error {error:.1%}"
        paper.notes.append(f"step times are {source.kind} ({known}): {source.source}")
        if self.profile is not None and self.quantization != "bf16":
            paper.notes.append(
                f"`quantization: {self.quantization}` sets the memory only: step times are the "
                "profile's, which must have been measured with it"
            )
        return paper

    def item(self, attributes: Any) -> BatchItem:
        """One item of a pass for a request with these attributes."""
        assert self.pass_time is not None, "checked by the validator"
        tokens = max(1, round(float(attributes.get(self.input_tokens, 1.0))))
        return self.pass_time.item(tokens, attributes)
