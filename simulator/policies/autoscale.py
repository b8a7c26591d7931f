"""Replicas that come and go with the load, by the clock, or at the whim of a spot market."""

from collections import deque
from collections.abc import Callable, Sequence
from math import ceil
from typing import Literal, NamedTuple

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from simulator.kernel.clock import Clock
from simulator.kernel.site import Draw, Site
from simulator.kernel.spec import Spec
from simulator.policies.calendar import DAY_S, DAYS, Calendar, DayName, Shift, TimeOfDay
from simulator.policies.fleet import Fleet
from simulator.policies.horizontal import Behavior, Horizontal, scale_down_default, scale_up_default
from simulator.policies.knative import Knative, Panicking
from simulator.policies.spot import Spot
from simulator.quantities import (
    Count,
    Duration,
    DurationDistribution,
    Fraction,
    PositiveDuration,
    constant,
)

KNATIVE_TICK_S = 2.0


class Autoscale(Spec):
    """The number of replicas follows the load (Kubernetes HPA, KEDA) or the time of day.

    `utilization` aims at a share of busy workers: `ceil(replicas x metric / target)` within a
    tolerance. `queue` aims at so many requests waiting and in work per replica (KEDA, and Knative
    with `knative`). A new replica starts up, then warms up worker by worker; it is paid from the
    moment it is ordered until it has left. One that leaves takes no new requests and finishes
    those it has.
    """

    min_replicas: Count = 1
    """Fewest replicas."""
    max_replicas: PositiveInt
    """Most replicas."""
    metric: Literal["utilization", "queue"] = "utilization"
    """What is held at the target."""
    target: PositiveFloat | Fraction = 0.7
    """Utilization, or requests per replica."""
    sync_period: PositiveDuration = 15.0
    """Time between two decisions."""
    tolerance: Fraction = 0.1
    """Deviation from the target that is ignored."""
    metric_window: PositiveDuration | None = None
    """Time over which the utilization is averaged; one sync period if left out."""
    metric_lag: Duration = 30.0
    """Age of the metric when it is used: the usual cause of overshoot."""
    knative: Knative | None = None
    """Decide as Knative does, instead of Kubernetes' `scale_up`, `scale_down` and `tolerance`."""
    scale_up: Behavior = Field(default_factory=scale_up_default)
    """Limits on growing; Kubernetes' defaults."""
    scale_down: Behavior = Field(default_factory=scale_down_default)
    """Limits on shrinking; Kubernetes' defaults."""
    startup: DurationDistribution = constant(30.0)
    """Time from the order of a replica until it is ready."""
    warmup: Duration = 0.0
    """Time in which a ready replica gets to its full number of workers."""
    schedule: list[Shift] = Field(default_factory=list)
    """Least number of replicas by time of day and week."""
    starts: TimeOfDay = Field("00:00", validate_default=True)
    """Time of day at which the simulation begins."""
    starts_on: DayName = "mon"
    """Day on which the simulation begins."""
    spot: Spot | None = None
    """Whether replicas are taken back, to be replaced by new ones."""

    @model_validator(mode="after")
    def _ordered(self) -> "Autoscale":
        if self.min_replicas > self.max_replicas:
            raise ValueError("`min_replicas` is more than `max_replicas`")
        if self.metric == "utilization" and self.target > 1.0:
            raise ValueError("a `target` utilization is at most 100%")
        given = self.model_fields_set
        if self.metric == "queue" and "metric_window" in given:
            raise ValueError("`metric_window` has no effect with `metric: queue`")
        if not self.schedule and given & {"starts", "starts_on"}:
            raise ValueError("`starts` and `starts_on` have no effect without a `schedule`")
        if self.knative is not None:
            if self.metric != "queue":
                raise ValueError("`knative` scales by requests per replica: set `metric: queue`")
            for field in ("scale_up", "scale_down", "tolerance"):
                if field in given:
                    raise ValueError(f"`{field}` has no effect with `knative`")
        return self

    @property
    def every_s(self) -> float:
        """Time between two decisions; Knative's own is 2 s."""
        if self.knative is None or "sync_period" in self.model_fields_set:
            return self.sync_period
        return KNATIVE_TICK_S

    @property
    def lag_s(self) -> float:
        """Age of the metric; Knative asks its queue proxies every second."""
        if self.knative is None or "metric_lag" in self.model_fields_set:
            return self.metric_lag
        return 0.0

    @property
    def reaction_s(self) -> float:
        """Time until a change of the load has changed the replicas, on average."""
        window = 0.0 if self.metric == "queue" else self.metric_window or self.every_s
        return self.lag_s + window + self.every_s + self.startup.mean + self.warmup

    def settled(self, replicas: float, utilization: float, load: float) -> int:
        """The replicas that it stays at, judged by what is seen with ``replicas`` of them.

        ``load`` is the mean number of requests waiting and in work. The rule is that of the loop,
        without its delays and limits on speed.
        """
        seen = utilization if self.metric == "utilization" else load / replicas
        ratio = seen / float(self.target)
        tolerance = 0.0 if self.knative is not None else self.tolerance
        near = abs(ratio - 1.0) <= tolerance
        wanted = round(replicas) if near else ceil(round(ratio * replicas, 9))
        if self.schedule:
            starts = DAYS.index(self.starts_on) * DAY_S + self.starts
            wanted = max(wanted, Calendar(self.schedule, starts).count_at(0.0))
        return min(max(wanted, self.min_replicas, 1), self.max_replicas)


