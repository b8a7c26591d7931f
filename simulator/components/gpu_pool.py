"""GPUs that serve models: continuous batching, dynamic batching, diffusion."""

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, PositiveInt, field_validator, model_validator

from simulator.kernel.component import Component, Means, Paper, Server
from simulator.kernel.outcome import Outcome
from simulator.kernel.references import Attribute
from simulator.kernel.request import Flow, Interrupted, Request
from simulator.kernel.site import Site
from simulator.policies.engine_pool import EnginePool
from simulator.policies.gpu_serving import (
    BatchingName,
    Disaggregation,
    FrontEndTimes,
    GpuLink,
    MigSlice,
    Paced,
    PassTime,
    PromptBlocks,
    Room,
    SharedPrefix,
    Speculation,
    profile_at,
)
from simulator.quantities import Count, Duration, Fraction, PositiveCount
from simulator.serving.batching import BatchItem, DynamicBatching
from simulator.serving.catalogue import Gpu, Model, find_gpu, find_model, mig_slice
from simulator.serving.disaggregation import Disaggregated
from simulator.serving.engine import ContinuousBatching
from simulator.serving.errors import DoesNotFit, ServingError
from simulator.serving.generation import FINISHED, FIRST_TOKEN, PREEMPTED, Generation
from simulator.serving.memory import QUANTIZATIONS, plan_memory
from simulator.serving.roofline import Roofline
from simulator.serving.routing import router
from simulator.serving.settings import HOST_S, EngineConfig
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
    forgets: ClassVar[bool] = True
    replicas: PositiveInt = 1
    """How many copies of the model run."""
    gpu: str
    """GPU by name, for example `h100`, `l4`, `rtx-4090`."""
    mig: MigSlice | None = None
    """Slice of the GPU that one replica gets."""
    tensor_parallel: PositiveInt = 1
    """GPUs of one replica."""
    model: str | None = None
    """Language model by name, for example `llama-3-8b`; needed for continuous batching."""
    profile: str | None = None
    """File of measured kernel times, made by `simulate calibrate gpu`."""
    quantization: Literal["bf16", "fp8", "int8", "int4"] = "bf16"
    """How weights are stored; `fp8` also multiplies in FP8."""
    kv_quantization: Literal["bf16", "fp8"] = "bf16"
    """How keys and values are stored."""
    link: GpuLink | None = None
    """Link between the GPUs of a replica; the GPU's own if left out."""
    batching: BatchingName = "continuous"
    """`continuous`, `dynamic` (Triton), `static` (wait for a full batch), or `single`."""
    input_tokens: Attribute = "input_tokens"
    """Attribute with the number of prompt tokens."""
    output_tokens: Attribute = "output_tokens"
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
    """How a replica is chosen."""
    speculative: Speculation | None = None
    """Speculative decoding."""
    disaggregated: Disaggregation | None = None
    """Prefill and decode on different replicas."""
    front_end: FrontEndTimes = FrontEndTimes()
    """Delays around the engine."""
    host_overhead: Duration = HOST_S
    """Host time that a step with a prompt cannot hide (5 ms for vLLM, as published)."""
    load_time: Duration = 0.0
    """Time to load the model when a replica starts again."""
    pass_time: PassTime | None = None
    """Time of one pass over a batch; needed unless batching is continuous."""
    max_batch_size: PositiveInt = 8
    """Largest batch of one pass."""
    preferred_batch_size: list[PositiveInt] = Field(default_factory=list)
    """Sizes that a dynamic batch waits for."""
    max_queue_delay: Duration = 0.0
    """How long an item waits for company."""
    max_queue_size: Count = 0
    """Most items waiting for one replica; 0 is no limit."""

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
        if self.batching != "continuous":
            if self.pass_time is None:
                raise ValueError(f"`batching: {self.batching}` needs `pass_time`")
            self.batch_server()
            return self
        if self.model is None:
            raise ValueError("`batching: continuous` needs `model`")
        if self.disaggregated and self.disaggregated.prefill >= self.replicas:
            raise ValueError("`disaggregated.prefill` leaves no replica to decode")
        self.engine_config()
        self.step_time()
        return self

    @property
    def hardware(self) -> Gpu:
        """The GPU, or the slice of it."""
        gpu = find_gpu(self.gpu)
        return gpu if self.mig is None else mig_slice(gpu, self.mig.compute, self.mig.memory)

    @property
    def shape(self) -> Model:
        """The model's catalogue entry."""
        return find_model(self.model or "")

    def step_time(self) -> StepTime:
        """Step times by order of trust: the profile, else the roofline."""
        link = None if self.link is None else self.link.link()
        if self.profile is not None:
            profile = profile_at(self.profile)
            if profile.catalogue_model is not self.shape:
                raise ServingError(f"{self.profile} was measured with {profile.model}")
            return profile.step_time(self.tensor_parallel, link=link)
        return Roofline(
            self.shape,
            self.hardware,
            gpus=self.tensor_parallel,
            quantization=QUANTIZATIONS[self.quantization],
            kv_bytes=KV_BYTES[self.kv_quantization],
            link=link,
        )

    def engine_config(self) -> EngineConfig:
        """The engine's settings; raises if the model does not fit the memory."""
        gpu = self.hardware
        large = gpu.memory_bytes >= LARGE_BYTES and "A100" not in gpu.name
        sequences = self.max_num_seqs or (1024 if large else 256)
        batched = self.max_num_batched_tokens or max(8192 if large else 2048, sequences)
        blocks = self.num_gpu_blocks
        if blocks is None:
            blocks = plan_memory(
                self.shape,
                gpu,
                tensor_parallel=self.tensor_parallel,
                gpu_memory_utilization=self.gpu_memory_utilization,
                weight_bytes=QUANTIZATIONS[self.quantization].weight_bytes,
                kv_bytes=KV_BYTES[self.kv_quantization],
                max_num_batched_tokens=batched,
                max_num_seqs=sequences,
            ).num_gpu_blocks
        config = EngineConfig(
            max_num_seqs=sequences,
            max_num_batched_tokens=batched,
            num_gpu_blocks=blocks,
            prefix_caching=self.prefix_caching,
            priority=self.priority,
            prompt_overhead_s=self.host_overhead,
        )
        return config if self.speculative is None else self.speculative.plan().applied_to(config)

    def batch_server(self) -> DynamicBatching:
        """One replica of a model that answers in one pass."""
        assert self.pass_time is not None, "checked by the validator"
        size = 1 if self.batching == "single" else self.max_batch_size
        delay = self.max_queue_delay
        if self.batching == "static" and delay == 0.0:
            delay = float("inf")
        return DynamicBatching(
            self.pass_time.batch_time(),
            max_batch_size=size,
            preferred_batch_size=self.preferred_batch_size if self.batching == "dynamic" else (),
            max_queue_delay_s=delay,
            max_queue_size=self.max_queue_size,
        )

    def build(self, name: str, site: Site) -> "GpuPoolServer":
        return GpuPoolServer(name, site, self)

    @property
    def replica_count(self) -> float:
        return float(self.replicas)

    def on_paper(self, attributes: Means) -> Paper:
        if self.batching != "continuous":
            server = self.batch_server()
            size = server.max_batch_size
            seconds = server.batch_time.seconds([self.item(attributes)] * size, 0)
            return Paper(servers=float(self.replicas * size), service_s=seconds)
        room = Room(self.step_time(), self.engine_config())
        prompt = attributes.get(self.input_tokens, 1.0)
        room.ask(max(1, round(prompt)), max(1, round(attributes.get(self.output_tokens, 1.0))))
        batch = room.largest()
        replicas = self.replicas - (self.disaggregated.prefill if self.disaggregated else 0)
        paper = Paper(servers=float(batch * replicas), service_s=room.seconds(batch))
        source = room.times.provenance
        error = source.held_out_error
        known = "error unknown" if error is None else f"held-out error {error:.1%}"
        paper.notes.append(f"step times are {source.kind} ({known}): {source.source}")
        return paper

    def item(self, attributes: Any) -> BatchItem:
        """One item of a pass for a request with these attributes."""
        assert self.pass_time is not None, "checked by the validator"
        tokens = max(1, round(float(attributes.get(self.input_tokens, 1.0))))
        return self.pass_time.item(tokens, attributes)


