"""A message broker: partitions, consumer groups, redelivery, dead letters."""

from collections import deque
from collections.abc import Callable
from itertools import cycle
from typing import Literal

from pydantic import Field, PositiveInt, model_validator

from simulator.kernel.component import Component, Means, Paper, Server
from simulator.kernel.outcome import Outcome
from simulator.kernel.references import Attribute
from simulator.kernel.request import NEVER, Call, Flow, Request
from simulator.kernel.site import Site
from simulator.kernel.spec import Spec
from simulator.kernel.station import Station, meters_of
from simulator.kernel.step import Step, Worker, all_on_paper, in_sequence
from simulator.policies.discipline import DisciplineName, line_of
from simulator.policies.redelivery import Delivery, Redelivery
from simulator.policies.spreading import bucket_of
from simulator.quantities import Count, Duration, DurationDistribution, PositiveDuration, UsdPerItem

OK = Outcome.OK


class ConsumerGroup(Spec):
    """Consumers that share the messages among them; every group gets every message."""

    consumers: PositiveInt = 1
    """How many messages are worked on at once; with partitions, at most one per partition."""
    steps: list[Step] = Field(default_factory=list)
    """What a consumer does with a message."""


class Broker(Component):
    """Keeps messages until a consumer has processed them (Kafka, SQS, RabbitMQ).

    The caller waits for `publish` only, unless it wants a `reply`. Without partitions, any free
    consumer takes the next message (SQS, RabbitMQ). With partitions (Kafka), the value of `key`
    decides the partition, each partition is read in order by one consumer of a group, and surplus
    consumers are idle: a hot key makes a partition that lags. A message whose processing fails,
    or takes longer than the visibility timeout, is delivered again; after `max_receives` it is a
    dead letter.
    """

    kind: Literal["broker"] = "broker"
    consumers: PositiveInt = 1
    """How many messages are worked on at once, if there is only one group."""
    steps: list[Step] = Field(default_factory=list)
    """What a consumer does with a message, if there is only one group."""
    groups: dict[str, ConsumerGroup] = Field(default_factory=dict)
    """Consumer groups by name, instead of `consumers` and `steps`."""
    partitions: PositiveInt | None = None
    """Partitions of the topic; messages are in no order if left out."""
    key: Attribute | None = None
    """Attribute that decides the partition; messages go round in turns if left out."""
    capacity: Count | None = None
    """Most messages that may wait (RabbitMQ `x-max-length`: those being worked on do not count)."""
    on_full: Literal["reject", "drop_head", "block"] = "reject"
    """A full broker refuses the message, drops its oldest one, or lets the publisher wait."""
    discipline: DisciplineName = "fifo"
    """Order of delivery: `fifo`, `lifo`, `priority` or `edf`."""
    publish: DurationDistribution | None = None
    """Time to hand a message over."""
    delay: DurationDistribution | None = None
    """Time before a message may be delivered (SQS `DelaySeconds`)."""
    message_ttl: PositiveDuration | None = None
    """A message that waits longer is a dead letter (RabbitMQ `x-message-ttl`, SQS retention)."""
    visibility_timeout: PositiveDuration | None = None
    """A message not processed within this time of its receipt is delivered again (SQS: 30 s)."""
    max_receives: PositiveInt = 1
    """Deliveries before a message becomes a dead letter (SQS `maxReceiveCount`)."""
    redelivery_delay: Duration = 0.0
    """Pause before a failed message is delivered again."""
    reply: bool = False
    """Let the publisher wait until its message is processed or dead (request and reply)."""
    price: UsdPerItem | None = None
    """Cost of one message, for example `$0.40/1M requests`."""

    @model_validator(mode="after")
    def _one_way_to_consume(self) -> "Broker":
        if self.groups and {"consumers", "steps"} & self.model_fields_set:
            raise ValueError("give either `groups`, or `consumers` and `steps`")
        if self.groups and self.reply:
            raise ValueError("`reply` comes from the only group: give `consumers` and `steps`")
        if self.key is not None and self.partitions is None:
            raise ValueError("`key` has no effect without `partitions`")
        if self.visibility_timeout is not None and self.partitions is not None:
            raise ValueError(
                "a partitioned log has no `visibility_timeout`: a consumer reads in order"
            )
        return self

    @property
    def has_workers(self) -> bool:
        return True

    @property
    def consumer_groups(self) -> dict[str, ConsumerGroup]:
        """The groups, the only one being called `consumers`."""
        alone = ConsumerGroup.model_construct(consumers=self.consumers, steps=self.steps)
        return self.groups or {"consumers": alone}

    def build(self, name: str, site: Site) -> "BrokerServer":
        return BrokerServer(name, site, self)

    def on_paper(self, attributes: Means) -> Paper:
        paper = Paper(servers=0.0, cost_usd=self.price or 0.0)
        for group in self.consumer_groups.values():
            working = min(group.consumers, self.partitions or group.consumers)
            paper.servers = (paper.servers or 0.0) + working
            all_on_paper(group.steps, paper, 1.0, attributes)
        return paper


