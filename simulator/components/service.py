"""A program that does work: web server, gateway, worker, model server."""

from functools import partial
from typing import Literal

from pydantic import Field, PositiveInt, model_validator

from simulator.kernel.answering import answering
from simulator.kernel.clock import Clock
from simulator.kernel.component import HALF, Component, Means, Paper, Server
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Request
from simulator.kernel.site import Site
from simulator.kernel.station import Station, meters_of
from simulator.kernel.step import Step, Worker, all_on_paper, in_sequence, steps_within
from simulator.policies.admission import Admission
from simulator.policies.autoscale import Autoscale, Scaler
from simulator.policies.backlog import Backlog
from simulator.policies.balancing import Balancing
from simulator.policies.balancing.choices import Choices
from simulator.policies.balancing.least_request import LeastRequest
from simulator.policies.balancing.random import Random
from simulator.policies.balancing.round_robin import RoundRobin
from simulator.policies.contention import Contention
from simulator.policies.farm import BackendsSpec, Farm
from simulator.policies.fleet import Fleet, SharedFleet
from simulator.policies.preemptible import Preemptible, PreemptibleFleet
from simulator.policies.queueing import Queueing
from simulator.policies.replica import Replica
from simulator.policies.scaled_farm import FarmFleet
from simulator.policies.spot import Spot
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
    queue_at: Literal["shared", "replica", "balancer"] = "shared"
    """One queue in front of all replicas, one each, or one at a balancer that picks first."""
    balancing: Balancing = Field(default_factory=RoundRobin)
    """How a replica is chosen: `round_robin`, `random`, `power_of_two`, `least_request`, ..."""
    backends: BackendsSpec = BackendsSpec()
    """Weights, health checks, ejection, slow start and age of what the balancer knows."""
    admission: Admission | None = None
    """Refuse requests at the door beyond a limit."""
    contention: Contention | None = None
    """How the workers of a replica slow each other down: locks, shared caches (USL)."""
    price: UsdPerItem | None = None
    """Cost of one call, for example `$0.002` or `$1/1k requests`."""
    autoscale: Autoscale | None = None
    """Let the number of replicas follow the load; `replicas` are there at the beginning."""
    steps: list[Step] = Field(default_factory=list)
    """What it does when called."""

    @model_validator(mode="after")
    def _scalable(self) -> "Service":
        scale = self.autoscale
        if scale is None:
            return self
        if self.queue_at == "replica" and scale.min_replicas == 0:
            raise ValueError("`min_replicas: 0` needs a queue to wait in while none is there")
        if scale.warmup and self.workers == 1:
            raise ValueError("`warmup` has no effect with one worker per replica")
        spot = scale.spot or Spot()
        if spot.notice is not None and self.queue_at == "shared" and self.blocking:
            raise ValueError(
                "`notice` needs workers that are not `blocking`, or `queue_at: replica`"
            )
        if spot.checkpoint is not None and self.queue_at != "shared":
            raise ValueError(
                "`checkpoint` needs `queue_at: shared`: a visit cannot be taken up again"
            )
        return self

    @model_validator(mode="after")
    def _balanced(self) -> "Service":
        for field in ("backends", "balancing"):
            if self.queue_at == "shared" and field in self.model_fields_set:
                raise ValueError(
                    f"`{field}` needs `queue_at: replica`: a shared queue has no balancer"
                )
        for field in ("balancers", "slow_start", "outlier_detection", "priorities"):
            if self.queue_at == "balancer" and field in self.backends.model_fields_set:
                raise ValueError(f"`{field}` needs `queue_at: replica`")
        for field in ("weights", "priorities"):
            given = getattr(self.backends, field)
            if given is not None and len(given) != self.replicas:
                raise ValueError(f"{len(given)} {field} for {self.replicas} replicas")
        for field in ("subset", "priorities"):
            if self.autoscale is not None and getattr(self.backends, field) is not None:
                raise ValueError(f"`{field}` needs replicas that stay: it excludes `autoscale`")
        return self

    @model_validator(mode="after")
    def _contended(self) -> "Service":
        if self.contention is None:
            return self
        if self.blocking:
            raise ValueError("`contention` slows `work` down, which `blocking` does not measure")
        if self.queue_at == "shared" and (self.replicas > 1 or self.autoscale is not None):
            raise ValueError("`contention` is within a replica: set `queue_at: replica`")
        return self

    def build(self, name: str, site: Site) -> "ServiceServer":
        return ServiceServer(name, site, self)

    @property
    def has_workers(self) -> bool:
        return True

    def on_paper(self, attributes: Means) -> Paper:
        paper = Paper(servers=float(self.replicas * self.workers))
        if self.autoscale is not None:
            paper.servers_most = float(self.autoscale.max_replicas * self.workers)
        all_on_paper(self.steps, paper, 1.0, attributes)
        if self.contention is not None:
            paper.service_s *= self.contention.slowdown(self.workers)
            paper.notes.append("work is taken at its slowest, with every worker busy")
        if self.blocking:
            paper.kept = "workers"
        return paper

    @property
    def refuses(self) -> bool:
        return self.queue.bounded or self.admission is not None

    @property
    def answers_early(self) -> bool:
        return any(step.key == "respond" for step in steps_within(self.steps))

    @property
    def nowhere_else(self) -> str:
        several = self.replicas > 1 or self.autoscale is not None
        apart = several and self.queue_at != "shared"
        return "" if apart else "set `queue_at: replica`, and more than one replica"

    @property
    def replica_count(self) -> float:
        return float(self.replicas)

    @property
    def scaling(self) -> Autoscale | None:
        return self.autoscale

    @property
    def reaction_s(self) -> float:
        return 0.0 if self.autoscale is None else self.autoscale.reaction_s


