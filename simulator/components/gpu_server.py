"""A pool of GPUs at work: engines on the simulation's clock."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from simulator.kernel.component import Server
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Flow, Interrupted, Request
from simulator.kernel.site import Site
from simulator.policies.autoscale import Scaler
from simulator.policies.engine_fleet import EngineFleet
from simulator.policies.engine_pool import EnginePool
from simulator.policies.gpu_serving import Paced, Room
from simulator.policies.split_pool import SplitPool
from simulator.serving.disaggregation import Disaggregated
from simulator.serving.engine import ContinuousBatching
from simulator.serving.errors import DoesNotFit
from simulator.serving.generation import FINISHED, FIRST_TOKEN, PREEMPTED, Generation
from simulator.serving.routing import router

if TYPE_CHECKING:
    from simulator.components.gpu_pool import GpuPool


class GpuPoolServer(Server):
    """Engines on the simulation's clock, one event for each change of a batch."""

    spec: "GpuPool"

    def __init__(self, name: str, site: Site, spec: "GpuPool") -> None:
        super().__init__(name, site, spec)
        self.continuous = spec.batching == "continuous"
        self.served = self.refused = self.left = self.preempted = 0
        self.prompt_tokens = self.generated_tokens = 0
        self.ready_at = 0.0
        if self.continuous:
            self.step_time, self.config = spec.step_time(), spec.engine_config()
        self.inner = self._engines(site)
        engines: list[Any] = list(self.inner)
        pool, split = EnginePool, spec.disaggregated
        if self.continuous and split is not None:
            transfer = split.transfer(spec.kv_token_bytes)
            parts = self.inner[: split.prefill], self.inner[split.prefill :]
            engines = [Disaggregated(*parts, transfer, partial(router, spec.router))]
            pool = SplitPool
        self.room: Room | None = None
        if self.continuous:
            prefill, decode = spec.parts
            first = self.inner[0]
            self.room = Room(first.step_time, first.config, prefill=prefill, decode=decode)
        self.pool = pool(
            site.clock, engines, router(spec.router), self._room, self._react, self._refuse
        )
        self.turned_away: dict[Any, Outcome] = {}
        self.taken: dict[float, list[list[int]]] = {}
        if spec.autoscale is not None:
            choice = site.uniforms(name, "preemption")
            fleet = EngineFleet(
                self.pool, lambda: self._one_more(site), spec.autoscale.spot, choice
            )
            self.scaler = scaler = Scaler(
                site, name, spec.autoscale, fleet, spec.replicas, spec.load_time
            )
            readings = scaler.meters()
            readings["taken_back_total"] = readings.pop("preempted_total")
            self.meters(site, readings)
        self.meters(site, self.pool.meters())
        self.meters(site, {
            "served_total": lambda: self.served,
            "refused_total": lambda: self.refused,
            "left_total": lambda: self.left,
            "aborted_total": lambda: 0,
            "gpu_busy_total": lambda: sum(engine.busy_s for engine in self.inner),
        })  # fmt: skip
        if not self.continuous:
            self.meters(site, {"in_service_area": self._item_seconds})
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
        return [self._engine(site) for _ in range(self.spec.replicas)]

    def _engine(self, site: Site) -> Any:
        """One replica without work."""
        if not self.continuous:
            return self.spec.batch_server()
        pace = site.paces.get(self.name)
        times = self.step_time if pace is None else Paced(self.step_time, pace)
        return ContinuousBatching(times, self.config)

    def _one_more(self, site: Site) -> Any:
        """One replica more than there ever were."""
        engine = self._engine(site)
        self.inner.append(engine)
        return engine

    def _room(self, engine: Any) -> float:
        """How many jobs an engine could work on at its present pace."""
        if self.room is None:
            return 1.0
        if isinstance(engine, Disaggregated):
            prefill, decode = map(len, engine.serving)
            if not prefill or not decode:
                # Nothing gets through: what still runs is all there is room for.
                return float(engine.running_count)
            self.room.resize(prefill, decode)
        return self.room.of(engine.running_count)

    def _item_seconds(self) -> float:
        """The integral over time of requests in batches, each counted by itself."""
        return float(sum(engine.item_seconds(self.clock.now) for engine in self.inner))

    def _outside(self) -> float:
        """How many times the measured range an input of the step times reached; 0 inside of it."""
        found = [engine.outside_calibration().values() for engine in self.inner]
        return max((seen / most for reached in found for seen, most in reached), default=0.0)

    def call(self, request: Request) -> Flow:
        delay = max(self.spec.front_end.request, self.ready_at - self.clock.now)
        if delay > 0.0:
            yield delay
        job = self._job(request)
        called = self.clock.now
        attempts = request.attempts
        if attempts is not None and attempts.target != self.name:
            attempts = None
        try:
            if not self.pool.submit(job, attempts):
                self.refused += 1
                return Outcome.REJECTED_QUEUE_FULL
        except DoesNotFit:
            self.refused += 1
            return Outcome.ERROR
        # A running request leaves at the end of the step, a waiting one at once; a caller that
        # only cancels what waits has to know which it is.
        request.still_waits = self._waits(job)
        try:
            yield None
        except (Interrupted, GeneratorExit) as fault:
            self.left += 1
            self.pool.cancel(job)
            if isinstance(fault, Interrupted):
                return fault.outcome
            raise
        finally:
            del request.still_waits
        if job in self.turned_away:
            self.refused += 1
            return self.turned_away.pop(job)
        ended = self.clock.now
        if self.spec.front_end.answer > 0.0:
            yield self.spec.front_end.answer
        self.served += 1
        if request.visit is not None:
            started = job.scheduled_s if self.continuous else job.started_s
            request.visit.wait += started - called
            request.visit.service += ended - started
        return Outcome.OK

    def _waits(self, job: Any) -> Callable[[], bool]:
        """Whether the job has not been in a batch yet."""
        if self.continuous:
            return lambda: job.scheduled_s is None
        return lambda: job.started_s is None

    def _job(self, request: Request) -> Any:
        """What the engine knows of a request."""
        spec, attributes = self.spec, request.attributes
        if not self.continuous:
            item = spec.item(attributes)
            item.payload, item.priority = request, request.priority if spec.priority else 0
            return item
        prompt = max(1, round(float(attributes.get(spec.input_tokens, 1.0))))
        prefix: list[tuple[Any, int]] = []
        output = max(1, round(float(attributes.get(spec.output_tokens, 1.0))))
        left, continues = prompt, False
        for part in spec.prefixes:
            if part.tokens is None and left > 0:
                # The next turn's prompt contains this answer.
                prefix += part.parts(attributes.get(part.attribute), left + output)
                left, continues = 0, True
            elif part.tokens is not None:
                prefix += part.parts(attributes.get(part.attribute), left)
                left = max(0, left - part.tokens)
        if spec.prompt_blocks is not None:
            hashes = attributes.get(spec.prompt_blocks.attribute)
            # A number or text is drawn where no trace supplies the list: no hashes are known.
            known = hashes if isinstance(hashes, tuple) else ()
            prefix += [((key,), spec.prompt_blocks.tokens) for key in known]
        if self.room is not None:
            self.room.ask(prompt, output)
        return Generation(
            prompt,
            output,
            prefix=tuple(prefix),
            priority=request.priority,
            continues=continues,
            payload=request,
        )

    def _react(self, happened: list[Any]) -> None:
        """Wake the requests whose answers are ready."""
        for event in happened:
            if not self.continuous:
                if self.pool.finished(event):
                    event.payload.resume()
                continue
            _, what, job = event
            if what == FIRST_TOKEN:
                self.prompt_tokens += job.prompt
                job.payload.first_token = self.clock.now + self.spec.front_end.answer
            elif what == FINISHED:
                self.generated_tokens += job.output
                if job.output > 1:
                    job.payload.per_token = job.tpot_s
                if self.pool.finished(job):
                    job.payload.resume()
            elif what == PREEMPTED:
                self.preempted += 1

    def _refuse(self, job: Any, outcome: Outcome) -> None:
        """Answer a request that had been accepted with a refusal."""
        self.turned_away[job] = outcome
        job.payload.resume()

    def restore(self) -> None:
        self.ready_at = self.clock.now + self.spec.load_time

    def flush(self, begins: bool) -> None:
        if begins and self.continuous:
            for engine in self.inner:
                engine.batch.pool.forget()

    def lose(self, share: float) -> None:
        self.taken.setdefault(share, []).append(self.pool.lose(share))

    def regain(self, share: float) -> None:
        if self.taken.get(share):
            self.pool.regain(self.taken[share].pop(0), self.spec.load_time)
