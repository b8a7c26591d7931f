"""Consumers that share the messages of a broker among them."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from simulator.kernel.clock import Clock
from simulator.kernel.request import Call, Request
from simulator.kernel.site import Site
from simulator.kernel.station import Line, Station, meters_of
from simulator.policies.discipline import line_of
from simulator.policies.head_expiry import HeadExpiry
from simulator.policies.prefetch import Prefetching
from simulator.policies.rebalance import Membership
from simulator.policies.redelivery import Delivery

if TYPE_CHECKING:
    from simulator.components.broker import Broker, ConsumerGroup

Again = Callable[[Request, int], None]


class Group:
    """A consumer group at work.

    Messages wait in ``lines``: one for each reader of partitions, else one for all consumers.
    ``stations`` are the consumers at work, the same unless they hold messages beforehand.
    """

    def __init__(self, name: str, site: Site, spec: "Broker", group: "ConsumerGroup") -> None:
        self.name = name
        self.spec = group
        self.reader_of = [0]
        self.ready: Prefetching | None = None
        self.membership: Membership | None = None
        if spec.partitions is not None:
            readers = min(group.consumers, spec.partitions)
            self.lines = [self._station(site, spec, 1) for _ in range(readers)]
            self.reader_of = [partition % readers for partition in range(spec.partitions)]
            self.stations = self.lines
        elif spec.prefetch is not None:
            line, ttl_s = self._line(site, spec)
            self.ready = Prefetching(site.clock, group.consumers, spec.prefetch, line, ttl_s)
            self.lines = [self.ready]
            self.stations = [consumer.station for consumer in self.ready.consumers]
        else:
            self.lines = self.stations = [self._station(site, spec, group.consumers)]
        self.pending = 0
        self.processes: list[Call]

    def begin(self, clock: Clock, process: Call, spec: "Broker", again: Again) -> None:
        """Set what a consumer does with a message."""
        self.processes = [process] * len(self.lines)
        if spec.rebalance is not None:
            self.membership = Membership(clock, spec.rebalance, self.lines, again)
            self.processes = [
                self.membership.reading(reader, process) for reader in range(len(self.lines))
            ]

    def delivery(self, reader: int) -> Delivery:
        """How a message gets to a reader."""
        return Delivery(self.lines[reader], self.processes[reader])

    def meters(self) -> dict[str, Callable[[], float]]:
        """What to read at every edge of the time grid."""
        readings: dict[str, Callable[[], float]] = {
            f"lag_of_{self.name}": lambda: self.pending,
        }
        ready, membership = self.ready, self.membership
        if ready is not None:
            readings[f"ready_of_{self.name}"] = lambda: ready.waiting
            readings[f"unacknowledged_of_{self.name}"] = lambda: ready.busy
        if membership is not None:
            readings[f"rebalances_of_{self.name}_total"] = lambda: membership.rebalances
        return readings

    def shares(self) -> dict[str, Callable[[], float]]:
        """Consumers of this group alone, for where there are several."""
        readings = meters_of(self.stations)
        return {
            f"busy_of_{self.name}_area": readings["busy_area"],
            f"servers_of_{self.name}_area": readings["servers_area"],
        }

    @property
    def waiting(self) -> int:
        """Messages no consumer has."""
        return sum(line.waiting for line in self.lines)

    @staticmethod
    def _line(site: Site, spec: "Broker") -> tuple[Line, float | None]:
        """An empty line, and how long a message may stand in it."""
        line = line_of(spec.discipline)
        if spec.ttl_at == "head" and spec.message_ttl is not None:
            return HeadExpiry(line, site.clock, spec.message_ttl), None
        return line, spec.message_ttl

    def _station(self, site: Site, spec: "Broker", servers: int) -> Station:
        line, ttl_s = self._line(site, spec)
        return Station(site.clock, servers, queue=line, max_wait_s=ttl_s)
