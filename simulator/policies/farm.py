"""Replicas with a queue each behind a balancer: who may be chosen, and what is known of them."""

from collections.abc import Callable
from functools import partial
from statistics import fmean, pstdev

from pydantic import PositiveFloat, PositiveInt, model_validator

from simulator.kernel.clock import Clock
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Request
from simulator.kernel.site import Site
from simulator.kernel.spec import Spec
from simulator.kernel.station import Station
from simulator.policies.balancing import Backends, Balancing, Pick
from simulator.policies.load_reports import Reports
from simulator.policies.replica import Replica, Trouble
from simulator.policies.tiers import Tiers, by_priority, subset_of
from simulator.quantities import Count, Duration, Fraction, PositiveCount, PositiveDuration

FAILURES = frozenset({Outcome.ERROR, Outcome.TIMEOUT, Outcome.REJECTED_OVERLOAD})
SLOW_START_LEAST = 0.1
RESELECTIONS = 3
"""How often a balancer is asked again before a further try takes any replica not tried yet."""


class HealthCheck(Spec):
    """Probes that take a replica out and back in: `health_check: {interval: 2s, fall: 3}`.

    A probe fails while the replica is down. Source: HAProxy `inter` 2 s, `fall` 3, `rise` 2;
    Kubernetes readiness probes (10 s, 3). Detection takes up to interval * fall.
    """

    interval: PositiveDuration = 2.0
    """Time between two probes of a replica."""
    fall: PositiveInt = 3
    """Failed probes in a row after which it is out."""
    rise: PositiveInt = 2
    """Good probes in a row after which it is in again."""


class OutlierDetection(Spec):
    """Ejects replicas whose answers are bad: `outlier_detection: {consecutive_errors: 5}`.

    After `consecutive_errors` in a row, or, every `interval`, with a success rate below the mean
    less `stdev_factor` standard deviations over the replicas. Ejection lasts `base_ejection_time`
    times the number of ejections so far, up to `max_ejection_time`; not more than
    `max_ejection_share` of the replicas are out at once, but always at least one may be. Source:
    Envoy outlier_detection.proto.
    """

    consecutive_errors: PositiveInt = 5
    """Bad answers in a row (`consecutive_5xx`)."""
    interval: PositiveDuration = 10.0
    """Time between two sweeps, which also bring replicas back."""
    base_ejection_time: PositiveDuration = 30.0
    """Length of the first ejection."""
    max_ejection_time: PositiveDuration = 300.0
    """Longest ejection."""
    max_ejection_share: Fraction = 0.1
    """Most replicas out at once (`max_ejection_percent`)."""
    min_replicas: PositiveInt = 5
    """Replicas with enough calls before success rates are compared."""
    min_calls: PositiveInt = 100
    """Calls in an interval that are enough."""
    stdev_factor: PositiveFloat = 1.9
    """Standard deviations below the mean (`success_rate_stdev_factor` / 1000)."""


class BackendsSpec(Spec):
    """What a balancer knows of the replicas and does about bad ones."""

    weights: list[PositiveFloat] | None = None
    """Share of the load of each replica, relative to the others."""
    balancers: PositiveCount = 1
    """Balancers that do not coordinate; each sees only the requests it has sent itself."""
    subset: PositiveCount | None = None
    """Replicas that each of several `balancers` talks to; all of them if left out."""
    priorities: list[Count] | None = None
    """Level of each replica, smallest first: the next one gets what ill replicas leave (Envoy
    priority levels; near and far zones)."""
    load_report_age: Duration = 0.0
    """How often the load of the replicas is reported; up to so old is what balancers go by."""
    slow_start: Duration = 0.0
    """Time over which a replica that joins gets up to its full share, in a straight line."""
    panic_threshold: Fraction = 0.5
    """Below this share of good replicas all are used again, good or not (Envoy)."""
    health_check: HealthCheck | None = None
    """Probes."""
    outlier_detection: OutlierDetection | None = None
    """Ejection by the answers."""

    @model_validator(mode="after")
    def _several_balancers(self) -> "BackendsSpec":
        if self.subset is not None and self.balancers == 1:
            raise ValueError("`subset` needs several `balancers`: one alone would use nothing else")
        return self


