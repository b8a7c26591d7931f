"""A database: connection pools, shards, read replicas."""

from functools import partial
from itertools import cycle
from typing import Literal

from pydantic import Field, PositiveInt, model_validator

from simulator.kernel.amount import DurationAmount
from simulator.kernel.component import Component, Means, Paper, Server
from simulator.kernel.outcome import Outcome
from simulator.kernel.references import Attribute
from simulator.kernel.request import Flow, Request
from simulator.kernel.site import Measure, Site
from simulator.kernel.spec import Spec
from simulator.kernel.station import meters_of
from simulator.policies.contention import Contention
from simulator.policies.queueing import Queueing
from simulator.policies.spreading import bucket_of
from simulator.quantities import (
    Count,
    Duration,
    DurationDistribution,
    Fraction,
    PositiveDuration,
    UsdPerItem,
)


class Quorum(Spec):
    """Copies that have to answer before a query is done, of all copies of the shard."""

    read: PositiveInt = 1
    """Copies that answer a read."""
    write: PositiveInt = 1
    """Copies that confirm a write."""


class Failover(Spec):
    """How long a shard is without a primary when it loses one (the fault `primary_lost`)."""

    detect: Duration = 10.0
    """Time until the loss is noticed."""
    elect: Duration = 5.0
    """Time until a replica has taken over."""


class Database(Component):
    """Nodes that run queries, each behind a pool of connections: G/G/c with patience per node.

    A query holds a connection for its whole time. Who finds none free waits up to
    `acquire_timeout` (HikariCP `connectionTimeout`, 30 s by default) and is then answered
    `timeout`. With shards, the value of `shard_key` decides the node, so a popular key makes a
    hot shard. Operations other than `write` may be served by read replicas, which may not have
    seen the latest write of the key (`stale_ok`).
    """

    kind: Literal["database"] = "database"
    query: DurationAmount
    """Time of a query."""
    operations: dict[str, DurationAmount] = Field(default_factory=dict)
    """Time by operation, for calls that name one."""
    connections: PositiveInt = 10
    """Connections per node (HikariCP `maximumPoolSize`)."""
    acquire_timeout: PositiveDuration = 30.0
    """Longest wait for a connection."""
    queue_capacity: Count | None = None
    """Most queries that may wait per node."""
    shards: PositiveInt = 1
    """Nodes that split the data."""
    shard_key: Attribute | None = None
    """Attribute that decides the shard; queries go round in turns if left out."""
    read_replicas: Count = 0
    """Copies of every shard that serve reads."""
    read_from: Literal["any", "primary", "replicas"] = "any"
    """Who serves reads: every copy, the primary alone, or the replicas alone."""
    replication_lag: DurationDistribution | None = None
    """Time until a write has reached a replica; needs `shard_key` to know what was written."""
    quorum: Quorum | None = None
    """Ask every copy at once and go on when so many have answered (Dynamo, Cassandra)."""
    failover: Failover | None = None
    """What happens when primaries are lost; without it, their writes fail until they are back."""
    contention: Contention | None = None
    """How the queries at a node slow each other down: locks, latches, shared disks (USL)."""
    price: UsdPerItem | None = None
    """Cost of one call, for example `$0.002` or `$1/1k requests`."""
    errors: Fraction = 0.0
    """Share of queries that fail."""

    @model_validator(mode="after")
    def _copies(self) -> "Database":
        copies = 1 + self.read_replicas
        if self.quorum is not None and max(self.quorum.read, self.quorum.write) > copies:
            raise ValueError(f"a quorum of more than the {copies} copies (`read_replicas` + 1)")
        if self.replication_lag is not None and self.shard_key is None:
            raise ValueError("`replication_lag` needs `shard_key`: which key was written when")
        if self.failover is not None and not self.read_replicas:
            raise ValueError("`failover` needs `read_replicas`: nobody could take over")
        if self.read_from == "replicas" and not self.read_replicas:
            raise ValueError("`read_from: replicas` needs `read_replicas`")
        return self

    def build(self, name: str, site: Site) -> "DatabaseServer":
        return DatabaseServer(name, site, self)

    @property
    def refuses(self) -> bool:
        return self.queue_capacity is not None

    def on_paper(self, attributes: Means) -> Paper:
        nodes = self.shards * (1 + self.read_replicas)
        paper = Paper(
            servers=float(nodes * self.connections),
            service_s=self.query.mean(attributes),
            cost_usd=self.price or 0.0,
        )
        if self.contention is not None:
            paper.service_s *= self.contention.slowdown(self.connections)
            paper.notes.append("queries are taken at their slowest, with every connection busy")
        return paper

    @property
    def replica_count(self) -> float:
        return float(self.shards * (1 + self.read_replicas))


