"""The model that a topology document is read into."""

from typing import Any, Literal, Self

from pydantic import Field, NonNegativeFloat

from simulator.kernel.component import Component, Means
from simulator.kernel.fault import Fault
from simulator.kernel.references import Attribute, Target
from simulator.kernel.spec import Spec
from simulator.policies.calling import Calling
from simulator.quantities import (
    AttributeDistribution,
    Fraction,
    PositiveCount,
    PositiveDuration,
    Rate,
    ThresholdLine,
)
from simulator.topology.claims import Claim, InterviewQuestion
from simulator.topology.estimates import EstimateEntry, GivenEntry
from simulator.workload.arrival_process import Arrivals

Name = str
NAME_PATTERN = r"^[A-Za-z_][A-Za-z0-9_\-]*$"


class Source(Spec):
    """Where the architecture is documented."""

    document: str
    """Name of the document."""
    section: str | None = None
    """Heading inside it."""


class RequestClass(Calling):
    """A class of requests: where they enter, how many they are, what they carry."""

    summary: str | None = None
    """One line on what is asked for."""
    entry: Target
    """Component that is called first."""
    share: NonNegativeFloat | Fraction = 1.0
    """Share of the offered rate, relative to the shares of the other classes."""
    rate: Rate | None = None
    """A rate of its own, beside the offered rate and not replaced by `--rps`."""
    arrivals: Arrivals | None = None
    """How a class with a rate of its own arrives, if not like the rest."""
    attributes: dict[Name, AttributeDistribution] = Field(default_factory=dict)
    """Values drawn once per request: key, size, length, tenant."""
    supersedes: Attribute | None = None
    """A new request cancels the unanswered one with the same value: keystrokes, live search. With a
    `timeout`, `cancel_on_timeout` says how far the system learns of it."""
    priority: int = Field(0, ge=0, le=1000)
    """Rank in queues with priorities, 0 being the most urgent."""
    operation: str | None = None
    """Operation asked of the entry component."""

    def means(self) -> Means:
        """Mean of every numeric attribute."""
        found: Means = {}
        for name, distribution in self.attributes.items():
            mean = getattr(distribution, "mean", None)
            if isinstance(mean, int | float) and mean == mean:  # a text has no mean
                found[name] = float(mean)
        return found


class RunDefaults(Spec):
    """How the design is run unless the command says otherwise."""

    workload: str | Arrivals | None = None
    """Name of a workload, or an arrival process."""
    duration: PositiveDuration | None = None
    """Simulated time of one replication."""
    requests: PositiveCount | None = None
    """Requests over all replications."""
    warmup: PositiveDuration | Literal["auto"] = "auto"
    """Time that is left out at the beginning."""
    replications: PositiveCount | None = None
    """Independent runs."""


class Variant(Spec):
    """A named patch on the document: mappings merge, everything else replaces."""

    summary: str | None = None
    """What is different and why."""
    decision: str | None = None
    """The design decision that it is the other side of."""
    chosen: str | None = None
    """What the design has instead."""
    alternative: str | None = None
    """What this variant has."""
    section: str | None = None
    """Heading under which the document weighs them."""
    document: str | None = None
    """The document, if not the source of the topology."""
    rate: Any = None
    requests: dict[str, Any] | None = None
    components: dict[str, Any] | None = None
    objectives: dict[str, Any] | None = None
    faults: dict[str, Any] | None = None
    cells: Any = None
    run: dict[str, Any] | None = None


class Topology(Spec):
    """An architecture: who asks for what, which components answer, what is promised."""

    name: str = Field(pattern=NAME_PATTERN)
    """Name of the design."""
    summary: str | None = None
    """What it is, in a line."""
    source: Source | None = None
    """Where it is documented."""
    rate: Rate
    """Offered rate; `--rps` replaces it."""
    requests: dict[Name, RequestClass] = Field(min_length=1)
    """Classes of requests."""
    components: dict[Name, Component] = Field(min_length=1)
    """The boxes of the architecture."""
    objectives: dict[str, list[ThresholdLine]] = Field(default_factory=dict)
    """What a run has to meet: thresholds by metric, such as `latency: ["p(99)<800ms"]`."""
    metrics: dict[Name, "DerivedMetric"] = Field(default_factory=dict)
    """Latency metrics of your own, made of parts of the latency."""
    requirements: list[str] = Field(default_factory=list)
    """What the system has to do, in sentences."""
    given: dict[Name, GivenEntry] = Field(default_factory=dict)
    """Clarifying numbers and constants that formulas use."""
    estimates: dict[Name, EstimateEntry] = Field(default_factory=dict)
    """Arithmetic anyone can say aloud, computed with units."""
    claims: dict[Name, Claim] = Field(default_factory=dict)
    """What the document promises, checked."""
    questions: dict[Name, InterviewQuestion] = Field(default_factory=dict)
    """Questions of an interviewer whose answer has a number."""
    variants: dict[Name, Variant] = Field(default_factory=dict)
    """Named patches, compared side by side."""
    faults: dict[Name, list[Fault]] = Field(default_factory=dict)
    """Named failure scenarios, such as `outage: [{at: 60s, for: 120s, target: db, down: true}]`."""
    cells: PositiveCount = 1
    """Identical, independent copies of the design; one is simulated."""
    run: RunDefaults = RunDefaults()
    """Defaults of a run."""

    def at_own_rates(self, arrivals: Arrivals) -> Self:
        """The topology with the rates that arrivals have by themselves, whatever is offered."""
        requests = {
            name: spec.model_copy(update={"rate": spec.arrivals.own_rate})
            for name, spec in self.requests.items()
            if spec.arrivals is not None and spec.arrivals.own_rate is not None
        }
        rate = self.rate if arrivals.own_rate is None else arrivals.own_rate
        return self.model_copy(update={"rate": rate, "requests": {**self.requests, **requests}})


class DerivedMetric(Spec):
    """A part of the latency: the time spent in some components, or outside of them."""

    inside: list[Target] | None = None
    """Time during which a request was inside any of these (their calls included).

    Of all classes together, those count of which some request comes there.
    """
    outside: list[Target] | None = None
    """Latency minus that time, of the same classes."""


__all__ = ["Attribute", "DerivedMetric", "RequestClass", "RunDefaults", "Topology", "Variant"]
