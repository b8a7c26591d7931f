"""A message queue with consumers."""

from typing import Literal

from pydantic import Field, PositiveInt

from simulator.kernel.component import Component, Means, Paper, Server
from simulator.kernel.outcome import Outcome
from simulator.kernel.probe import Function
from simulator.kernel.request import NEVER, Call, Flow, Request
from simulator.kernel.site import Site
from simulator.kernel.station import meters_of
from simulator.kernel.step import Step, Worker, all_on_paper, in_sequence
from simulator.policies.queueing import Queueing
from simulator.quantities import DurationDistribution, Fraction, UsdPerItem


class Queue(Component):
    """Takes a message, answers at once, and hands it to a consumer when one is free.

    The caller waits for `publish` only. Consumers work through the messages in the order of the
    queue's discipline: G/G/c behind an asynchronous hand-over. A full queue refuses
    (`rejected_queue_full`).
    """

    kind: Literal["queue"] = "queue"
    consumers: PositiveInt = 1
    """How many messages are worked on at once."""
    queue: Queueing = Queueing()
    """Capacity, discipline and patience of the messages."""
    publish: DurationDistribution | None = None
    """Time to hand a message over."""
    price: UsdPerItem | None = None
    """Cost of one call, for example `$0.002` or `$1/1k requests`."""
    loss: Fraction = 0.0
    """Share of messages lost between hand-over and consumer."""
    steps: list[Step] = Field(default_factory=list)
    """What a consumer does with a message."""

    def build(self, name: str, site: Site) -> "QueueServer":
        return QueueServer(name, site, self)

    @property
    def refuses(self) -> bool:
        return self.queue.bounded

    @property
    def has_workers(self) -> bool:
        return True

    def on_paper(self, attributes: Means) -> Paper:
        paper = Paper(servers=float(self.consumers))
        all_on_paper(self.steps, paper, 1.0, attributes)
        paper.held_s = paper.delay_s
        paper.kept = "consumers" if paper.calls else ""
        return paper


class QueueServer(Server):
    """A station whose servers are the consumers.

    A visit is the stay of a message, from hand-over to the end of its processing; handing it over
    counts as time of the caller.
    """

    spec: Queue
    leaves_visits = False

    def __init__(self, name: str, site: Site, spec: Queue) -> None:
        super().__init__(name, site, spec)
        self.station = spec.queue.station(site.clock, spec.consumers)
        self.meters(site, meters_of([self.station]))
        self.publish = (
            None if spec.publish is None else site.durations_of(name, "publish", spec.publish)
        )
        self.probe = site.probe
        self.chance = site.uniforms_of(name, "loss")
        self.process: Call

    def connect(self, site: Site) -> None:
        steps = in_sequence(self.spec.steps, site, self) if self.spec.steps else _nothing
        station = self.station
        self.process = site.probe.traced(
            self.name, Function(lambda request: station.hold(request, steps))
        )

    def worker(self, site: Site) -> Worker:
        """A consumer is held for the whole message, so work is time that passes."""
        return _consumer_works

    def halt(self) -> None:
        self.lose(1.0)

    def restore(self) -> None:
        self.regain(1.0)

    def call(self, request: Request) -> Flow:
        if self.publish is not None:
            yield self.publish(request)
        station = self.station
        if station.idle <= 0 and station.waiting >= station.queue_limit:
            station.refused += 1
            return Outcome.REJECTED_QUEUE_FULL
        if self.spec.price is not None:
            self.charge(request, self.spec.price)
        if self.spec.loss and self.chance(request) < self.spec.loss:
            return Outcome.OK
        message = request.branch()
        message.deadline = NEVER
        if message.visit is not None:
            message.visit = self.probe.background_visit()
        message.start(self.process(message))
        return Outcome.OK


def _nothing(request: Request) -> Flow:
    return Outcome.OK
    yield


def _consumer_works(request: Request, seconds: float, after: Call | None = None) -> Flow:
    yield seconds
    return Outcome.OK if after is None else (yield from after(request))