class GpuPoolServer(Server):
    """Engines on the simulation's clock, one event for each change of a batch."""

    spec: GpuPool

    def __init__(self, name: str, site: Site, spec: GpuPool) -> None:
        super().__init__(name, site, spec)
        self.continuous = spec.batching == "continuous"
        self.served = self.refused = self.left = self.preempted = 0
        self.prompt_tokens = self.generated_tokens = 0
        self.ready_at = 0.0
        self.inner = self._engines(site)
        engines: list[Any] = list(self.inner)
        split = spec.disaggregated
        if self.continuous and split is not None:
            transfer = split.transfer(spec.shape.kv_bytes_per_token())
            parts = self.inner[: split.prefill], self.inner[split.prefill :]
            engines = [Disaggregated(*parts, transfer)]
        self.room: Room | None = None
        if self.continuous:
            self.room = Room(self.inner[0].step_time, self.inner[0].config)
        self.pool = EnginePool(site.clock, engines, router(spec.router), self._room, self._react)
        self.taken: dict[float, list[int]] = {}
        self.meters(site, self.pool.meters())
        self.meters(site, {
            "served_total": lambda: self.served,
            "refused_total": lambda: self.refused,
            "left_total": lambda: self.left,
            "aborted_total": lambda: 0,
            "gpu_busy_total": lambda: sum(engine.busy_s for engine in self.inner),
        })  # fmt: skip
        if self.continuous:
            self.meters(site, {
                "preempted_total": lambda: self.preempted,
                "prompt_tokens_total": lambda: self.prompt_tokens,
                "cached_tokens_total": lambda: sum(e.batch.pool.hit_tokens for e in self.inner),
                "generated_tokens_total": lambda: self.generated_tokens,
                "steps_total": lambda: sum(engine.steps for engine in self.inner),
                "kv_used": lambda: max(engine.kv_used for engine in self.inner),
                "outside_calibration": self._outside,
            })  # fmt: skip

    def _engines(self, site: Site) -> list[Any]:
        spec = self.spec
        if not self.continuous:
            return [spec.batch_server() for _ in range(spec.replicas)]
        config, times = spec.engine_config(), spec.step_time()
        pace = site.paces.get(self.name)
        if pace is not None:
            times = Paced(times, pace)
        return [ContinuousBatching(times, config) for _ in range(spec.replicas)]

    def _room(self, engine: Any) -> float:
        """How many jobs an engine could work on at its present pace."""
        if self.room is None:
            return 1.0
        split = self.spec.disaggregated
        decoding = 1 if split is None else self.spec.replicas - split.prefill
        return self.room.of(engine.running_count // decoding) * decoding

    def _outside(self) -> float:
        """1 once a step has left the range that its times were measured in."""
        return float(any(engine.outside_calibration() for engine in self.inner))

    def call(self, request: Request) -> Flow:
        delay = max(self.spec.front_end.request, self.ready_at - self.clock.now)
        if delay > 0.0:
            yield delay
        job = self._job(request)
        called = self.clock.now
        try:
            if not self.pool.submit(job):
                self.refused += 1
                return Outcome.REJECTED_QUEUE_FULL
        except DoesNotFit:
            self.refused += 1
            return Outcome.ERROR
        try:
            yield None
        except (Interrupted, GeneratorExit) as fault:
            self.left += 1
            self.pool.cancel(job)
            if isinstance(fault, Interrupted):
                return fault.outcome
            raise
        ended = self.clock.now
        if self.spec.front_end.answer > 0.0:
            yield self.spec.front_end.answer
        self.served += 1
        if request.visit is not None:
            started = job.scheduled_s if self.continuous else job.started_s
            request.visit.wait += started - called
            request.visit.service += ended - started
        return Outcome.OK

    def _job(self, request: Request) -> Any:
        """What the engine knows of a request."""
        spec, attributes = self.spec, request.attributes
        if not self.continuous:
            item = spec.item(attributes)
            item.payload, item.priority = request, request.priority if spec.priority else 0
            return item
        prompt = max(1, round(float(attributes.get(spec.input_tokens, 1.0))))
        prefix: list[tuple[Any, int]] = []
        left = prompt
        for part in spec.prefixes:
            prefix += part.parts(attributes.get(part.attribute), left)
            left = max(0, left - (part.tokens or left))
        if spec.prompt_blocks is not None:
            hashes = attributes.get(spec.prompt_blocks.attribute) or ()
            prefix += [((key,), spec.prompt_blocks.tokens) for key in hashes]
        output = max(1, round(float(attributes.get(spec.output_tokens, 1.0))))
        if self.room is not None:
            self.room.ask(prompt, output)
        return Generation(
            prompt,
            output,
            prefix=tuple(prefix),
            priority=request.priority,
            payload=request,
        )

    def _react(self, happened: list[Any]) -> None:
        """Wake the requests whose answers are ready."""
        for event in happened:
            if not self.continuous:
                self.pool.finished(event)
                event.payload.resume()
                continue
            _, what, job = event
            if what == FIRST_TOKEN:
                self.prompt_tokens += job.prompt
                job.payload.first_token = self.clock.now + self.spec.front_end.answer
            elif what == FINISHED:
                self.generated_tokens += job.output
                self.pool.finished(job)
                job.payload.resume()
            elif what == PREEMPTED:
                self.preempted += 1

    def restore(self) -> None:
        self.ready_at = self.clock.now + self.spec.load_time

    def flush(self, begins: bool) -> None:
        if begins and self.continuous:
            for engine in self.inner:
                engine.batch.pool.forget()

    def lose(self, share: float) -> None:
        self.taken[share] = self.pool.lose(share)

    def regain(self, share: float) -> None:
        self.pool.regain(self.taken.pop(share, []), self.spec.load_time)