class Farm:
    """The replicas of one service; beyond the first ``present``, places for those to come."""

    def __init__(
        self,
        site: Site,
        owner: str,
        stations: list[Station],
        policy: Balancing,
        spec: BackendsSpec,
        present: int | None = None,
    ) -> None:
        self.clock: Clock = site.clock
        self.owner = owner
        self.spec = spec
        self.replicas = [Replica(station) for station in stations]
        self.by_station = {replica.station: replica for replica in self.replicas}
        for replica in self.replicas[present:] if present is not None else []:
            replica.present = False
        self.usable = list(stations[:present])
        self.uniform = site.uniforms(owner, "balancing")
        self.errors = site.uniforms(owner, "replica_errors")
        self.ejected = 0
        self.followers: list[Callable[[list[Station]], None]] = []
        self.views: list[Backends] = []
        self.tiers: list[Tiers] = []
        self.sent: list[dict[Station, int]] = []
        self.picks = [self._picker(policy, site, number) for number in range(spec.balancers)]
        self.watched = spec.health_check is not None or spec.outlier_detection is not None
        if self.watched:
            site.probe.meter(owner, "replicas_in_use", lambda: len(self.usable))
            site.probe.meter(owner, "ejections_total", lambda: self.ejected)
        if spec.health_check is not None:
            every = spec.health_check.interval
            for number, replica in enumerate(self.replicas):
                # Probes of different replicas are spread over the interval.
                first = every * (number + 1) / len(self.replicas)
                self._repeat(first, every, partial(self._probe, replica, spec.health_check))
        if spec.outlier_detection is not None:
            every = spec.outlier_detection.interval
            self._repeat(every, every, partial(self._sweep, spec.outlier_detection))

    def on_one(self, call: Call) -> Call:
        """The call, made on the replica that the balancer chooses; `request.station` is its."""
        pick = self.picks[0]
        plain = len(self.picks) == 1 and not self.watched and self.spec.slow_start == 0.0

        def on_chosen(request: Request) -> Flow:
            outer = request.station
            attempts = request.attempts
            request.station = pick(request) if attempts is None else self.apart(pick, request)
            try:
                return (yield from call(request))
            finally:
                request.station = outer

        return on_chosen if plain else self._observed(call)

    def apart(self, pick: Pick, request: Request) -> Station:
        """The choice for a call whose tries know of each other, and its place among them.

        Where a further try has to go elsewhere, the balancer is asked again if it names a replica
        that was tried (Envoy ``previous_hosts``); one that names the same again, such as a hash,
        gives way to chance among the rest.
        """
        station, attempts = pick(request), request.attempts
        if attempts is None or attempts.target != self.owner:
            return station
        if attempts.elsewhere:
            for _ in range(RESELECTIONS):
                if station not in attempts.replicas:
                    break
                station = pick(request)
            else:
                rest = attempts.untried(self.usable)
                station = rest[int(self.uniform() * len(rest))]
        attempts.replicas.append(station)
        return station

    @property
    def present(self) -> list[Replica]:
        """The replicas that are there."""
        return [replica for replica in self.replicas if replica.present]

    def join(self, replica: Replica) -> None:
        """A replica may be chosen from now on; it is new, so nothing is held against it."""
        replica.present = replica.healthy = True
        replica.ejected_until, replica.ejections = None, 0
        replica.joined_at = self.clock.now
        self._refresh()

    def leave(self, replica: Replica) -> None:
        """A replica is no longer chosen."""
        replica.present = False
        self._refresh()

    def strike(self, number: int, trouble: Trouble) -> None:
        """Something goes wrong with a replica."""
        replica = self.replicas[number % len(self.replicas)]
        replica.suffer([*replica.troubles, trouble])

    def relieve(self, number: int, trouble: Trouble) -> None:
        """That is over; other troubles of the replica go on."""
        replica = self.replicas[number % len(self.replicas)]
        left = list(replica.troubles)
        left.remove(trouble)
        replica.suffer(left)

    def _observed(self, call: Call) -> Call:
        picks, sent = self.picks, self.sent

        def observed(request: Request) -> Flow:
            outer = request.station
            balancer = int(self.uniform() * len(picks)) if len(picks) > 1 else 0
            pick = partial(self._eased, picks[balancer])
            station = request.station = (
                pick(request) if request.attempts is None else self.apart(pick, request)
            )
            sent[balancer][station] = sent[balancer].get(station, 0) + 1
            outcome = Outcome.CANCELLED
            try:
                outcome = yield from call(request)
            finally:
                request.station = outer
                sent[balancer][station] -= 1
            self._note(self.by_station[station], outcome)
            return outcome

        return observed

    def at_replica(self, call: Call) -> Call:
        """The call as a replica answers it that may be broken; needed where faults strike one."""

        def answered(request: Request) -> Flow:
            assert request.station is not None
            replica = self.by_station[request.station]
            if replica.down or (replica.failing and self.errors() < replica.failing):
                return Outcome.ERROR
            return (yield from call(request))

        return answered

    def _picker(self, policy: Balancing, site: Site, number: int) -> Pick:
        spec = self.spec
        stations = [replica.station for replica in self.replicas]
        own: dict[Station, int] = {}
        self.sent.append(own)

        def view(usable: list[Station]) -> Backends:
            seen = Backends(usable, self.uniform, stations)
            if spec.weights is not None:
                seen.weights = dict(zip(stations, spec.weights, strict=False))
            if spec.balancers > 1:
                seen.load = lambda station: own.get(station, 0)
            if spec.load_report_age > 0.0:
                seen.load = Reports(self.clock, stations, seen.load, spec.load_report_age).load
            return seen

        if spec.subset is None and spec.priorities is None:
            self.views.append(view(self.usable))
            return policy.picker(self.views[-1])
        levels = by_priority(stations, spec.priorities)
        if spec.subset is not None:
            name = f"{self.owner}.subsets"
            chosen = subset_of(
                len(stations),
                spec.subset,
                number,
                lambda turn: site.streams.generator(f"{name}.{turn}"),
            )
            mine = {stations[position] for position in chosen}
            levels = [[one for one in level if one in mine] for level in levels]
        levels = [level for level in levels if level]
        tiers = Tiers(levels, policy, view, self.uniform, spec.panic_threshold)
        self.tiers.append(tiers)
        return tiers

    def _eased(self, pick: Pick, request: Request) -> Station:
        """A choice that spares replicas which have just joined."""
        station = pick(request)
        over = self.spec.slow_start
        if over <= 0.0:
            return station
        for _ in range(20):
            age = self.clock.now - self.by_station[station].joined_at
            if age >= over or self.uniform() < max(age / over, SLOW_START_LEAST):
                break
            station = pick(request)
        return station

    def _note(self, replica: Replica, outcome: Outcome) -> None:
        detection = self.spec.outlier_detection
        if detection is None or outcome is Outcome.CANCELLED:
            return
        bad = outcome in FAILURES
        replica.answers[bad] += 1
        replica.bad_in_a_row = replica.bad_in_a_row + 1 if bad else 0
        if replica.bad_in_a_row >= detection.consecutive_errors:
            replica.bad_in_a_row = 0
            self._eject(replica, detection)

    def _eject(self, replica: Replica, detection: OutlierDetection) -> None:
        there = self.present
        out = sum(other.ejected_until is not None for other in there)
        most = max(1, int(detection.max_ejection_share * len(there)))
        if replica.ejected_until is not None or out >= most or not replica.present:
            return
        replica.ejections += 1
        lasts = detection.base_ejection_time * replica.ejections
        replica.ejected_until = self.clock.now + min(lasts, detection.max_ejection_time)
        self.ejected += 1
        self._refresh()

    def _sweep(self, detection: OutlierDetection) -> None:
        for replica in self.replicas:
            until = replica.ejected_until
            if until is not None and until <= self.clock.now:
                replica.ejected_until = None
                replica.joined_at = self.clock.now
        judged = [
            replica for replica in self.replicas if sum(replica.answers) >= detection.min_calls
        ]
        if len(judged) >= detection.min_replicas:
            rates = [replica.answers[0] / sum(replica.answers) for replica in judged]
            least = fmean(rates) - detection.stdev_factor * pstdev(rates)
            for replica, rate in zip(judged, rates, strict=True):
                if rate < least:
                    self._eject(replica, detection)
        for replica in self.replicas:
            replica.answers = [0, 0]
        self._refresh()

    def _probe(self, replica: Replica, check: HealthCheck) -> None:
        if replica.down is not replica.healthy:
            replica.probes = 0
            return
        replica.probes += 1
        if replica.probes >= (check.fall if replica.healthy else check.rise):
            replica.probes = 0
            replica.healthy = not replica.healthy
            if replica.healthy:
                replica.joined_at = self.clock.now
            self._refresh()

    def _refresh(self) -> None:
        there = self.present
        every = [replica.station for replica in there]
        good = [
            replica.station
            for replica in there
            if replica.healthy and replica.ejected_until is None
        ]
        enough = good and len(good) >= self.spec.panic_threshold * len(every)
        self.usable[:] = good if enough else every
        for view in self.views:
            view.version += 1
        for tiers in self.tiers:
            tiers.refresh(set(good))
        for follow in self.followers:
            follow(self.usable)

    def _repeat(self, first: float, every: float, action: Callable[[], None]) -> None:
        def ring() -> None:
            action()
            self.clock.call_at(self.clock.now + every, ring)

        self.clock.call_at(self.clock.now + first, ring)
