"""What a run has to meet, read from the ``objectives`` of a topology."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from simulator.kernel.step import steps_within
from simulator.quantities import Threshold, parse_threshold
from simulator.quantities.refusal import nearest
from simulator.steps.record import Record
from simulator.topology.diagnostics import Diagnostic, Diagnostics, DocumentError
from simulator.topology.model import Topology

MEASURED = frozenset(
    {
        "latency", "ttft", "tpot", "errors", "availability", "quality", "degraded", "cost",
        "throughput", "goodput",
    }
)  # fmt: skip
"""Metrics of every run."""


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
        close = nearest(of_class, topology.requests)
        return f"`{of_class}` is not a class of requests", _meant(close, topology.requests)
    if metric in MEASURED or metric in topology.metrics:
        return None
    metrics = known_metrics(topology)
    if metric not in metrics:
        return f"`{metric}` is not a metric", _meant(nearest(metric, metrics), metrics)
    return None


def check_objectives(topology: Topology, objectives: Iterable[Objective]) -> None:
    """Raise DocumentError with every objective from outside the file that names no metric."""
    diagnostics = Diagnostics("--threshold", ())
    for objective in objectives:
        wrong = misnamed(topology, objective.of_class, objective.metric)
        if wrong is not None:
            diagnostics.add(Diagnostic("E110", wrong[0], "--threshold", None, wrong[1]))
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