class DatabaseServer(Server):
    """A station per node; reads and writes find theirs."""

    spec: Database

    def __init__(self, name: str, site: Site, spec: Database) -> None:
        super().__init__(name, site, spec)
        pool = Queueing(capacity=None, max_wait=None).model_copy(
            update={"capacity": spec.queue_capacity, "max_wait": spec.acquire_timeout}
        )
        station = pool.station
        if spec.contention is not None:
            station = partial(spec.contention.station, pool)
        self.nodes = [
            [station(site.clock, spec.connections) for _ in range(1 + spec.read_replicas)]
            for _ in range(spec.shards)
        ]
        every = [node for shard in self.nodes for node in shard]
        self.meters(site, meters_of(every))
        if len(every) > 1:
            self.meter(site, "busiest_node_area", lambda: max(node.busy_area() for node in every))
        self.query = spec.query.measure(site, name, "query")
        self.operations: dict[str, Measure] = {
            operation: amount.measure(site, name, f"query.{operation}")
            for operation, amount in spec.operations.items()
        }
        self.next_shard = cycle(range(spec.shards)).__next__
        self.chance = site.uniforms_of(name, "errors")
        self.shard_of: dict[object, int] = {}
        self.primary = [0] * spec.shards
        self.lost: list[int | None] = [None] * spec.shards
        self.turn = cycle(range(1 + spec.read_replicas)).__next__
        self.lag = None
        if spec.replication_lag is not None:
            self.lag = site.draws_of(name, "replication_lag", spec.replication_lag)
        self.written: dict[object, float] = {}
        self.stale = 0
        self.meter(site, "stale_total", lambda: self.stale)

    def call(self, request: Request) -> Flow:
        spec, operation = self.spec, request.operation
        measure = self.query if operation is None else self.operations.get(operation, self.query)
        shard = self._shard(request)
        writes = operation == "write"
        if spec.quorum is not None:
            needed = spec.quorum.write if writes else spec.quorum.read
            outcome = yield from self._at_quorum(request, shard, needed, measure)
        else:
            copy = self.primary[shard] if writes else self._readable(shard)
            if copy == self.lost[shard]:
                return Outcome.ERROR
            outcome = yield from self.nodes[shard][copy].work(request, measure(request))
            if self.lag is not None and outcome is Outcome.OK:
                self._note_staleness(request, writes, copy == self.primary[shard])
        if outcome is not Outcome.OK:
            return outcome
        if spec.price is not None:
            self.charge(request, spec.price)
        if spec.errors and self.chance(request) < spec.errors:
            return Outcome.ERROR
        return Outcome.OK

    def lose_primary(self) -> None:
        """The primary of every shard is gone; a replica takes over where there is failover."""
        self.lost = list(self.primary)
        failover = self.spec.failover
        if failover is not None:
            due = self.clock.now + failover.detect + failover.elect
            lost = self.lost
            self.clock.call_at(due, lambda: self._elect(lost))

    def regain_primary(self) -> None:
        """The lost nodes are back, as replicas if somebody has taken over."""
        self.lost = [None] * self.spec.shards

    def _elect(self, lost: list[int | None]) -> None:
        if self.lost is lost:
            copies = 1 + self.spec.read_replicas
            self.primary = [(primary + 1) % copies for primary in self.primary]

    def _shard(self, request: Request) -> int:
        if self.spec.shards == 1:
            return 0
        if self.spec.shard_key is None:
            return self.next_shard()
        key = request.attributes[self.spec.shard_key]
        known = self.shard_of.get(key)
        if known is None:
            known = self.shard_of[key] = bucket_of(key, self.spec.shards)
        return known

    def _readable(self, shard: int) -> int:
        """The copy whose turn it is to serve a read."""
        primary, lost, reads = self.primary[shard], self.lost[shard], self.spec.read_from
        if reads == "primary" or not self.spec.read_replicas:
            return primary
        for _ in range(2 + self.spec.read_replicas):
            copy = self.turn()
            if copy != lost and not (reads == "replicas" and copy == primary):
                return copy
        return primary

    def _note_staleness(self, request: Request, writes: bool, at_primary: bool) -> None:
        key = request.attributes[str(self.spec.shard_key)]
        if writes:
            self.written[key] = self.clock.now
        elif not at_primary and self.lag is not None:
            written = self.written.get(key)
            if written is not None and self.clock.now - written < self.lag(request):
                self.stale += 1
                request.degraded = Outcome.STALE_OK

    def _at_quorum(self, request: Request, shard: int, needed: int, measure: Measure) -> Flow:
        """Ask all copies; done when enough have answered, or too many have failed."""
        votes = {True: 0, False: 0}
        parked = False
        copies = [node for copy, node in enumerate(self.nodes[shard]) if copy != self.lost[shard]]

        def decided() -> bool:
            return votes[True] >= needed or votes[False] > len(copies) - needed

        def told(branch: Request) -> None:
            nonlocal parked
            votes[branch.outcome is Outcome.OK] += 1
            if parked and decided():
                parked = False
                request.resume()

        branches = []
        for node in copies:
            branch = request.branch()
            branch.visit = None
            branch.on_end = told
            branches.append(branch)
            branch.start(node.work(branch, measure(branch)))
        if not decided():
            parked = True
            request.awaiting = tuple(branches)
            yield None
            request.awaiting = ()
        if votes[True] >= needed:
            return Outcome.OK
        withdrawn = any(branch.outcome is Outcome.CANCELLED for branch in branches)
        return Outcome.CANCELLED if withdrawn else Outcome.ERROR
