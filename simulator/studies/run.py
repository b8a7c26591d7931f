"""The main question: does this design hold this load?"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from simulator.engine.budget import Budget
from simulator.engine.replicate import Experiment, run_replications
from simulator.metrics.confidence import Interval, replications_needed
from simulator.metrics.fault_phases import fault_phases
from simulator.metrics.spread import Document
from simulator.metrics.summary import Findings, Question, settle, summarize
from simulator.metrics.verdict import judge
from simulator.quantities import told_duration
from simulator.recording.recording import Recording
from simulator.studies.aims import aims_of
from simulator.studies.errors import StudyError
from simulator.topology.attribute_forms import check_workload
from simulator.topology.fault_file import check_times, find_faults
from simulator.topology.load import idle_rate, load_of, users_wait
from simulator.topology.model import Topology
from simulator.topology.objectives import Objective, check_objectives, objectives_of
from simulator.topology.paper import PaperPlan, on_paper
from simulator.topology.reading import find_workload
from simulator.workload.model import Workload

SCHEMA = 1
REPLICATIONS = 6
REQUESTS = 210_000
REPLICATIONS_MAX = 200

Progress = Callable[[str, float], None]
"""Told what is going on and the share that is done."""


@dataclass(frozen=True)
class RunOptions:
    """How to run a design, where the design does not say itself; None leaves it to the defaults.

    ``requests`` counts over all replications, ``duration_s`` is that of one replication.
    """

    rps: float | None = None
    workload: str | None = None
    faults: str | None = None
    duration_s: float | None = None
    requests: int | None = None
    warmup_s: float | None = None
    seed: int = 42
    replications: int | None = None
    precision: float | None = None
    jobs: int | None = None
    wall_s: float = 120.0
    requests_max: int = 20_000_000
    thresholds: tuple[Objective, ...] | None = None


@dataclass(frozen=True)
class RunResult:
    """A finished run: the document that ``--json`` prints, and what reports need beyond it."""

    document: Document
    topology: Topology
    experiment: Experiment
    recordings: list[Recording] = field(repr=False)
    findings: Findings = field(repr=False)
    paper: PaperPlan = field(repr=False)

    @property
    def partial(self) -> bool:
        """Whether a limit or an interrupt ended the run early."""
        return bool(self.document["run"]["endings"] != ["complete"])


def plan_run(topology: Topology, options: RunOptions) -> tuple[Experiment, int, Workload]:
    """The experiment and the number of replications that the options ask for."""
    if options.rps is not None:
        topology = topology.model_copy(update={"rate": options.rps})
    check_objectives(topology, options.thresholds or ())
    workload = find_workload(options.workload or topology.run.workload or "steady")
    check_workload(topology, workload)
    topology = topology.at_own_rates(workload.arrivals)
    replications = options.replications or topology.run.replications or REPLICATIONS
    horizon_s = options.duration_s
    if horizon_s is None and options.requests is None:
        horizon_s = workload.duration or topology.run.duration
    experiment = Experiment(
        topology=topology,
        arrivals=workload.arrivals,
        horizon_s=horizon_s or 1.0,
        seed=options.seed,
        budget=Budget(wall_s=options.wall_s),
    )
    if horizon_s is None:
        requests = options.requests or topology.run.requests or _default_requests(topology)
        experiment = replace(
            experiment, horizon_s=_horizon_for(experiment, requests / replications)
        )
    expected = experiment.expected_requests
    if expected * replications > options.requests_max:
        shorter = experiment.horizon_s * options.requests_max / (expected * replications)
        experiment = replace(experiment, horizon_s=shorter)
    faults = find_faults(topology, options.faults)
    check_times(faults, experiment.horizon_s, options.faults or "")
    experiment = replace(experiment, faults=faults)
    return experiment, replications, workload


def run(topology: Topology, options: RunOptions, progress: Progress | None = None) -> RunResult:
    """Run the design and judge it.

    With ``precision``, replications are added until the half-width of p99 is that share of its
    value, or a budget is reached; the document says which.
    """
    began = time.perf_counter()
    experiment, replications, workload = plan_run(topology, options)
    jobs = options.jobs or min(os.cpu_count() or 1, replications)
    thresholds = options.thresholds
    if thresholds is None:
        thresholds = tuple(objectives_of(experiment.topology))
    question = _question(experiment, thresholds, options.warmup_s)
    paper = on_paper(experiment.topology)

    def told(position: int, share: float) -> None:
        if progress is not None:
            progress(f"replication {position + 1} of {replications}", share)

    recordings = run_replications(experiment, range(replications), jobs=jobs, progress=told)
    findings = settle(recordings, question)
    document = summarize(recordings, question, findings)
    stopped_by = None
    while options.precision is not None and document["run"]["endings"] == ["complete"]:
        wanted = _more_needed(document, len(recordings), options.precision)
        if wanted <= len(recordings):
            stopped_by = "precision"
            break
        if time.perf_counter() - began > options.wall_s or len(recordings) >= REPLICATIONS_MAX:
            stopped_by = "budget"
            break
        wanted = min(wanted, 2 * len(recordings), REPLICATIONS_MAX)
        recordings += run_replications(
            experiment, range(len(recordings), wanted), jobs=jobs, progress=told
        )
        findings = settle(recordings, question)
        document = summarize(recordings, question, findings)
    document = _complete(document, experiment, workload, recordings, stopped_by)
    document |= judge(document, thresholds, findings, _certain_load(experiment))
    if (idle := idle_rps(experiment, options)) is not None:
        document["warnings"].append(idle)
    cut_s = document["run"]["warmup_s"]
    if options.warmup_s is not None and cut_s < options.warmup_s:
        document["warnings"].append(
            f"--warmup {told_duration(options.warmup_s)} would leave too little of the run: "
            f"{told_duration(cut_s)} are cut"
        )
    document["warnings"] += unseen(
        experiment.topology, experiment.horizon_s, document["objectives"]
    )
    if experiment.faults:
        document["faults"] = fault_phases(
            recordings, findings.cut_s, list(aims_of(experiment.topology))
        )
    notes = {row.name: list(row.notes) for row in paper.rows if row.notes}
    if notes:
        document["notes"] = notes
    document["run"]["elapsed_s"] = time.perf_counter() - began
    document["run"]["jobs"] = jobs
    return RunResult(document, experiment.topology, experiment, recordings, findings, paper)


def idle_rps(experiment: Experiment, options: RunOptions) -> str | None:
    """A warning if a rate was asked for where none plays a part."""
    why = idle_rate(experiment.topology, experiment.arrivals)
    if why is None or options.rps in (None, experiment.arrivals.own_rate):
        return None
    return f"--rps has no effect: {why}"


def refuse_idle_rate(experiment: Experiment, verb: str) -> None:
    """Raise StudyError if there is no rate to search, sweep or vary."""
    why = idle_rate(experiment.topology, experiment.arrivals)
    if why is not None:
        raise StudyError(
            f"{why}: there is no rate to {verb}",
            "name one that follows --rps, such as --workload steady (a replay does with "
            "`at_offered_rate: true`), or sweep a field: --over run.workload.users=10,20,40",
        )


def unseen(topology: Topology, horizon_s: float, objectives: list[Document]) -> Iterator[str]:
    """What the quality that is judged cannot show, as the run is too short."""
    metrics = {row["metric"].rpartition(".")[2] for row in objectives}
    if metrics.isdisjoint(("quality", "degraded")):
        return
    for name, component in topology.components.items():
        if component.unseen_before_s > horizon_s:
            due = told_duration(component.unseen_before_s)
            yield (
                f"the run ends before a result of {name} is due, {due} after the start: quality "
                "does not show one that is late or missing (a longer run does)"
            )


def _default_requests(topology: Topology) -> float:
    """As many as take about as long, whatever the components."""
    return REQUESTS / max((item.effort for item in topology.components.values()), default=1.0)


def _horizon_for(experiment: Experiment, requests: float) -> float:
    """Simulated time for so many requests, when the shape may depend on the time itself."""
    horizon_s = 1.0
    for _ in range(20):
        expected = replace(experiment, horizon_s=horizon_s).expected_requests
        if expected <= 0.0:
            horizon_s *= 10.0
            continue
        factor = requests / expected
        horizon_s *= factor
        if abs(factor - 1.0) < 1e-6:
            break
    return horizon_s


def _question(
    experiment: Experiment, objectives: tuple[Objective, ...], warmup_s: float | None
) -> Question:
    topology = experiment.topology
    if warmup_s is None and topology.run.warmup != "auto":
        warmup_s = float(topology.run.warmup)
    bounded = {
        name
        for name, component in topology.components.items()
        if component.refuses or getattr(component, "acquire_timeout", None) is not None
    }
    return Question(
        cells=topology.cells,
        warmup_s=warmup_s,
        derived={
            name: (metric.inside, metric.outside) for name, metric in topology.metrics.items()
        },
        offered=_certain_load(experiment),
        bounded=frozenset(bounded),
        early=frozenset(n for n, item in topology.components.items() if item.answers_early),
        percentiles=tuple(
            sorted(
                {
                    objective.threshold.percentile / 100.0
                    for objective in objectives
                    if objective.threshold.percentile is not None
                }
            )
        ),
    )


def _certain_load(experiment: Experiment) -> dict[str, float]:
    """Least utilizations on paper; none where users wait, who cannot ask for too much."""
    if users_wait(experiment.topology, experiment.arrivals):
        return {}
    return on_paper(experiment.topology).least_utilizations()


def _more_needed(document: Document, count: int, precision: float) -> int:
    latency = document["metrics"]["latency"]
    if latency is None or latency["p99"]["low"] is None:
        return count + 2
    p99 = latency["p99"]
    interval = Interval(p99["value"], p99["low"], p99["high"])
    return replications_needed(interval, count, precision)


def _complete(
    document: Document,
    experiment: Experiment,
    workload: Workload,
    recordings: list[Recording],
    stopped_by: str | None,
) -> Document:
    topology = experiment.topology
    head: dict[str, Any] = {
        "schema": SCHEMA,
        "topology": topology.name,
        "summary": topology.summary,
        "rate": topology.rate,
        "workload": workload.name,
        "arrivals": workload.arrivals.describe(),
        "closed": workload.arrivals.closed,
        **load_of(topology, workload.arrivals),
        "horizon_s": experiment.horizon_s,
        "seed": experiment.seed,
        "replications": len(recordings),
        "cells": topology.cells,
    }
    if stopped_by is not None:
        head["stopped_by"] = stopped_by
    return {**head, **document}
