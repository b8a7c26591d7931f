"""The objectives of a design that are times, to be judged in a part of a run."""

from collections.abc import Iterator

from simulator.kernel.step import steps_within
from simulator.metrics.aims import Aim
from simulator.steps.record import Record
from simulator.topology.model import Topology
from simulator.topology.objectives import objectives_of

TIMES = frozenset({"latency", "ttft", "tpot"})
"""Times of every request."""


def aims_of(topology: Topology) -> Iterator[Aim]:
    """Upper bounds on the mean or a percentile of recorded metrics and of times of requests."""
    records = [step for step in steps_within(topology.components) if isinstance(step, Record)]
    recorded = {step.metric for step in records}
    noted = {step.metric for step in records if step.attribute is not None}
    for objective in objectives_of(topology):
        metric, threshold = objective.metric, objective.threshold
        is_recorded = metric in recorded and objective.of_class is None
        if not (is_recorded or metric in TIMES) or threshold.dimension != "duration":
            continue
        if threshold.operator not in ("<", "<="):
            continue
        if threshold.percentile is not None or threshold.aggregate == "mean":
            yield Aim(
                objective.name,
                metric,
                threshold.percentile,
                threshold.bound,
                objective.of_class,
                recorded=is_recorded,
                age=metric not in noted,
            )
