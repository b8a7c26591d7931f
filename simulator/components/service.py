"""A program that does work: web server, gateway, worker, model server."""

from typing import Literal

from pydantic import Field, PositiveInt

from simulator.kernel.answering import answering
from simulator.kernel.component import Component, Means, Paper, Server
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Request
from simulator.kernel.site import Site
from simulator.kernel.station import Station, meters_of
from simulator.kernel.step import Step, Worker, all_on_paper, in_sequence, steps_within
from simulator.policies.balancing import BalancingName, Pick, picker
from simulator.policies.queueing import Queueing
from simulator.quantities import UsdPerItem


class Service(Component):
    """Replicas of a program, each with a number of workers: G/G/c, or c queues side by side.

    A worker is busy during `work` and free during calls (an event loop, a thread pool that parks),
    unless `blocking` says that it is kept until the visit ends (a thread per request).
    """

    kind: Literal["service"] = "service"
    replicas: PositiveInt = 1
    """How many copies run."""
    workers: PositiveInt = 1
    """How many requests one replica can work on at once."""
    blocking: bool = False
    """Keep a worker for the whole visit, calls included."""
    queue: Queueing = Queueing()
    """Where requests wait for a worker; with `queue_at: replica`, the limits hold per replica."""
    queue_at: Literal["shared", "replica"] = "shared"
    """One queue in front of all replicas (a balancer that knows who is free), or one each."""
    balancing: BalancingName = "round_robin"
    """How a replica is chosen when each has a queue of its own."""
    price: UsdPerItem | None = None
    """Cost of one call, for example `$0.002` or `$1/1k requests`."""
    steps: list[Step] = Field(default_factory=list)
    """What it does when called."""

    def build(self, name: str, site: Site) -> "ServiceServer":
        return ServiceServer(name, site, self)

    @property
    def has_workers(self) -> bool:
        return True

    def on_paper(self, attributes: Means) -> Paper:
        paper = Paper(servers=float(self.replicas * self.workers))
        all_on_paper(self.steps, paper, 1.0, attributes)
        if self.blocking:
            paper.notes.append("workers are kept through calls, which this estimate leaves out")
        return paper

    @property
    def replica_count(self) -> float:
        return float(self.replicas)


class ServiceServer(Server):
    """Stations for the replicas, and the steps as one call."""

    spec: Service
    call: Call  # type: ignore[assignment]

    def __init__(self, name: str, site: Site, spec: Service) -> None:
        super().__init__(name, site, spec)
        if spec.queue_at == "shared":
            self.stations = [spec.queue.station(site.clock, spec.replicas * spec.workers)]
        else:
            self.stations = [
                spec.queue.station(site.clock, spec.workers) for _ in range(spec.replicas)
            ]
        self.meters(site, meters_of(self.stations))
        self.pick: Pick = picker(spec.balancing, self.stations, site, name)
        self.call = self._not_connected

    def connect(self, site: Site) -> None:
        call = in_sequence(self.spec.steps, site, self) if self.spec.steps else _nothing
        if len(self.stations) > 1:
            call = self._on_one_replica(call)
        elif self.spec.blocking:
            call = self._held(call, self.stations[0])
        if any(step.key == "respond" for step in steps_within(self.spec.steps)):
            call = answering(call)
        price = self.spec.price
        self.call = call if price is None else self._priced(call, price)

    def worker(self, site: Site) -> Worker:
        """Waits for a worker of the replica and keeps it busy."""
        if self.spec.blocking:
            return _already_held
        if len(self.stations) == 1:
            return self.stations[0].work
        return _on_chosen_replica

    def _on_one_replica(self, call: Call) -> Call:
        pick, blocking = self.pick, self.spec.blocking

        def call_replica(request: Request) -> Flow:
            outer = request.station
            station = request.station = pick(request)
            try:
                if blocking:
                    return (yield from station.hold(request, call))
                return (yield from call(request))
            finally:
                request.station = outer

        return call_replica

    @staticmethod
    def _held(call: Call, station: Station) -> Call:
        return lambda request: station.hold(request, call)

    def _priced(self, call: Call, price: float) -> Call:
        def priced(request: Request) -> Flow:
            self.charge(request, price)
            return call(request)

        return priced

    def _not_connected(self, request: Request) -> Flow:
        raise AssertionError(f"{self.name} was called before it was connected")


def _nothing(request: Request) -> Flow:
    return Outcome.OK
    yield


def _on_chosen_replica(request: Request, seconds: float, after: Call | None = None) -> Flow:
    station = request.station
    assert station is not None
    return station.work(request, seconds, after)


def _already_held(request: Request, seconds: float, after: Call | None = None) -> Flow:
    yield seconds
    return Outcome.OK if after is None else (yield from after(request))

