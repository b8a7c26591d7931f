"""A message broker: partitions, consumer groups, redelivery, dead letters."""

from bisect import insort
from collections.abc import Callable
from functools import partial
from itertools import count, cycle
from typing import Literal

from pydantic import Field, PositiveInt, model_validator

from simulator.components.consumer_group import Group
from simulator.kernel.component import Component, Means, Paper, Server
from simulator.kernel.outcome import Outcome
from simulator.kernel.references import Attribute, Target
from simulator.kernel.request import NEVER, Call, Flow, Request
from simulator.kernel.site import Site
from simulator.kernel.spec import Spec
from simulator.kernel.station import meters_of
from simulator.kernel.step import Step, Worker, all_on_paper, in_sequence
from simulator.policies.discipline import DisciplineName
from simulator.policies.rebalance import Rebalance
from simulator.policies.redelivery import Redelivery
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
    on_full: Literal["reject", "reject_dlx", "drop_head", "block"] = "reject"
    """What a full broker does: refuse the message, refuse it and keep it as a dead letter, drop
    the next in line (RabbitMQ `x-overflow`), or let the publisher wait."""
    prefetch: PositiveInt | None = None
    """Messages a consumer may hold beforehand (RabbitMQ); only the one it works on if left out."""
    discipline: DisciplineName = "fifo"
    """Order of delivery: `fifo`, `lifo`, `priority` or `edf`."""
    publish: DurationDistribution | None = None
    """Time to hand a message over."""
    delay: DurationDistribution | None = None
    """Time before a message may be delivered (SQS `DelaySeconds`)."""
    message_ttl: PositiveDuration | None = None
    """A message that waits longer is a dead letter (RabbitMQ `x-message-ttl`, SQS retention)."""
    ttl_at: Literal["anywhere", "head"] = "anywhere"
    """Whether an expired message leaves at once, or only when it would be delivered (RabbitMQ)."""
    rebalance: Rebalance | None = None
    """What happens in a consumer group when a reader is slow to poll, or lost (Kafka)."""
    visibility_timeout: PositiveDuration | None = None
    """A message not processed within this time of its receipt is delivered again (SQS: 30 s)."""
    max_receives: PositiveInt = 1
    """Deliveries before a message becomes a dead letter (SQS `maxReceiveCount`)."""
    dead_letters: Target | None = None
    """Component that is called with every dead letter: another queue, or people."""
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
        if self.capacity is None and "on_full" in self.model_fields_set:
            raise ValueError("`on_full` has no effect without a `capacity`: it is never full")
        if self.max_receives == 1 and "redelivery_delay" in self.model_fields_set:
            raise ValueError("`redelivery_delay` has no effect without `max_receives` above 1")
        if self.prefetch is not None and self.partitions is not None:
            raise ValueError("`prefetch` is for queues: the reader of a partition polls")
        if self.rebalance is not None and self.partitions is None:
            raise ValueError("`rebalance` has no effect without `partitions`")
        if self.ttl_at == "head" and self.message_ttl is None:
            raise ValueError("`ttl_at` has no effect without `message_ttl`")
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

    @property
    def refuses(self) -> bool:
        return self.capacity is not None

    def on_paper(self, attributes: Means) -> Paper:
        paper = Paper(cost_usd=self.price or 0.0)
        fullest = -1.0
        for group in self.consumer_groups.values():
            working = float(min(group.consumers, self.partitions or group.consumers))
            part = Paper()
            all_on_paper(group.steps, part, 1.0, attributes)
            paper.add(part)
            if (part.service_s + part.delay_s) / working > fullest:
                # Every group takes every message, so none can help the one that is fullest.
                fullest = (part.service_s + part.delay_s) / working
                one, paper.servers = part, working
        paper.service_s, paper.delay_s, paper.held_s = one.service_s, one.delay_s, one.delay_s
        paper.kept = "consumers" if paper.calls else ""
        if self.dead_letters is not None:
            paper.add_call(self.dead_letters, 0.0)
        return paper


