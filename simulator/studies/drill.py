"""What happens when a part fails: every component through every fault, each in a run of its own."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import isnan
from typing import Any

from simulator.engine.anatomy import Anatomy, anatomy
from simulator.engine.budget import Budget
from simulator.engine.replicate import Experiment, run_replication
from simulator.metrics.aims import Aim
from simulator.metrics.resilience import Phases, Series, Verdict, judge_case, series_of
from simulator.studies.aims import aims_of
from simulator.studies.drill_sentence import sentence_of
from simulator.studies.lessons import lessons
from simulator.studies.remedies import remedy
from simulator.studies.run import RunOptions, plan_run
from simulator.topology.fault_file import read_faults
from simulator.topology.load import load_of
from simulator.topology.model import Topology

SCHEMA = 1
REQUESTS_PER_CASE = 6_000
"""Requests of one run: enough for a p99 of the fifth of them that the fault lasts."""
PHASES = Phases(begin=0.2, end=0.4, after=0.7)
EVERYTHING = "(traffic)"
WATCHED = 6
"""Cases at most whose course over time the document keeps: the worst of each fault."""

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Case:
    """One thing that goes wrong: a component (or the traffic) and a fault as a document."""

    component: str
    fault: str
    document: dict[str, Any]


@dataclass(frozen=True)
class Row:
    """A case and what came of it."""

    case: Case
    verdict: Verdict
    sentence: str
    remedy: str
    series: Series

    def to_dict(self) -> dict[str, Any]:
        """Plain data for the document."""
        return {
            "component": self.case.component,
            "fault": self.case.fault,
            **self.verdict.to_dict(),
            "sentence": self.sentence,
            "remedy": self.remedy,
        }


@dataclass(frozen=True)
class Drill:
    """The resilience matrix: rows worst first, under one load and seed."""

    topology: str
    rate: float
    load: dict[str, Any]
    horizon_s: float
    seed: int
    rows: tuple[Row, ...]
    baseline: Series

    @property
    def document(self) -> dict[str, Any]:
        """What ``--json`` prints; seconds from the start of each run."""
        broken = [row for row in self.rows if row.verdict.stays_broken]
        rows = [row.to_dict() for row in self.rows]
        return {
            "schema": SCHEMA,
            "study": "drill",
            "topology": self.topology,
            "rate": self.rate,
            **self.load,
            "seed": self.seed,
            "horizon_s": self.horizon_s,
            "phases": {
                "fault_begins_s": PHASES.begin * self.horizon_s,
                "fault_ends_s": PHASES.end * self.horizon_s,
                "after_begins_s": PHASES.after * self.horizon_s,
            },
            "runs": len(self.rows) + 1,
            "stays_broken": len(broken),
            "rows": rows,
            "lessons": lessons(rows),
            "over_time": self.over_time(),
        }

    def over_time(self) -> dict[str, Any]:
        """The worst case of each fault beside the run without any, in bins by time of arrival.

        ``edges`` (s) has one entry more than ``availability`` and ``median_s``.
        """
        worst: dict[str, Row] = {}
        for row in self.rows:
            if row.verdict.status != "unaffected":
                worst.setdefault(row.case.fault, row)
        bins = len(self.baseline.arrived)
        return {
            "edges": [self.horizon_s * number / bins for number in range(bins + 1)],
            "without_fault": _course(self.baseline),
            "cases": [
                {"component": row.case.component, "fault": row.case.fault, **_course(row.series)}
                for row in list(worst.values())[:WATCHED]
            ],
        }

    def table(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Rows by component and fault, for a heat map."""
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for row in self.rows:
            found.setdefault(row.case.component, {})[row.case.fault] = row.to_dict()
        return found


def cases(parts: Anatomy) -> Iterator[Case]:
    """Every fault of the drill, in the order of the topology.

    A component without a duration of its own (a fallback chain) cannot be slow, and one that
    keeps nothing in memory cannot be flushed.
    """
    span = {"at": f"{PHASES.begin:.0%}", "for": f"{PHASES.end - PHASES.begin:.0%}"}
    for name in parts.components:
        yield Case(name, "down", {**span, "target": name, "down": True})
        if name in parts.timed:
            yield Case(name, "10x slow", {**span, "target": name, "slow": 10})
        yield Case(name, "50% errors", {**span, "target": name, "errors": "50%"})
        if name in parts.forgets:
            short = {"at": span["at"], "for": "5%"}
            yield Case(name, "flush", {**short, "target": name, "flush": True})
    yield Case(EVERYTHING, "3x spike", {**span, "spike": 3})


def drill(topology: Topology, options: RunOptions, progress: Progress | None = None) -> Drill:
    """Break everything, one thing at a time, and compare with a run in which nothing breaks.

    All runs share the seed, so up to the fault they are the same run, and the differences are
    the doing of the fault. Each case is one run: rare outcomes may differ from seed to seed.
    """
    if options.duration_s is None and options.requests is None:
        options = replace(options, requests=REQUESTS_PER_CASE)
    experiment, _, _ = plan_run(topology, replace(options, replications=1, faults=None))
    experiment = replace(experiment, budget=Budget(wall_s=options.wall_s, drain_factor=0.5))
    every = list(cases(anatomy(experiment.topology)))
    jobs = options.jobs or os.cpu_count() or 1
    aims = tuple(aims_of(experiment.topology))
    baseline, *broken = list(_run_all(experiment, aims, every, jobs, progress))
    rows = []
    for case, series in zip(every, broken, strict=True):
        verdict = judge_case(series, baseline, aims)
        rows.append(
            Row(
                case,
                verdict,
                sentence_of(case.component, case.fault, verdict),
                remedy(experiment.topology, case.component, case.fault, verdict),
                replace(series, noted=()),
            )
        )
    rows.sort(key=lambda row: row.verdict.severity, reverse=True)
    return Drill(
        topology=topology.name,
        rate=experiment.topology.rate,
        load=load_of(experiment.topology, experiment.arrivals),
        horizon_s=experiment.horizon_s,
        seed=options.seed,
        rows=tuple(rows),
        baseline=replace(baseline, noted=()),
    )


def _run_all(
    experiment: Experiment,
    aims: Sequence[Aim],
    every: Sequence[Case],
    jobs: int,
    progress: Progress | None,
) -> Iterator[Series]:
    documents: list[dict[str, Any] | None] = [None, *(case.document for case in every)]
    if jobs == 1:
        results: Any = (_run_case(experiment, aims, document) for document in documents)
    else:
        from joblib import delayed

        from simulator.engine.forked import side_by_side

        results = side_by_side(
            (delayed(_run_case)(experiment, aims, document) for document in documents), jobs
        )
    for number, series in enumerate(results):
        if progress is not None:
            case = every[min(number, len(every) - 1)]
            progress(f"{case.component} {case.fault}", (number + 1) / len(documents))
        yield series


def _run_case(
    experiment: Experiment, aims: Sequence[Aim], document: dict[str, Any] | None
) -> Series:
    faults = () if document is None else read_faults([document])
    recording = run_replication(replace(experiment, faults=faults), 0)
    return series_of(recording, PHASES, aims)


def _course(series: Series) -> dict[str, list[float | None]]:
    """Availability and median latency in each bin; null where nothing arrived or ended."""
    shares = [
        float(good / arrived) if arrived else None
        for good, arrived in zip(series.good, series.arrived, strict=True)
    ]
    medians = [None if isnan(value) else float(value) for value in series.median_s]
    return {"availability": shares, "median_s": medians}
