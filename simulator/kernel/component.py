"""What stands behind a name in a topology: a frozen spec, and the server it becomes."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from simulator.kernel.kinded import Kinded
from simulator.kernel.request import Flow, Request
from simulator.kernel.site import Site
from simulator.kernel.station import Station
from simulator.quantities import UsdPerHour

HALF = 0.5 - 1e-9
"""Added before cutting off digits: half a server is not lost."""


@dataclass
class Paper:
    """What one visit asks for on average, computed without a simulation.

    service_s
        Seconds of a server's time per visit; ``servers`` is how many there are (None: no limit).
    servers_most
        How many servers there may come to be, where their number follows the load.
    calls
        Mean number of calls per visit, by target.
    spared
        How many of them may never be made: on a hit, on a refusal, behind an open breaker.
    delay_s
        Seconds per visit beside those of work; they hold no server, unless ``held_s`` says so.
    held_s
        Seconds of ``delay_s`` in which a server is held all the same: a consumer keeps a message
        while it waits.
    quota_s
        Seconds' worth per visit of what somebody outside admits: the reciprocal of a rate limit.
    cost_usd
        Dollars per visit.
    kept
        What is kept through calls, whose time is not counted: ``workers``, ``consumers``.
    impossible, impossible_at
        Why the mean visit can never be served, if it cannot, and the field that is about.
    """

    servers: float | None = None
    servers_most: float | None = None
    service_s: float = 0.0
    delay_s: float = 0.0
    held_s: float = 0.0
    quota_s: float = 0.0
    cost_usd: float = 0.0
    calls: dict[str, float] = field(default_factory=dict)
    spared: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    kept: str = ""
    impossible: str = ""
    impossible_at: str = ""

    def add_call(self, target: str, mean: float, spared: float = 0.0) -> None:
        """Count ``mean`` calls of ``target`` per visit, of which ``spared`` may never be made."""
        self.calls[target] = self.calls.get(target, 0.0) + mean
        self.spared[target] = self.spared.get(target, 0.0) + spared

    def add(self, part: "Paper", *, spared: bool = False) -> None:
        """Count what a part of the visit asks for; its calls may all be ``spared``."""
        self.service_s += part.service_s
        self.delay_s += part.delay_s
        self.cost_usd += part.cost_usd
        self.notes += part.notes
        for target, mean in part.calls.items():
            self.add_call(target, mean, mean if spared else part.spared.get(target, 0.0))


class Component(Kinded):
    """A box in the architecture: what it holds, what it does, what it costs.

    Subclasses name their ``kind`` and build a :class:`Server`. Nothing else has to know them.
    """

    kind: str
    summary: str | None = None
    """One line on what this component is for."""
    cost: UsdPerHour | None = None
    """Running cost of one replica, for example `$0.34/h`."""
    files: ClassVar[tuple[str, ...]] = ()
    """Fields that name a file, which is looked for beside the document first."""
    forgets: ClassVar[bool] = False
    """Whether it keeps something in memory that a fault can flush."""
    external: bool = False
    """Outside the system being designed (a provider): left out of the `overhead` metric."""

    @abstractmethod
    def build(self, name: str, site: Site) -> "Server":
        """The server of this component in one simulation."""

    @abstractmethod
    def on_paper(self, attributes: "Means") -> Paper:
        """Mean demand of one visit; ``attributes`` gives the mean of each request attribute."""

    @property
    def idle_fields(self) -> list[tuple[str, str, str]]:
        """Fields that were set to no effect: the field, beside what it has none, a way out."""
        return []

    @property
    def refuses(self) -> bool:
        """Whether it may turn calls away, so that who calls it may go no further."""
        return False

    @property
    def unseen_before_s(self) -> float:
        """Simulated time (s) before which callers cannot see what it does."""
        return 0.0

    @property
    def has_workers(self) -> bool:
        """Whether the component can do `work`."""
        return False

    @property
    def answers_early(self) -> bool:
        """Whether it may answer its caller before it is done."""
        return False

    @property
    def nowhere_else(self) -> str:
        """A way out if nobody chooses among its replicas for a further try; empty if one does."""
        return "leave `different_replica` out"

    @property
    def has_servers(self) -> bool:
        """Whether it holds servers that can be lost, rather than time alone."""
        return self.on_paper({}).servers is not None

    @property
    def replica_count(self) -> float:
        """How many times ``cost`` is paid."""
        return 1.0

    @property
    def scaling(self) -> "Scaling | None":
        """The rule by which its replicas follow the load; None if they stay."""
        return None

    @property
    def reaction_s(self) -> float:
        """Time until that rule has changed the replicas; 0 without one."""
        return 0.0

    @property
    def effort(self) -> float:
        """How much longer than usual a request takes to simulate: default runs are shorter."""
        return 1.0


Means = dict[str, float]


class Scaling(Protocol):
    """How the replicas of a component follow the load, as far as every component knows it."""

    @property
    def max_replicas(self) -> int:
        """Most replicas."""

    def settled(self, replicas: float, utilization: float, load: float) -> int:
        """The replicas that it stays at, judged by what is seen with ``replicas`` of them.

        ``load`` is the mean number of requests waiting and in work.
        """


class Elastic(Protocol):
    """What lets the replicas of a component come and go, as far as every component knows it."""

    def area(self) -> float:
        """Integral of paid replicas over time so far (replica-seconds)."""

    def preempt_share(self, share: float) -> None:
        """The provider takes this share of the replicas back."""


class Server:
    """What a component becomes in a simulation: something that answers calls.

    Construction creates queues and servers; :meth:`connect` runs once every component of the
    topology exists, and is the place to look up the links to others.
    """

    leaves_visits: bool = True
    """Whether every call is a visit; False if the server records visits of its own."""
    intake_survives: bool = False
    """Whether it takes calls while it is down, to work on them later."""

    def __init__(self, name: str, site: Site, spec: Component) -> None:
        self.name = name
        self.clock = site.clock
        self.spec = spec
        self.spent_usd = 0.0
        self.scaler: Elastic | None = None
        self._losses: list[float] = []
        if spec.cost is not None:
            self.meter(site, "running_cost_total", self.running_cost_usd)
        self.meter(site, "spent_total", lambda: self.spent_usd)

    def connect(self, site: Site) -> None:
        """Look up the links to other components."""

    @abstractmethod
    def call(self, request: Request) -> Flow:
        """Serve the request and answer with an outcome."""

    def halt(self) -> None:
        """A crash begins: stop what goes on without a caller, such as consumers."""

    def restore(self) -> None:
        """The crash is over."""

    def flush(self, begins: bool) -> None:
        """Forget everything kept in memory; called again with False when the fault is over."""

    def stretch(self, factor: float) -> None:
        """The pace has changed: what waits in a queue will be served at the new one."""
        for station in stations_within(vars(self)):
            station.stretch(factor)

    def lose(self, share: float) -> None:
        """Take away this share of the servers of every station; busy ones finish first.

        A further loss takes its share of what the ones before have left.
        """
        self._losses.append(share)
        self._apply_losses()

    def regain(self, share: float) -> None:
        """Give back what :meth:`lose` took; other losses go on."""
        if share in self._losses:
            self._losses.remove(share)
            self._apply_losses()

    def _apply_losses(self) -> None:
        stations = stations_within(vars(self))
        whole = {station: station.servers + station.lost for station in stations}
        left = dict(whole)
        for share in self._losses:
            there = gone = 0
            for station in stations:
                # Rounding the sum takes half of eight stations with one server each, not none.
                there += left[station]
                servers = int(there * share + HALF) - gone
                gone += servers
                left[station] -= servers
        for station in stations:
            station.lost = whole[station] - left[station]
            station.resize(left[station])

    def preempt(self, share: float) -> None:
        """The provider takes back this share of the servers; without a scaler, for good."""
        if self.scaler is None:
            self.lose(share)
        else:
            self.scaler.preempt_share(share)

    def meter(self, site: Site, name: str, read: Callable[[], float]) -> None:
        """Register a reading under this component's name."""
        site.probe.meter(self.name, name, read)

    def meters(self, site: Site, readings: dict[str, Callable[[], float]]) -> None:
        """Register several readings."""
        for name, read in readings.items():
            self.meter(site, name, read)

    def replicas_area(self) -> float:
        """Integral of the number of paid replicas over time so far (replica-seconds)."""
        if self.scaler is not None:
            return self.scaler.area()
        return self.spec.replica_count * self.clock.now

    def running_cost_usd(self) -> float:
        """Dollars paid for running replicas so far."""
        assert self.spec.cost is not None
        return self.replicas_area() / 3600.0 * self.spec.cost

    def charge(self, request: Request, usd: float) -> None:
        """Add to the variable cost of this component and of the request."""
        self.spent_usd += usd
        request.cost += usd


def stations_within(value: Any) -> list[Station]:
    """Every station held by a mapping or list, at any depth."""
    if isinstance(value, Station):
        return [value]
    inner = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list | tuple):
        return []
    found = [station for item in inner for station in stations_within(item)]
    return list(dict.fromkeys(found))
