"""What a run has to meet, read from the ``objectives`` of a topology."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from simulator.kernel.step import steps_within
from simulator.quantities import Threshold, parse_threshold
from simulator.quantities.money import USD, USD_PER_HOUR
from simulator.quantities.refusal import nearest
from simulator.steps.record import Record
from simulator.topology.diagnostics import Diagnostic, Diagnostics, DocumentError
from simulator.topology.model import Topology


class Form(NamedTuple):
    """How a metric is measured, in which dimensions its bound may be, and an example of both."""

    aggregates: tuple[str, ...]
    dimensions: frozenset[str] | None
    example: str


_SPREAD = ("p", "mean", "max")
_TIMES = Form(_SPREAD, frozenset({"duration"}), "p(99)<800ms")
_SHARE = frozenset({"fraction", "number"})
_RATES = Form(("value", "rate", "mean"), frozenset({"rate", "number"}), "value>100/s")
_RECORDED = Form(_SPREAD, None, "p(99)<10s")

FORMS = {
    "latency": _TIMES,
    "ttft": _TIMES,
    "tpot": _TIMES,
    "errors": Form(("rate",), _SHARE, "rate<1%"),
    "availability": Form(("rate",), _SHARE, "rate>99.9%"),
    "quality": Form(("mean", "value", "rate"), _SHARE, "mean>95%"),
    "degraded": Form(("rate", "value", "mean"), _SHARE, "rate<5%"),
    "cost": Form(
        ("per_hour", "per_month", "per_1k_requests"),
        frozenset({USD.name, USD_PER_HOUR.name, "number"}),
        "per_hour<$10",
    ),
    "throughput": _RATES,
    "goodput": _RATES,
}
"""Metrics of every run."""

MEASURED = frozenset(FORMS)


@dataclass(frozen=True)
class Objective:
    """A threshold on a metric, of one class of requests (``chat.latency``) or of all."""

    metric: str
    threshold: Threshold
    of_class: str | None = None

    @property
    def name(self) -> str:
        """The metric as the document names it."""
        return self.metric if self.of_class is None else f"{self.of_class}.{self.metric}"


def known_metrics(topology: Topology) -> set[str]:
    """Metrics that an objective of this topology may name."""
    steps = steps_within(topology.components)
    recorded = {step.metric for step in steps if isinstance(step, Record)}
    return {*MEASURED, *topology.metrics, *recorded}


def misnamed(topology: Topology, of_class: str | None, metric: str) -> tuple[str, str] | None:
    """What is wrong with a metric, and the way out; None if the topology has it."""
    if of_class and of_class not in topology.requests:
        if of_class in known_metrics(topology) and metric in topology.requests:
            return f"`{of_class}` is not a class of requests", f"write `{metric}.{of_class}`"
        close = nearest(of_class, topology.requests)
        return f"`{of_class}` is not a class of requests", _meant(close, topology.requests)
    if metric in MEASURED or metric in topology.metrics:
        return None
    metrics = known_metrics(topology)
    if metric not in metrics:
        close = nearest(metric, metrics)
        own = "" if close else f"; a step `record: {metric}` makes it one"
        return f"`{metric}` is not a metric", _meant(close, metrics) + own
    return None


def misjudged(topology: Topology, metric: str, threshold: Threshold) -> tuple[str, str] | None:
    """What a metric that the topology has cannot be asked, and the way out; None if it can."""
    form = FORMS.get(metric) or (_TIMES if metric in topology.metrics else _RECORDED)
    hint = f"write it like `{metric}: {form.example}`"
    if threshold.aggregate not in form.aggregates:
        asked = "percentiles" if threshold.aggregate == "p" else f"`{threshold.aggregate}`"
        known = ", ".join("p(..)" if word == "p" else word for word in form.aggregates)
        return f"`{metric}` has no {asked}: it has {known}", hint
    if form.dimensions is not None and threshold.dimension not in form.dimensions:
        return f"`{metric}` has no bound like that of `{threshold.text}`", hint
    return None


def check_objectives(topology: Topology, objectives: Iterable[Objective]) -> None:
    """Raise DocumentError with every objective from outside the file that cannot be judged."""
    diagnostics = Diagnostics("--threshold", ())
    for objective in objectives:
        wrong = misnamed(topology, objective.of_class, objective.metric)
        code = "E110"
        if wrong is None:
            wrong, code = misjudged(topology, objective.metric, objective.threshold), "E108"
        if wrong is not None:
            diagnostics.add(Diagnostic(code, wrong[0], "--threshold", None, wrong[1]))
    if diagnostics.errors:
        raise DocumentError(diagnostics)


def objectives_of(topology: Topology) -> Iterator[Objective]:
    """Every objective of the topology."""
    for name, thresholds in topology.objectives.items():
        for threshold in thresholds:
            of_class, _, metric = name.rpartition(".")
            yield Objective(metric, threshold, of_class or None)


def parse_objective(text: str) -> Objective:
    """An objective from a command line, ``latency: p(99)<800ms``; raises QuantityError."""
    name, _, expression = text.partition(":")
    of_class, _, metric = name.strip().rpartition(".")
    return Objective(metric, parse_threshold(expression.strip()), of_class or None)


def _meant(close: str | None, known: Collection[str]) -> str:
    return f"did you mean `{close}`?" if close else f"known: {', '.join(sorted(known))}"
