"""A database: connection pools, shards, read replicas."""

from itertools import cycle
from typing import Literal
from zlib import crc32

from pydantic import Field, PositiveInt

from simulator.kernel.amount import DurationAmount
from simulator.kernel.component import Component, Means, Paper, Server
from simulator.kernel.outcome import Outcome
from simulator.kernel.references import Attribute
from simulator.kernel.request import Flow, Request
from simulator.kernel.site import Measure, Site
from simulator.kernel.station import Station, meters_of
from simulator.policies.queueing import Queueing
from simulator.quantities import Count, Fraction, PositiveDuration, UsdPerItem


class Database(Component):
    """Nodes that run queries, each behind a pool of connections: G/G/c with patience per node.

    A query holds a connection for its whole time. Who finds none free waits up to
    `acquire_timeout` (HikariCP `connectionTimeout`, 30 s by default) and is then answered
    `timeout`. With shards, the value of `shard_key` decides the node, so a popular key makes a
    hot shard. Operations other than `write` may be served by read replicas.
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
    price: UsdPerItem | None = None
    """Cost of one call, for example `$0.002` or `$1/1k requests`."""
    errors: Fraction = 0.0
    """Share of queries that fail."""

    def build(self, name: str, site: Site) -> "DatabaseServer":
        return DatabaseServer(name, site, self)

    def on_paper(self, attributes: Means) -> Paper:
        nodes = self.shards * (1 + self.read_replicas)
        return Paper(
            servers=float(nodes * self.connections),
            service_s=self.query.mean(attributes),
            cost_usd=self.price or 0.0,
        )

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
        self.nodes = [
            [pool.station(site.clock, spec.connections) for _ in range(1 + spec.read_replicas)]
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
        self.readers = [cycle(self._readable(shard)).__next__ for shard in self.nodes]
        self.next_shard = cycle(range(spec.shards)).__next__
        self.uniform = site.uniforms(name, "errors")
        self.shard_of: dict[object, int] = {}

    def call(self, request: Request) -> Flow:
        spec, operation = self.spec, request.operation
        measure = self.query if operation is None else self.operations.get(operation, self.query)
        node = self._node(request, operation)
        outcome = yield from node.work(request, measure(request))
        if outcome is not Outcome.OK:
            return outcome
        if spec.price is not None:
            self.charge(request, spec.price)
        if spec.errors and self.uniform() < spec.errors:
            return Outcome.ERROR
        return Outcome.OK

    def _node(self, request: Request, operation: str | None) -> Station:
        if self.spec.shards == 1:
            shard = 0
        elif self.spec.shard_key is None:
            shard = self.next_shard()
        else:
            key = request.attributes[self.spec.shard_key]
            known = self.shard_of.get(key)
            if known is None:
                known = self.shard_of[key] = crc32(str(key).encode()) % self.spec.shards
            shard = known
        return self.nodes[shard][0] if operation == "write" else self.readers[shard]()

    def _readable(self, shard: list[Station]) -> list[Station]:
        if self.spec.read_from == "primary" or len(shard) == 1:
            return shard[:1]
        return shard[1:] if self.spec.read_from == "replicas" else shard