class Group:
    """A consumer group at work: a station per partition reader, or one for all consumers."""

    def __init__(self, name: str, site: Site, spec: Broker, group: ConsumerGroup) -> None:
        self.name = name
        self.spec = group
        if spec.partitions is None:
            self.stations = [self._station(site, spec, group.consumers)]
            self.reader_of = [0]
        else:
            readers = min(group.consumers, spec.partitions)
            self.stations = [self._station(site, spec, 1) for _ in range(readers)]
            self.reader_of = [partition % readers for partition in range(spec.partitions)]
        self.pending = 0
        self.process: Call

    @staticmethod
    def _station(site: Site, spec: Broker, servers: int) -> Station:
        line = line_of(spec.discipline)
        return Station(site.clock, servers, queue=line, max_wait_s=spec.message_ttl)

    @property
    def waiting(self) -> int:
        """Messages nobody works on."""
        return sum(station.waiting for station in self.stations)


class BrokerServer(Server):
    """Takes messages and carries each to every group until it is processed or dead."""

    spec: Broker
    leaves_visits = False

    def __init__(self, name: str, site: Site, spec: Broker) -> None:
        super().__init__(name, site, spec)
        self.groups = [
            Group(group_name, site, spec, group)
            for group_name, group in spec.consumer_groups.items()
        ]
        self.stations = [station for group in self.groups for station in group.stations]
        self.publish = (
            None if spec.publish is None else site.durations(name, "publish", spec.publish)
        )
        self.delay = None if spec.delay is None else site.draws(name, "delay", spec.delay)
        self.probe = site.probe
        self.turn = cycle(range(spec.partitions or 1)).__next__
        self.partition_of: dict[object, int] = {}
        self.blocked: deque[Request] = deque()
        self.redelivery = Redelivery(
            site.clock, spec.visibility_timeout, spec.max_receives, spec.redelivery_delay
        )
        self.published = self.dropped = 0
        readings = meters_of(self.stations)
        self.meters(site, readings)
        self.meters(site, self.redelivery.meters())
        self.meter(site, "published_total", lambda: self.published)
        self.meter(site, "dropped_total", lambda: self.dropped)
        for group in self.groups:
            self.meter(site, f"lag_of_{group.name}", self._lag(group))

    def connect(self, site: Site) -> None:
        for group in self.groups:
            steps = group.spec.steps
            place = f"{group.name}."
            group.process = in_sequence(steps, site, self, place) if steps else _nothing

    def worker(self, site: Site) -> Worker:
        """A consumer is held for the whole message, so work is time that passes."""
        return _consumer_works

    def halt(self) -> None:
        self.lose(1.0)

    def restore(self) -> None:
        self.regain(1.0)

    def call(self, request: Request) -> Flow:
        if self.publish is not None:
            yield self.publish()
        if self._full():
            if self.spec.on_full == "reject":
                self.stations[0].refused += 1
                return Outcome.REJECTED_QUEUE_FULL
            if self.spec.on_full == "block":
                yield from self._wait_for_room(request)
            else:
                self._drop_oldest()
        if self.spec.price is not None:
            self.charge(request, self.spec.price)
        self.published += 1
        partition = self._partition(request)
        for group in self.groups:
            message = request.branch()
            message.deadline = NEVER
            message.on_start = self._let_in if self.spec.on_full == "block" else None
            if self.spec.reply:
                return (
                    yield from _answer(request, message, self._carry(message, group, partition))
                )
            if message.visit is not None:
                message.visit = self.probe.background_visit()
            message.start(self._carry(message, group, partition))
        return OK

    def _carry(self, message: Request, group: Group, partition: int) -> Flow:
        group.pending += 1
        if self.delay is not None:
            yield self.delay()
        station = group.stations[group.reader_of[partition]]
        outcome = yield from self.redelivery.deliver(message, Delivery(station, group.process))
        group.pending -= 1
        return outcome

    def _partition(self, request: Request) -> int:
        if self.spec.partitions is None:
            return 0
        if self.spec.key is None:
            return self.turn()
        key = request.attributes[self.spec.key]
        known = self.partition_of.get(key)
        if known is None:
            known = self.partition_of[key] = bucket_of(key, self.spec.partitions)
        return known

    def _full(self) -> bool:
        capacity = self.spec.capacity
        if capacity is None:
            return False
        busiest = max(self.groups, key=lambda group: group.waiting)
        idle = any(station.idle > 0 for station in busiest.stations)
        return busiest.waiting >= capacity and not (capacity == 0 and idle)

    def _drop_oldest(self) -> None:
        busiest = max(self.groups, key=lambda group: group.waiting)
        fullest = max(busiest.stations, key=lambda station: station.waiting)
        if fullest.drop_next(Outcome.DEAD_LETTERED):
            self.dropped += 1

    def _wait_for_room(self, request: Request) -> Flow:
        while self._full():
            self.blocked.append(request)
            try:
                yield None
            finally:
                if request in self.blocked:
                    self.blocked.remove(request)
        return OK

    def _let_in(self) -> None:
        if self.blocked:
            waiting = self.blocked.popleft()
            self.clock.resume_at(self.clock.now, waiting)

    @staticmethod
    def _lag(group: Group) -> Callable[[], float]:
        return lambda: group.pending


def _answer(request: Request, message: Request, carried: Flow) -> Flow:
    """Wait for the end of the message, which goes on if the publisher gives up."""
    message.start(carried)
    if message.outcome is None:
        message.on_end = lambda _: request.resume()
        try:
            yield None
        finally:
            message.on_end = None
    request.adopt(message)
    return message.outcome or Outcome.TIMEOUT


def _nothing(request: Request) -> Flow:
    return OK
    yield


def _consumer_works(request: Request, seconds: float, after: Call | None = None) -> Flow:
    yield seconds
    return OK if after is None else (yield from after(request))
