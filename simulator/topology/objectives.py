"""What a run has to meet, read from the ``objectives`` of a topology."""

from collections.abc import Iterator
from dataclasses import dataclass

from simulator.kernel.step import steps_within
from simulator.quantities import Dimension, Threshold, parse_threshold
from simulator.steps.record import Record
from simulator.topology.model import Topology

DURATIONS = frozenset({"latency", "ttft"})
FRACTIONS = frozenset({"errors", "availability", "quality", "degraded", "utilization"})
MONEY = frozenset({"cost"})
RATES = frozenset({"throughput", "goodput"})


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


def dimension_of(metric: str) -> Dimension:
    """How bounds on a metric are written; a metric of the topology's own is a duration."""
    if metric in FRACTIONS:
        return "fraction"
    if metric in MONEY:
        return "money"
    return "rate" if metric in RATES else "duration"


def known_metrics(topology: Topology) -> set[str]:
    """Metrics that an objective of this topology may name."""
    own = {*topology.metrics, *_recorded(topology)}
    return {*DURATIONS, *FRACTIONS - {"utilization"}, *MONEY, *RATES, *own}


def objectives_of(topology: Topology) -> Iterator[Objective]:
    """Every objective of the topology; raises QuantityError for a threshold that is none."""
    for name, expressions in topology.objectives.items():
        for expression in expressions:
            yield parse_objective(name, expression)


def parse_objective(name: str, expression: str) -> Objective:
    """One objective from its key and its threshold."""
    of_class, _, metric = name.rpartition(".")
    return Objective(metric, parse_threshold(expression, dimension_of(metric)), of_class or None)


def _recorded(topology: Topology) -> set[str]:
    steps = steps_within(topology.components)
    return {step.metric for step in steps if isinstance(step, Record)}
