"""A scheduled job whose result is read until the next one is there."""

from typing import Literal

from pydantic import Field, model_validator

from simulator.kernel.amount import DurationAmount
from simulator.kernel.component import Component, Means, Paper, Server
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Flow, Request
from simulator.kernel.site import Site
from simulator.quantities import (
    Duration,
    DurationDistribution,
    Fraction,
    PositiveDuration,
    UsdPerItem,
)


class BatchJob(Component):
    """Runs every so often, and answers calls with its latest result.

    The result of a run is expected `deadline` after its start. From then on, until the run has
    succeeded, readers get the previous result (`stale_ok`, with a lower quality) or an error. A
    failed attempt starts again at once, up to `max_attempts`; then the period goes without. A run
    that is not done when the next one starts is given up, and counts as late. A crash (the fault
    `down`) breaks the run off; what earlier runs have made can still be read.
    """

    kind: Literal["batch_job"] = "batch_job"
    every: PositiveDuration
    """Time between the starts of two runs, for example `24h`."""
    starts: Duration = 0.0
    """When the first run starts; there is a result from before the simulation."""
    takes: DurationDistribution
    """Time of one attempt."""
    deadline: PositiveDuration
    """Time after the start at which the result is expected."""
    failures: Fraction = 0.0
    """Share of attempts that fail, at the end of their time."""
    max_attempts: int = Field(3, ge=1, le=100)
    """Attempts per run, the first included."""
    lookup: DurationAmount
    """Time to read the result."""
    when_late: Literal["previous", "fail"] = "previous"
    """Whether readers get the previous result or an error while the new one is late."""
    stale_quality: Fraction = 1.0
    """Quality of the previous result."""
    price: UsdPerItem | None = None
    """Cost of one attempt."""

    @model_validator(mode="after")
    def _within_period(self) -> "BatchJob":
        if self.deadline > self.every:
            raise ValueError("`deadline` is later than the start of the next run (`every`)")
        return self

    @property
    def unseen_before_s(self) -> float:
        return self.starts + self.deadline

    def build(self, name: str, site: Site) -> "BatchJobServer":
        return BatchJobServer(name, site, self)

    def on_paper(self, attributes: Means) -> Paper:
        return Paper(delay_s=self.lookup.mean(attributes))


class BatchJobServer(Server):
    """The job as a line of execution of its own, beside the readers."""

    spec: BatchJob
    intake_survives = True

    def __init__(self, name: str, site: Site, spec: BatchJob) -> None:
        super().__init__(name, site, spec)
        self.lookup = spec.lookup.measure(site, name, "lookup")
        self.takes = site.durations(name, "takes", spec.takes)
        self.uniform = site.uniforms(name, "failures")
        self.fresh_until = spec.starts + spec.deadline
        self.made_at = 0.0
        self.served = self.stale = self.attempts = self.failed = self.late = 0
        self.meter(site, "served_total", lambda: self.served)
        self.meter(site, "stale_total", lambda: self.stale)
        self.meter(site, "attempts_total", lambda: self.attempts)
        self.meter(site, "failed_total", lambda: self.failed)
        self.meter(site, "late_total", lambda: self.late)
        self.meter(site, "age_of_result", lambda: self.clock.now - self.made_at)
        self.run: Request | None = None
        site.clock.call_at(spec.starts, self._start)

    def halt(self) -> None:
        """A crash breaks the attempt off; the run is repeated in its next period."""
        if self.run is not None and self.run.outcome is None:
            self.failed += 1
            self.run.cancel()

    def call(self, request: Request) -> Flow:
        seconds = self.lookup(request)
        if seconds > 0.0:
            yield seconds
            if request.visit is not None:
                request.visit.service += seconds
        self.served += 1
        if self.clock.now < self.fresh_until:
            return Outcome.OK
        self.stale += 1
        if self.spec.when_late == "fail":
            return Outcome.ERROR
        request.degraded = Outcome.STALE_OK
        request.quality *= self.spec.stale_quality
        return Outcome.OK

    def _start(self) -> None:
        began = self.clock.now
        if self.run is not None and self.run.outcome is None:
            self.run.cancel()
            self.late += 1
        self.run = Request(self.clock, -1, 0, {})
        self.run.start(self._attempts(began))
        # After the run's own appointment: one that takes the whole period is done just in time.
        self.clock.call_at(began + self.spec.every, self._start)

    def _attempts(self, began: float) -> Flow:
        spec = self.spec
        for _ in range(spec.max_attempts):
            self.attempts += 1
            if spec.price is not None:
                self.spent_usd += spec.price
            yield self.takes()
            if spec.failures and self.uniform() < spec.failures:
                self.failed += 1
                continue
            self.made_at = self.clock.now
            self.late += self.clock.now > began + spec.deadline
            self.fresh_until = began + spec.every + spec.deadline
            return Outcome.OK
        return Outcome.ERROR
