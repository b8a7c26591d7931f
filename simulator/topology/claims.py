"""What a design document promises, and the questions an interviewer asks about it."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from simulator.kernel.spec import Spec
from simulator.quantities import PositiveCount, PositiveDuration, Rate
from simulator.quantities.fields import Duration
from simulator.topology.expectation import ExpectedText
from simulator.topology.formula import FormulaText
from simulator.topology.statistics import Statistic

WAYS = ("metric", "formula", "statistics", "not_simulated")
CONDITIONS = (
    "of_class", "variant", "workload", "rps", "faults", "settings", "duration", "requests",
    "warmup", "versus",
)  # fmt: skip
OURS = "ours"
BASE = "base"
"""What ``versus`` calls the design without a variant."""


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Claim(Spec):
    """A promise and the way to check it: a run, a formula, a statistic, or why there is none.

    A claim states its text and the section that promises it. One of `metric`, `formula`,
    `statistics` and `not_simulated` says how it is decided; the others need `expect`.
    """

    text: str
    """The promise in a sentence."""
    section: str | None = None
    """Heading under which the document makes it."""
    document: str | None = None
    """The document, if not the source of the topology."""
    own: bool = False
    """A promise of our own, which no document makes."""
    bound: str | None = None
    """Where the figure of `expect` stands if not in the section: another heading, or `ours`."""
    note: str | None = None
    """A remark for the reader: what the finding means."""
    metric: FormulaText | None = None
    """Metric of a run, or arithmetic of metrics: `latency.p(99)`."""
    formula: FormulaText | None = None
    """Arithmetic with units."""
    statistics: Statistic | None = None
    """A statistical calculation."""
    not_simulated: str | None = None
    """Why neither a run nor a calculation can decide it."""
    expect: ExpectedText | None = None
    """What the value has to be: `<50ms`, `>=80%, <=90%`, `2.3s ±10%`."""

    of_class: str | None = Field(None, alias="class")
    """Class of requests that the metric is of."""
    variant: str | None = None
    """Variant that is run."""
    workload: str | None = None
    """Workload that is run."""
    rps: Rate | None = None
    """Offered rate."""
    faults: Annotated[list[str], BeforeValidator(_as_list)] = Field(default_factory=list)
    """Failure scenarios that happen in the run."""
    settings: dict[str, Any] = Field(default_factory=dict, alias="set")
    """Values that are replaced, by path."""
    duration: PositiveDuration | None = None
    """Simulated time of a replication."""
    requests: PositiveCount | None = None
    """Requests over all replications."""
    warmup: Duration | None = None
    """Time left out at the beginning; with faults nothing is, unless this says so."""
    versus: str | None = None
    """Variant (or `base`) that the value is compared with."""
    as_: Literal["difference", "ratio"] | None = Field(None, alias="as")
    """How it is compared."""

    @property
    def place(self) -> str:
        """Where the promise stands, and where its figure does if that is somewhere else."""
        place = self.section or "our own"
        if self.bound is None:
            return place
        return f"{place}; bound {self.bound if self.bound == OURS else f'of {self.bound}'}"

    @property
    def way(self) -> str:
        """Which of the four ways decides it."""
        return next(way for way in WAYS if getattr(self, way) is not None)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = [way for way in WAYS if getattr(self, way) is not None]
        if len(ways) != 1:
            found = " and ".join(f"`{way}`" for way in ways) or "none"
            listed = ", ".join(f"`{way}`" for way in WAYS)
            raise ValueError(f"a claim is decided by one of {listed}; this one has {found}")
        if ways != ["not_simulated"] and self.expect is None:
            raise ValueError("a claim that is checked says what to `expect`, such as <50ms")
        if self.section is None and not self.own:
            raise ValueError("a claim names the `section` that makes it, or says `own: true`")
        if self.bound is not None and self.expect is None:
            raise ValueError("`bound` says where the figure of `expect` stands, and there is none")
        if (self.versus is None) != (self.as_ is None):
            raise ValueError("`versus` goes with `as: difference` or `as: ratio`")
        stray = [name for name in CONDITIONS if self.metric is None and getattr(self, name)]
        if stray:
            shown = {"of_class": "class", "settings": "set"}.get(stray[0], stray[0])
            raise ValueError(f"`{shown}` is a condition of a run, and this claim has no `metric`")
        return self


class InterviewQuestion(Spec):
    """A question an interviewer asks to see whether the numbers are understood."""

    question: str
    """The question."""
    answer: str
    """The answer; `{estimates.NAME}`, `{claims.NAME}` and metrics in braces become figures."""
    section: str | None = None
    """Heading under which the document asks it."""
    document: str | None = None
    """The document, if not the source of the topology."""


__all__ = ["BASE", "Claim", "InterviewQuestion"]
