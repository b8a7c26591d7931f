"""A stream processor with checkpoints: what a crash undoes is done again."""

from typing import Literal

from pydantic import Field, PositiveInt

from simulator.kernel.component import Component, Means, Paper, Server
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import NEVER, Call, Flow, Request
from simulator.kernel.site import Site
from simulator.kernel.station import Station, meters_of
from simulator.kernel.step import Step, Worker, all_on_paper, in_sequence
from simulator.quantities import Duration, DurationDistribution, PositiveDuration

OK = Outcome.OK


class Stream(Component):
    """Tasks that process events one by one and save their state now and then (Flink).

    The caller waits for `publish` only. After a crash (the fault `down`), tasks restart from the
    latest checkpoint: everything processed since then is processed again before new events, so
    the backlog is what arrived during the outage plus up to one interval of replay. A `record` of
    an event that is processed again notes its age since the crash.
    """

    kind: Literal["stream"] = "stream"
    tasks: PositiveInt = 1
    """Events worked on at once."""
    steps: list[Step] = Field(default_factory=list)
    """What happens to an event."""
    publish: DurationDistribution | None = None
    """Time to hand an event over."""
    checkpoint_every: PositiveDuration = 60.0
    """Time between checkpoints."""
    checkpoint_pause: Duration = 0.0
    """How long the tasks stand still for a checkpoint."""
    restart: Duration = 10.0
    """Time from the end of an outage until the tasks have loaded their state."""

    @property
    def has_workers(self) -> bool:
        return True

    def build(self, name: str, site: Site) -> "StreamServer":
        return StreamServer(name, site, self)

    @property
    def replica_count(self) -> float:
        return float(self.tasks)

    def on_paper(self, attributes: Means) -> Paper:
        paper = Paper(servers=float(self.tasks))
        all_on_paper(self.steps, paper, 1.0, attributes)
        paper.held_s = paper.delay_s
        paper.kept = "tasks" if paper.calls else ""
        return paper


class StreamServer(Server):
    """A station of tasks, the count of events since the checkpoint, and their replay."""

    spec: Stream
    leaves_visits = False
    intake_survives = True

    def __init__(self, name: str, site: Site, spec: Stream) -> None:
        super().__init__(name, site, spec)
        self.station = Station(site.clock, spec.tasks)
        self.meters(site, meters_of([self.station]))
        self.publish = (
            None if spec.publish is None else site.durations_of(name, "publish", spec.publish)
        )
        self.probe = site.probe
        self.since_checkpoint: list[Request] = []
        self.replayed = self.pending = 0
        self.down = False
        self.outages = 0
        self.up_at = 0.0
        self.meter(site, "replayed_total", lambda: self.replayed)
        self.meter(site, "lag", lambda: self.pending)
        self.process: Call
        site.clock.call_at(spec.checkpoint_every, self._checkpoint)

    def connect(self, site: Site) -> None:
        self.process = in_sequence(self.spec.steps, site, self) if self.spec.steps else _nothing

    def worker(self, site: Site) -> Worker:
        """A task is held for the whole event, so work is time that passes."""
        return _task_works

    def call(self, request: Request) -> Flow:
        if self.publish is not None:
            yield self.publish(request)
        self._take(request, replay=False)
        return OK

    def halt(self) -> None:
        self.outages += 1
        if self.down:
            return
        self.down = True
        self.lose(1.0)
        undone, self.since_checkpoint = self.since_checkpoint, []
        for event in undone:
            self.replayed += 1
            self._take(event, replay=True)

    def restore(self) -> None:
        self.outages -= 1
        self.up_at = self.clock.now + self.spec.restart
        self.clock.call_at(self.up_at, self._restarted)

    def _restarted(self) -> None:
        # Another outage has begun meanwhile, or has ended: its own restart is to come.
        if self.outages or self.clock.now < self.up_at:
            return
        self.down = False
        self.regain(1.0)

    def _take(self, request: Request, *, replay: bool) -> None:
        self.pending += 1
        event = request.branch()
        event.deadline = NEVER
        event.visit = None
        if replay:
            # Its first effect is out already; what is late is the repetition.
            event.arrived = self.clock.now
        if request.visit is not None and not replay:
            event.visit = self.probe.background_visit()
        event.start(self._processed(event))

    def _processed(self, event: Request) -> Flow:
        outcome = yield from self.station.hold(event, self.process)
        self.pending -= 1
        self.since_checkpoint.append(event)
        return outcome

    def _checkpoint(self) -> None:
        self.clock.call_at(self.clock.now + self.spec.checkpoint_every, self._checkpoint)
        if self.down:
            return
        self.since_checkpoint.clear()
        if self.spec.checkpoint_pause:
            self.lose(0.999_999)
            end = self.clock.now + self.spec.checkpoint_pause
            self.clock.call_at(end, lambda: self.regain(0.999_999))


def _nothing(request: Request) -> Flow:
    return OK
    yield


def _task_works(request: Request, seconds: float, after: Call | None = None) -> Flow:
    yield seconds
    return OK if after is None else (yield from after(request))