class BrokerServer(Server):
    """Takes messages and carries each to every group until it is processed or dead."""

    spec: Broker

    def __init__(self, name: str, site: Site, spec: Broker) -> None:
        super().__init__(name, site, spec)
        self.leaves_visits = spec.reply
        self.groups = [
            Group(group_name, site, spec, group)
            for group_name, group in spec.consumer_groups.items()
        ]
        self.stations = [station for group in self.groups for station in group.stations]
        self.publish = (
            None if spec.publish is None else site.durations_of(name, "publish", spec.publish)
        )
        self.delay = None if spec.delay is None else site.draws_of(name, "delay", spec.delay)
        self.probe = site.probe
        self.turn = cycle(range(spec.partitions or 1)).__next__
        self.partition_of: dict[object, int] = {}
        self.blocked: list[tuple[int, Request]] = []
        self.ticket = count().__next__
        self.redelivery = Redelivery(
            site.clock, spec.visibility_timeout, spec.max_receives, spec.redelivery_delay
        )
        if spec.on_full == "block":
            self.redelivery.on_room = self._let_in
        self.published = self.dropped = 0
        self.bury: Call | None = None
        self.meters(site, self._readings())
        self.meters(site, self.redelivery.meters())
        self.meter(site, "published_total", lambda: self.published)
        self.meter(site, "dropped_total", lambda: self.dropped)

    def _readings(self) -> dict[str, Callable[[], float]]:
        readings = meters_of(self.stations)
        held = [group.ready for group in self.groups if group.ready is not None]
        if not held:
            return readings
        beforehand = meters_of(held)
        for name in ("queue", "queue_area", "left_total", "refused_total"):
            one, other = readings[name], beforehand[name]
            readings[name] = lambda one=one, other=other: one() + other()  # type: ignore[misc]
        readings["queue_max"] = beforehand["queue_max"]
        return readings

    def connect(self, site: Site) -> None:
        if self.spec.dead_letters is not None:
            self.bury = site.link(self.spec.dead_letters)
        for group in self.groups:
            steps = group.spec.steps
            process = in_sequence(steps, site, self, f"{group.name}.") if steps else _nothing
            group.begin(site.clock, process, self.spec, partial(self._once_more, group))
            self.meters(site, group.meters())
            if len(self.groups) > 1:
                self.meters(site, group.shares())

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
        if self._full():
            if self.spec.on_full in ("reject", "reject_dlx"):
                self.groups[0].lines[0].refused += 1
                if self.spec.on_full == "reject_dlx":
                    self.redelivery.dead += 1
                    self._bury(request)
                return Outcome.REJECTED_QUEUE_FULL
            if self.spec.on_full == "block":
                yield from self._wait_for_room(request)
            elif self.spec.reply:
                # Not at once: whoever is told may withdraw its sibling, which can be this one.
                self.clock.call_at(self.clock.now, self._drop_oldest)
            else:
                self._drop_oldest()
        if self.spec.price is not None:
            self.charge(request, self.spec.price)
        self.published += 1
        partition = self._partition(request)
        for group in self.groups:
            message = request.branch()
            message.deadline = NEVER
            message.on_start = self.redelivery.on_room
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
            yield self.delay(message)
        delivery = group.delivery(group.reader_of[partition])
        outcome = yield from self.redelivery.deliver(message, delivery)
        group.pending -= 1
        if outcome is Outcome.DEAD_LETTERED:
            self._bury(message)
        return outcome

    def _bury(self, message: Request) -> None:
        """Hand a dead letter on, for nobody to wait for."""
        if self.bury is not None:
            letter = message.branch()
            letter.deadline = NEVER
            if letter.visit is not None:
                letter.visit = self.probe.background_visit()
            letter.start(self.bury(letter))

    def _once_more(self, group: Group, message: Request, reader: int) -> None:
        """Process a message again that was processed and not committed."""
        self.redelivery.redelivered += 1
        self.redelivery.duplicates += 1
        again = message.branch()
        again.visit = None

        def carried() -> Flow:
            group.pending += 1
            outcome = yield from self.redelivery.deliver(again, group.delivery(reader))
            group.pending -= 1
            return outcome

        again.start(carried())

    def lose(self, share: float) -> None:
        super().lose(share)
        self._members_changed()

    def regain(self, share: float) -> None:
        super().regain(share)
        self._members_changed()
        self._let_in()

    def _members_changed(self) -> None:
        for group in self.groups:
            if group.membership is not None:
                group.membership.changed()

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
        idle = any(line.idle > 0 for line in busiest.lines)
        return busiest.waiting >= capacity and not (capacity == 0 and idle)

    def _drop_oldest(self) -> None:
        busiest = max(self.groups, key=lambda group: group.waiting)
        fullest = max(busiest.lines, key=lambda line: line.waiting)
        if fullest.drop_next(Outcome.DEAD_LETTERED):
            self.dropped += 1

    def _wait_for_room(self, request: Request) -> Flow:
        place = (self.ticket(), request)
        while self._full():
            # Whoever finds the room gone stands again where they stood.
            insort(self.blocked, place)
            try:
                yield None
            finally:
                if place in self.blocked:
                    self.blocked.remove(place)
        return OK

    def _let_in(self) -> None:
        """Room may have come up: somebody began with a message, or is done, or it expired."""
        if self.blocked and not self._full():
            _, waiting = self.blocked.pop(0)
            self.clock.resume_at(self.clock.now, waiting)


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
