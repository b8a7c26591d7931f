"""A design at many points: a tidy table with a row a point."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from simulator.metrics.spread import Document
from simulator.studies.design import RATE_WORDS, Design, refuse_lengths
from simulator.studies.errors import StudyError, StudyInterrupted
from simulator.studies.horizon import shortness, spans_of
from simulator.studies.planner import Bench
from simulator.studies.point import Found, Point, unseen_in
from simulator.studies.ranges import Range, Setting, grid, latin_hypercube
from simulator.studies.run import RunOptions, plan_run, refuse_idle_rate
from simulator.studies.scaling import unsettled_runs
from simulator.topology.objectives import objectives_of

REQUESTS = 20_000
CHUNK = 500
METRICS = (
    "latency.mean", "latency.p50", "latency.p95", "latency.p99", "errors.rate", "throughput",
    "goodput", "quality", "cost.per_hour", "cost.per_1k_requests",
)  # fmt: skip


@dataclass(frozen=True)
class Sweep:
    """A finished sweep; ``document`` is what ``--json`` prints.

    ``rows`` of the document hold the varied paths, and each metric with ``_low`` and ``_high``.
    """

    document: Document

    @property
    def rows(self) -> list[Document]:
        """One row a point, in the order of the plan."""
        found: list[Document] = self.document["rows"]
        return found

    @property
    def paths(self) -> list[str]:
        """What was varied."""
        found: list[str] = self.document["paths"]
        return found


def plan_sweep(
    ranges: Sequence[Range],
    *,
    lhs: int | None = None,
    points: Sequence[Sequence[Setting]] = (),
    seed: int = 42,
) -> list[tuple[Setting, ...]]:
    """The settings of every point: given ones, a Latin hypercube of ``lhs`` points, or the grid."""
    if points and (ranges or lhs is not None):
        beside = "--over" if ranges else "--lhs"
        raise StudyError(
            f"--points already names every point, so {beside} has nothing to say",
            "leave one of the two out",
        )
    if points:
        return [tuple(point) for point in points]
    if not ranges:
        raise StudyError("a sweep needs something to vary", "add --over rps=100..2000:12")
    repeated = {item.path for item in ranges if sum(o.path == item.path for o in ranges) > 1}
    if repeated:
        raise StudyError(f"--over: `{min(repeated)}` is given twice")
    return grid(ranges) if lhs is None else latin_hypercube(ranges, lhs, seed)


def sweep(
    design: Design,
    plan: Sequence[Sequence[Setting]],
    options: RunOptions,
    bench: Bench | None = None,
) -> Sweep:
    """Run the design at every point of the plan, all from the same seed.

    Points share the draws of all that they share, so neighbours differ by what was changed and
    little else. Points are made and validated 500 at a time, before the first of those is
    run: ten thousand documents at once would fill the memory. An interrupt gives the rows that
    are finished, and marks the table as partial.
    """
    bench = bench or Bench()
    if not plan:
        raise StudyError("a sweep needs at least one point")
    refuse_lengths(design, (path for settings in plan for path, _ in settings))
    if options.requests is None and options.duration_s is None:
        options = replace(options, requests=REQUESTS)
    rates = [value for settings in plan for path, value in settings if path in RATE_WORDS]
    if any(isinstance(rate, int | float) and rate <= 0.0 for rate in rates):
        raise StudyError("a rate of 0 or less offers nothing to measure", "begin above 0")
    if rates:
        options = replace(options, rps=None)
        refuse_idle_rate(plan_run(design.varied(plan[0]).topology, options)[0], "sweep")
    goals = options.thresholds
    goals = tuple(objectives_of(design.topology)) if goals is None else goals
    rows: list[Document] = []
    interrupted, unseen = False, set[str]()
    try:
        for start in range(0, len(plan), CHUNK):
            chunk = plan[start : start + CHUNK]
            points = [Point(design.varied(settings).data, options) for settings in chunk]
            label = f"points from {start + 1}" if len(plan) > CHUNK else "points"
            found = bench.evaluate(points, label)
            rows += [row_of(settings, item) for settings, item in zip(chunk, found, strict=True)]
            unseen |= set(unseen_in(found))
    except StudyInterrupted:
        interrupted = True
        rows += _finished(chunk, points, bench)
    paths = list(dict.fromkeys(path for settings in plan for path, _ in settings))
    document: Document = {
        "schema": 1,
        "study": "sweep",
        "topology": design.topology.name,
        "file": design.source.file,
        "seed": options.seed,
        "cells": design.topology.cells,
        "paths": paths,
        "points": len(plan),
        "objectives": [f"{goal.name}: {goal.threshold.text}" for goal in goals],
        "interrupted": interrupted,
        "unsettled": unsettled_runs(row["unsettled_s"] for row in rows),
        "horizons": shortness([row["spans"] for row in rows]),
        "unseen": sorted(unseen),
        "partial": interrupted or any(not row["whole"] for row in rows),
        "rows": rows,
    }
    return Sweep(document)


def row_of(settings: Sequence[Setting], found: Found) -> Document:
    """The row of a point: settings, verdict, bottleneck, metrics with their intervals."""
    document = found["document"]
    row: Document = dict(settings)
    row |= {
        "status": document["verdict"]["status"],
        "stable": document["stable"],
        "bottleneck": document["verdict"]["bottleneck"],
        "utilization": max(
            (item["utilization"] or 0.0 for item in document["components"].values()), default=0.0
        ),
    }
    for name in METRICS:
        interval = measured(document["metrics"], name)
        row[name] = interval["value"]
        row[f"{name}_low"], row[f"{name}_high"] = interval["low"], interval["high"]
    for objective in document["objectives"]:
        row[f"{objective['metric']}: {objective['threshold']}"] = objective["status"]
    row["replications"] = document["replications"]
    row["spans"] = spans_of(document)
    row["unsettled_s"] = found["unsettled_s"]
    row["whole"] = document["run"]["endings"] == ["complete"]
    return row


def measured(metrics: Document, name: str) -> Document:
    """The interval of a metric by its dotted name; empty ends where it was not measured."""
    place: Any = metrics
    for part in name.split("."):
        place = place.get(part) if isinstance(place, dict) else None
    if isinstance(place, dict) and "value" in place:
        return place
    return {"value": None, "low": None, "high": None}


def _finished(
    plan: Sequence[Sequence[Setting]], points: Sequence[Point], bench: Bench
) -> Iterator[Document]:
    """Rows of the points that are in the store already."""
    for settings, point in zip(plan, points, strict=True):
        found = bench.kept(point)
        if found is not None:
            yield row_of(settings, found)
