"""Replicas that come and go with the load, by the clock, or at the whim of a spot market."""

from collections import deque
from collections.abc import Callable
from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from simulator.kernel.clock import Clock
from simulator.kernel.site import Draw, Site
from simulator.kernel.spec import Spec
from simulator.policies.calendar import DAY_S, DAYS, Calendar, DayName, Shift, TimeOfDay
from simulator.policies.horizontal import Behavior, Horizontal, scale_down_default, scale_up_default
from simulator.quantities import (
    Count,
    Duration,
    DurationDistribution,
    Fraction,
    PositiveDuration,
    constant,
)


class Spot(Spec):
    """Replicas on capacity that the provider takes back.

    A replica that is taken back finishes its work and starts none; then it is gone. That the
    provider's notice (two minutes at AWS, 30 s elsewhere) is long enough for it is assumed.
    """

    mtbf: PositiveDuration
    """Mean time until a replica is taken back, exponential."""


class Autoscale(Spec):
    """The number of replicas follows the load (Kubernetes HPA, KEDA) or the time of day.

    `utilization` aims at a share of busy workers: `ceil(replicas x metric / target)` within a
    tolerance. `queue` aims at so many requests waiting and in work per replica (KEDA). A new
    replica starts up, then warms up worker by worker; it is paid from the moment it is ordered.
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
    starts: TimeOfDay = 0.0
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
        return self


class Scaled:
    """What a scaler steers: workers come in and go out, and it can tell how busy they are.

    ``add`` changes the number of workers that serve; ``load`` is the number of requests waiting
    and in work; ``busy_area`` and ``servers_area`` are integrals over time (worker-seconds).
    """

    def __init__(
        self,
        add: Callable[[int], None],
        load: Callable[[], float],
        busy_area: Callable[[], float],
        servers_area: Callable[[], float],
        workers: int,
    ) -> None:
        self.add = add
        self.load = load
        self.busy_area = busy_area
        self.servers_area = servers_area
        self.workers = workers


class Scaler:
    """Runs the control loop: measures, decides, orders replicas and takes them away.

    ``area`` is the integral of paid replicas over time (replica-seconds).
    """

    def __init__(
        self, site: Site, owner: str, spec: Autoscale, scaled: Scaled, replicas: int
    ) -> None:
        self.clock: Clock = site.clock
        self.spec = spec
        self.scaled = scaled
        self.ready = replicas
        self.starting: list[float] = []
        self.rules = Horizontal(
            spec.min_replicas, spec.max_replicas, spec.tolerance, spec.scale_up, spec.scale_down
        )
        self.startup: Draw = site.draws(owner, "startup", spec.startup)
        self.samples: deque[tuple[float, float, float, float]] = deque()
        self.calendar: Calendar | None = None
        if spec.schedule:
            starts = DAYS.index(spec.starts_on) * DAY_S + spec.starts
            self.calendar = Calendar(spec.schedule, starts)
        self.preempted = 0
        self._sum = 0.0
        if spec.spot is not None:
            rng = site.streams.generator(f"{owner}.spot")
            self._lifetimes = rng.exponential
            self._accept = site.uniforms(owner, "spot_choice")
            self._await_preemption()
        self._sample()
        self.clock.call_at(spec.sync_period, self._sync)

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
        """Replicas that are paid for."""
        return self.ready + len(self.starting)

    def area(self) -> float:
        """Integral of paid replicas over time so far."""
        return self._sum + self.ordered * self.clock.now

    def preempt(self, count: int) -> None:
        """The provider takes replicas back; as many are ordered anew."""
        count = min(count, self.ready)
        if count:
            self.preempted += count
            self._remove_ready(count)
            self._order(count)

    def _sync(self) -> None:
        spec, now = self.spec, self.clock.now
        self.clock.call_at(now + spec.sync_period, self._sync)
        self._sample()
        wanted = self.rules.raw(self._ratio(), max(self.ready, 0), len(self.starting))
        if self.ordered == 0 and self.scaled.load() > 0:
            wanted = 1
        if self.calendar is not None:
            wanted = max(wanted, self.calendar.count_at(now))
        change = self.rules.limit(now, wanted, self.ordered) - self.ordered
        if change > 0:
            self._order(change)
        elif change < 0:
            self._shrink(-change)

    def _sample(self) -> None:
        scaled, now = self.scaled, self.clock.now
        self.samples.append((now, scaled.busy_area(), scaled.servers_area(), scaled.load()))
        oldest = now - self.spec.metric_lag - (self.spec.metric_window or self.spec.sync_period)
        while len(self.samples) > 2 and self.samples[1][0] <= oldest:
            self.samples.popleft()

    def _ratio(self) -> float:
        """Metric over target, as old as the metrics pipeline makes it."""
        spec = self.spec
        seen_at = self.clock.now - spec.metric_lag + 1e-9
        known = [sample for sample in self.samples if sample[0] <= seen_at]
        if not known:
            return 1.0
        last = known[-1]
        if spec.metric == "queue":
            return last[3] / (float(spec.target) * max(self.ready, 1))
        window = spec.metric_window or spec.sync_period
        first = next(sample for sample in known if sample[0] >= last[0] - window - 1e-9)
        servers = last[2] - first[2]
        if servers <= 0.0:
            return 1.0
        return (last[1] - first[1]) / servers / float(spec.target)

    def _order(self, count: int) -> None:
        for _ in range(count):
            self._sum -= self.clock.now
            due = self.clock.now + self.startup()
            self.starting.append(due)
            self.clock.call_at(due, lambda due=due: self._became_ready(due))  # type: ignore[misc]

    def _became_ready(self, due: float) -> None:
        if due not in self.starting:
            return
        self.starting.remove(due)
        self.ready += 1
        workers, warmup = self.scaled.workers, self.spec.warmup
        if not warmup or workers == 1:
            self.scaled.add(workers)
            return
        for number in range(workers):
            self.clock.call_at(self.clock.now + warmup * number / workers, self._add_worker)

    def _add_worker(self) -> None:
        self.scaled.add(1)

    def _shrink(self, count: int) -> None:
        cancelled = min(count, len(self.starting))
        for _ in range(cancelled):
            # The latest order is the furthest from being ready.
            self.starting.remove(max(self.starting))
            self._sum += self.clock.now
        if count > cancelled:
            self._remove_ready(count - cancelled)

    def _remove_ready(self, count: int) -> None:
        self.ready -= count
        self._sum += count * self.clock.now
        self.scaled.add(-count * self.scaled.workers)

    def _await_preemption(self) -> None:
        # Thinning: the pool's hazard grows with its size, which is at most `max_replicas`.
        assert self.spec.spot is not None
        most = self.spec.max_replicas
        due = self.clock.now + float(self._lifetimes(self.spec.spot.mtbf / most))

        def strike() -> None:
            if self._accept() < self.ready / most:
                self.preempt(1)
            self._await_preemption()

        self.clock.call_at(due, strike)