class ServiceServer(Server):
    """Stations for the replicas, and the steps as one call."""

    spec: Service
    call: Call  # type: ignore[assignment]

    def __init__(self, name: str, site: Site, spec: Service) -> None:
        super().__init__(name, site, spec)
        shared = spec.queue_at == "shared" or (spec.replicas == 1 and spec.autoscale is None)
        self.farm = None
        if shared:
            self.stations = [self._shared_station(site)]
        else:
            self.stations = self._own_stations(site)
            self.farm = Farm(
                site, name, self.stations, spec.balancing, spec.backends, spec.replicas
            )
        self.struck = name in site.struck
        self.backlog = None
        meters = meters_of(self.stations)
        if self.farm is not None and spec.queue_at == "balancer":
            queue, line = spec.queue, spec.queue.discipline.line(site.clock)
            self.backlog = Backlog(
                site.clock, self.stations, spec.workers, queue.limit, queue.max_wait, line
            )
            self.backlog.follow(self.farm.usable)
            self.farm.followers.append(self.backlog.follow)
            meters |= self.backlog.meters()
        self.meters(site, meters)
        self.call = self._not_connected
        self.fleet: FarmFleet | None = None
        self.withdrawn: dict[float, list[list[Replica]]] = {}
        if spec.autoscale is not None:
            fleet = self._fleet(site.clock, spec.autoscale.spot)
            self.scaler = scaler = Scaler(site, name, spec.autoscale, fleet, spec.replicas)
            self.meters(site, scaler.meters())

    def _shared_station(self, site: Site) -> Station:
        spec, clock = self.spec, site.clock
        spot = None if spec.autoscale is None else spec.autoscale.spot
        servers = spec.replicas * spec.workers
        if spec.contention is not None:
            return spec.contention.station(spec.queue, clock, servers)
        if spot is None or spot.notice is None:
            return spec.queue.station(clock, servers)
        station = spec.queue.station(clock, servers, Preemptible)
        assert isinstance(station, Preemptible)
        station.prepare(spot, site.uniforms(self.name, "preemption"))
        self.meter(site, "redone_seconds_total", lambda: station.redone_s)
        return station

    def _own_stations(self, site: Site) -> list[Station]:
        """A station for each replica; with a scaler, also for those that may come."""
        spec = self.spec
        queue = Queueing() if spec.queue_at == "balancer" else spec.queue
        places = spec.replicas
        if spec.autoscale is not None:
            places = max(places, 2 * spec.autoscale.max_replicas)
        station = (
            queue.station if spec.contention is None else (partial(spec.contention.station, queue))
        )
        return [
            station(site.clock, spec.workers if number < spec.replicas else 0)
            for number in range(places)
        ]

    def _fleet(self, clock: Clock, spot: Spot | None) -> Fleet:
        station, workers = self.stations[0], self.spec.workers
        if self.farm is not None:
            self.fleet = FarmFleet(self.farm, workers, spot)
            return self.fleet
        if isinstance(station, Preemptible) and spot is not None:
            return PreemptibleFleet(clock, station, workers, spot)
        return SharedFleet(clock, station, workers)

    def lose(self, share: float) -> None:
        """Whole replicas leave their balancer, if that is a few of several; else workers go."""
        there = [] if self.farm is None else self.farm.present
        count = int(len(there) * share + HALF)
        if self.farm is None or not 0 < count < len(there):
            super().lose(share)
            return
        # Those that joined first: a rolling restart thus gets round to everybody.
        oldest = sorted(there, key=lambda replica: replica.joined_at)[:count]
        self.withdrawn.setdefault(share, []).append(oldest)
        for replica in oldest:
            replica.withdrawn = True
            self.farm.leave(replica)

    def regain(self, share: float) -> None:
        if self.farm is None or not self.withdrawn.get(share):
            super().regain(share)
            return
        for replica in self.withdrawn[share].pop(0):
            # Unless its scaler has let it go meanwhile.
            if replica.withdrawn:
                replica.withdrawn = False
                self.farm.join(replica)

    def connect(self, site: Site) -> None:
        call = in_sequence(self.spec.steps, site, self) if self.spec.steps else _nothing
        if self.farm is not None:
            call = self._on_one_replica(call, self.farm)
        elif self.spec.blocking:
            call = self._held(call, self.stations[0])
        if self.spec.answers_early:
            call = answering(call)
        if self.spec.admission is not None:
            call = self.spec.admission.gate(call, site, self.name)
        price = self.spec.price
        self.call = call if price is None else self._priced(call, price)

    def worker(self, site: Site) -> Worker:
        """Waits for a worker of the replica and keeps it busy."""
        if self.spec.blocking:
            return _already_held if self.farm is None else _held_on_chosen_replica
        if len(self.stations) == 1:
            return self.stations[0].work
        return _on_chosen_replica

    def _on_one_replica(self, call: Call, farm: Farm) -> Call:
        backlog, policy = self.backlog, self.spec.balancing
        if self.spec.blocking:
            call = _held_by_replica(call)
        if self.struck:
            call = farm.at_replica(call)
        if self.fleet is not None:
            call = self.fleet.around(call)
        if backlog is None:
            call = farm.on_one(call)
            return call if self.fleet is None else self.fleet.at_the_gate(call)
        pick = farm.picks[0]
        if isinstance(policy, LeastRequest):
            pick = backlog.least_full
        elif not isinstance(policy, Choices | Random):
            pick = backlog.skipping_full(pick)
        if self.fleet is not None:
            pick = self.fleet.or_anyone(pick)
        return backlog.around(partial(farm.apart, pick), call)

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
    return station.work(request, seconds * station.pace, after)


def _held_by_replica(call: Call) -> Call:
    def held(request: Request) -> Flow:
        assert request.station is not None
        return request.station.hold(request, call)

    return held


def _held_on_chosen_replica(request: Request, seconds: float, after: Call | None = None) -> Flow:
    assert request.station is not None
    return _already_held(request, seconds * request.station.pace, after)


def _already_held(request: Request, seconds: float, after: Call | None = None) -> Flow:
    yield seconds
    return Outcome.OK if after is None else (yield from after(request))