class Sample(NamedTuple):
    """What the control loop saw at one moment: areas so far, and the requests inside."""

    at: float
    busy_area: float
    servers_area: float
    load_area: float
    load: float


class Scaler:
    """Runs the control loop: measures, decides, orders replicas and takes them away.

    ``area`` is the integral of paid replicas over time (replica-seconds); ``load_s`` is added to
    every start-up, for what the component itself has to load.
    """

    def __init__(
        self,
        site: Site,
        owner: str,
        spec: Autoscale,
        fleet: Fleet,
        replicas: int,
        load_s: float = 0.0,
    ) -> None:
        self.clock: Clock = site.clock
        self.spec = spec
        self.fleet = fleet
        self.load_s = load_s
        self.ready = replicas
        self.leaving = 0
        self.starting: list[float] = []
        self.rules = Horizontal(
            spec.min_replicas, spec.max_replicas, spec.tolerance, spec.scale_up, spec.scale_down
        )
        self.panicking = None
        if spec.knative is not None:
            self.panicking = Panicking(spec.knative, float(spec.target))
        self.startup: Draw = site.draws(owner, "startup", spec.startup)
        self.samples: deque[Sample] = deque()
        self.calendar: Calendar | None = None
        if spec.schedule:
            starts = DAYS.index(spec.starts_on) * DAY_S + spec.starts
            self.calendar = Calendar(spec.schedule, starts)
        self.preempted = 0
        self._sum = 0.0
        if spec.spot is not None and spec.spot.mtbf is not None:
            rng = site.streams.generator(f"{owner}.spot")
            self._lifetimes = rng.exponential
            self._accept = site.uniforms(owner, "spot_choice")
            self._await_preemption(spec.spot.mtbf)
        self._sample()
        self.clock.call_at(spec.every_s, self._sync)

    def meters(self) -> dict[str, Callable[[], float]]:
        """Replicas that serve, that are starting, and that the provider took back."""
        return {
            "replicas": lambda: self.ready,
            "starting": lambda: len(self.starting),
            "replicas_area": self.area,
            "preempted_total": lambda: self.preempted,
        }

    @property
    def ordered(self) -> int:
        """Replicas that serve or will."""
        return self.ready + len(self.starting)

    def area(self) -> float:
        """Integral of paid replicas over time so far."""
        return self._sum + (self.ordered + self.leaving) * self.clock.now

    def preempt_share(self, share: float) -> None:
        """The provider takes back this share of the replicas that serve."""
        self.preempt(round(self.ready * share))

    def preempt(self, count: int) -> None:
        """The provider takes replicas back; as many are ordered anew."""
        count = min(count, self.ready)
        if count:
            self.preempted += count
            self.ready -= count
            self.leaving += count
            self.fleet.take_back(count, self._gone)
            self._order(count)

    def _sync(self) -> None:
        spec, now = self.spec, self.clock.now
        self.clock.call_at(now + spec.every_s, self._sync)
        self._sample()
        change = self._desired(now) - self.ordered
        if change > 0:
            self._order(change)
        elif change < 0:
            self._shrink(-change)

    def _desired(self, now: float) -> int:
        spec = self.spec
        if self.panicking is None:
            wanted = self.rules.raw(self._ratio(), max(self.ready, 0), len(self.starting))
        else:
            wanted = self._by_concurrency(now, self.panicking)
        if self.ordered == 0 and self.fleet.load() > 0:
            wanted = 1
        if self.calendar is not None:
            wanted = max(wanted, self.calendar.count_at(now))
        if self.panicking is None:
            return self.rules.limit(now, wanted, self.ordered)
        return min(max(wanted, spec.min_replicas), spec.max_replicas)

    def _sample(self) -> None:
        fleet, spec, now = self.fleet, self.spec, self.clock.now
        self.samples.append(
            Sample(now, fleet.busy_area(), fleet.servers_area(), fleet.load_area(), fleet.load())
        )
        window = spec.metric_window or spec.every_s
        if spec.knative is not None:
            window = spec.knative.stable_window
        oldest = now - spec.lag_s - window
        while len(self.samples) > 2 and self.samples[1].at <= oldest:
            self.samples.popleft()

    def _known(self) -> list[Sample]:
        """The samples that the metrics pipeline has delivered by now."""
        seen_at = self.clock.now - self.spec.lag_s + 1e-9
        return [sample for sample in self.samples if sample.at <= seen_at]

    def _ratio(self) -> float:
        """Metric over target, as old as the metrics pipeline makes it."""
        spec, known = self.spec, self._known()
        if not known:
            return 1.0
        last = known[-1]
        if spec.metric == "queue":
            return last.load / (float(spec.target) * max(self.ready, 1))
        first = _at(known, last.at - (spec.metric_window or spec.every_s))
        servers = last.servers_area - first.servers_area
        if servers <= 0.0:
            return 1.0
        return (last.busy_area - first.busy_area) / servers / float(spec.target)

    def _by_concurrency(self, now: float, panicking: Panicking) -> int:
        known = self._known()
        if len(known) < 2:
            return self.ordered
        last, spec = known[-1], panicking.spec
        means = []
        for window in (spec.stable_window, spec.panic_window):
            first = _at(known[:-1], last.at - window)
            means.append((last.load_area - first.load_area) / (last.at - first.at))
        return panicking.decide(now, means[0], means[1], self.ready)

    def _order(self, count: int) -> None:
        for _ in range(count):
            self._sum -= self.clock.now
            due = self.clock.now + self.startup() + self.load_s
            self.starting.append(due)
            self.clock.call_at(due, lambda due=due: self._became_ready(due))  # type: ignore[misc]

    def _became_ready(self, due: float) -> None:
        if due in self.starting:
            self.starting.remove(due)
            self.ready += 1
            self.fleet.grow(self.spec.warmup)

    def _shrink(self, count: int) -> None:
        cancelled = min(count, len(self.starting))
        for _ in range(cancelled):
            # The latest order is the furthest from being ready.
            self.starting.remove(max(self.starting))
            self._sum += self.clock.now
        if count > cancelled:
            self.ready -= count - cancelled
            self.leaving += count - cancelled
            self.fleet.shrink(count - cancelled, self._gone)

    def _gone(self) -> None:
        self.leaving -= 1
        self._sum += self.clock.now

    def _await_preemption(self, mtbf_s: float) -> None:
        # Thinning: the pool's hazard grows with its size, which is at most `max_replicas`.
        most = self.spec.max_replicas
        due = self.clock.now + float(self._lifetimes(mtbf_s / most))

        def strike() -> None:
            if self._accept() < self.ready / most:
                self.preempt(1)
            self._await_preemption(mtbf_s)

        self.clock.call_at(due, strike)


def _at(samples: Sequence[Sample], moment: float) -> Sample:
    """The first sample at or after a moment, else the last one."""
    return next((sample for sample in samples if sample.at >= moment - 1e-9), samples[-1])
