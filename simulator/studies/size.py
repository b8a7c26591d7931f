"""The cheapest configuration that meets the objectives at a rate."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from simulator.metrics.spread import Document
from simulator.studies.candidates import (
    CHECKS_MAX,
    REQUESTS,
    Candidate,
    candidate,
    check,
    screen,
)
from simulator.studies.design import RATE_WORDS, Design, refuse_lengths
from simulator.studies.errors import StudyError
from simulator.studies.exploration import WAVE, Exploration
from simulator.studies.planner import Bench
from simulator.studies.point import unseen_in
from simulator.studies.ranges import Range, grid
from simulator.studies.run import RunOptions, plan_run
from simulator.studies.settled import refuse_replicas_that_follow, scaling_notes
from simulator.topology.load import load_of
from simulator.topology.objectives import objectives_of

GRID_MAX = 256
"""Larger spaces are explored instead of tried from the cheapest on."""


@dataclass(frozen=True)
class Sizing:
    """A finished search; ``document`` is what ``--json`` prints."""

    document: Document

    @property
    def settings(self) -> dict[str, Any] | None:
        """Values of the cheapest configuration that meets the objectives; None if none does."""
        winner = self.document["winner"]
        return None if winner is None else dict(winner["settings"])


def size(
    design: Design,
    ranges: Sequence[Range],
    options: RunOptions,
    bench: Bench | None = None,
    *,
    grid_max: int = GRID_MAX,
) -> Sizing:
    """Find the cheapest configuration of the grid that meets every objective.

    Configurations that cannot keep up on paper are dropped. The others get a short run, from the
    cheapest on, and what that does not rule out is run again with fresh seeds, as long as it takes
    until all intervals are on one side of the objectives. The first that passes is the answer. A
    space of more than ``grid_max`` configurations is explored instead, so something cheaper may be
    left. Raises StudyError without objectives or ranges.
    """
    bench = bench or Bench()
    options = _with_goals(design, options)
    if not ranges:
        raise StudyError("nothing to vary", "add --vary gpu_pool.replicas=2..12")
    if any(item.path in RATE_WORDS for item in ranges):
        raise StudyError(
            "--vary: the rate is what the configuration has to hold, not a part of it",
            "name the rate with --rps; simulate capacity finds the highest one",
        )
    refuse_lengths(design, (item.path for item in ranges))
    repeated = {item.path for item in ranges if sum(o.path == item.path for o in ranges) > 1}
    if repeated:
        raise StudyError(f"--vary: `{min(repeated)}` is given twice")
    refuse_replicas_that_follow(design, ranges)
    space = math.prod(len(item.values) for item in ranges)
    if space > grid_max:
        search = Exploration(
            ranges, lambda pairs: candidate(design, pairs, options), options, bench
        )
        candidates = search.search()
    else:
        candidates = [candidate(design, settings, options) for settings in grid(ranges)]
    candidates.sort(key=lambda item: (item.cost_usd_per_hour, item.utilization))
    winner = _first_that_holds(candidates, options, bench)
    return Sizing(_document(design, options, ranges, candidates, winner, space))


def _first_that_holds(
    candidates: Sequence[Candidate], options: RunOptions, bench: Bench
) -> Candidate | None:
    """The first, from the cheapest on, that passes with fresh seeds."""
    survivors = [item for item in candidates if item.status != "overloaded"]
    budget = CHECKS_MAX * (options.requests or REQUESTS)
    for start in range(0, len(survivors), WAVE):
        wave = survivors[start : start + WAVE]
        screen([item for item in wave if item.found is None], options, bench)
        for item in wave:
            if item.status == "fail" or (item.status == "unsure" and budget <= 0):
                continue
            budget -= check(item, options, bench, max(budget, 0))
            if item.status == "pass":
                return item
    return None


def _with_goals(design: Design, options: RunOptions) -> RunOptions:
    goals = options.thresholds
    if goals is None:
        goals = tuple(objectives_of(design.topology))
    if not goals:
        raise StudyError(
            f"{design.name} has no objectives, so the smallest configuration would do",
            "add objectives to the file, or -t 'latency: p(99)<800ms'",
        )
    return replace(options, thresholds=goals, rps=options.rps or design.topology.rate)


def _document(
    design: Design,
    options: RunOptions,
    ranges: Sequence[Range],
    candidates: Sequence[Candidate],
    winner: Candidate | None,
    space: int,
) -> Document:
    goals = options.thresholds or ()
    experiment = plan_run(design.topology, options)[0]
    counts = {
        status: sum(item.status == status for item in candidates)
        for status in ("overloaded", "fail", "unsure", "pass", "dearer")
    }
    dearest = math.inf if winner is None else winner.cost_usd_per_hour
    return {
        "schema": 1,
        "study": "size",
        "topology": design.topology.name,
        "file": design.source.file,
        "rate": experiment.topology.rate * design.topology.cells,
        **load_of(experiment.topology, experiment.arrivals),
        "seed": options.seed,
        "paths": [item.path for item in ranges],
        "objectives": [f"{goal.name}: {goal.threshold.text}" for goal in goals],
        "space": space,
        "explored": len(candidates) < space,
        "winner": None if winner is None else winner.to_document(),
        "check": None if winner is None else winner.check,
        "rejected_by_check": [
            {"settings": dict(item.settings), "check": item.check}
            for item in candidates
            if item.check is not None and item.status == "fail"
        ],
        "cheaper_but_open": [
            dict(item.settings)
            for item in candidates
            if item.status == "unsure" and item.cost_usd_per_hour < dearest * (1.0 - 1e-9)
        ],
        "scaling": [] if winner is None else scaling_notes(design, winner.design),
        "counts": counts,
        "requests": sum(item.requests for item in candidates),
        "candidates": [item.to_document() for item in candidates],
        "unseen": unseen_in(item.found for item in candidates if item.found is not None),
        "partial": any(
            item.found is not None and item.found["document"]["run"]["endings"] != ["complete"]
            for item in candidates
        ),
    }
