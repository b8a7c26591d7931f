"""The cheapest configuration that meets the objectives at a rate."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from simulator.metrics.spread import Document
from simulator.studies.design import Design
from simulator.studies.errors import StudyError
from simulator.studies.planner import Bench
from simulator.studies.point import Found, Point
from simulator.studies.ranges import Range, Setting, grid
from simulator.studies.run import RunOptions, plan_run
from simulator.studies.sweep import measured
from simulator.topology.objectives import objectives_of
from simulator.topology.paper import on_paper

REQUESTS = 20_000
STAGES_MAX = 4
GROWTH = 3
"""A run that leaves the answer open is repeated so many times longer."""

FRESH_SEED = 1_000_003
"""Added to the seed for the check of the winner, whose own runs helped to choose it."""

WAVE = 4
"""Candidates that are simulated together, cheapest first; the same on every machine."""


@dataclass
class Candidate:
    """A configuration: its settings, what it costs and uses on paper, and what became of it.

    ``status``: ``overloaded`` on paper, ``pass``, ``fail`` or ``unsure`` by simulation,
    ``dearer`` than the winner and therefore not run.
    """

    settings: tuple[Setting, ...]
    design: Design
    cost_usd_per_hour: float
    utilization: float
    busiest: str | None
    status: str = "dearer"
    found: Found | None = None
    requests: int = 0

    def to_document(self) -> Document:
        """The candidate as plain data."""
        document: Document = {
            "settings": dict(self.settings),
            "status": self.status,
            "cost_per_hour_on_paper": self.cost_usd_per_hour,
            "utilization_on_paper": self.utilization,
            "busiest": self.busiest,
            "requests": self.requests,
        }
        if self.found is not None:
            run = self.found["document"]
            document["verdict"] = run["verdict"]["sentence"]
            document["objectives"] = run["objectives"]
            document["cost_per_hour"] = measured(run["metrics"], "cost.per_hour")
            document["latency.p99"] = measured(run["metrics"], "latency.p99")
        return document


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
) -> Sizing:
    """Find the cheapest configuration of the grid that meets every objective.

    Configurations that cannot keep up on paper are dropped. The others are run from the cheapest
    on, each as long as it takes until all its intervals are on one side of the objectives. The
    first that passes is run again with fresh seeds, and has to pass again. Raises StudyError
    without objectives or ranges.
    """
    bench = bench or Bench()
    options = _with_goals(design, options)
    if not ranges:
        raise StudyError("nothing to vary", "add --vary gpu_pool.replicas=2..12")
    candidates = [_candidate(design, settings, options) for settings in grid(ranges)]
    candidates.sort(key=lambda item: (item.cost_usd_per_hour, item.utilization))
    survivors = [item for item in candidates if item.status != "overloaded"]
    winner, check, rejected = None, None, []
    for start in range(0, len(survivors), WAVE):
        wave = survivors[start : start + WAVE]
        _decide(wave, options, bench)
        for item in wave:
            if item.status != "pass":
                continue
            check = _checked(item, options, bench)
            if check["status"] == "pass":
                winner = item
                break
            item.status = check["status"]
            rejected.append({"settings": dict(item.settings), "check": check})
        if winner is not None:
            break
    return Sizing(_document(design, options, ranges, candidates, winner, check, rejected))


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


def _candidate(design: Design, settings: tuple[Setting, ...], options: RunOptions) -> Candidate:
    varied = design.varied(settings)
    plan = on_paper(plan_run(varied.topology, options)[0].topology)
    busiest = plan.busiest
    utilization = (busiest.utilization or 0.0) if busiest else 0.0
    cost = plan.cost_usd_per_hour * varied.topology.cells
    name = busiest.name if busiest else None
    candidate = Candidate(settings, varied, cost, utilization, name)
    if utilization >= 1.0 and not _may_shed(varied, plan.utilizations()):
        candidate.status = "overloaded"
    return candidate


def _may_shed(design: Design, utilizations: dict[str, float]) -> bool:
    """Whether every overloaded component may turn requests away and so reach a steady state."""
    for name, utilization in utilizations.items():
        queue = getattr(design.topology.components[name], "queue", None)
        bounded = getattr(queue, "capacity", None) is not None
        if utilization >= 1.0 and not (bounded or getattr(queue, "max_wait", None) is not None):
            return False
    return True


def _decide(wave: Sequence[Candidate], options: RunOptions, bench: Bench) -> None:
    """Run candidates ever longer until each passes or fails, or the stages are used up."""
    requests = options.requests or REQUESTS
    open_ones = list(wave)
    for stage in range(STAGES_MAX):
        own = replace(options, requests=requests * GROWTH**stage, duration_s=None)
        points = [Point(item.design.data, own) for item in open_ones]
        found = bench.evaluate(points, f"candidates, run {stage + 1}")
        for item, result in zip(open_ones, found, strict=True):
            item.found = result
            item.requests += result["document"]["run"]["issued"]
            item.status = _status(result)
        open_ones = [item for item in open_ones if item.status == "unsure"]
        if not open_ones or _settled(wave):
            return


def _settled(wave: Sequence[Candidate]) -> bool:
    """Whether nothing cheaper than the first that passes is still open."""
    for item in wave:
        if item.status == "pass":
            return True
        if item.status == "unsure":
            return False
    return False


def _status(found: Found) -> str:
    status = found["document"]["verdict"]["status"]
    return "fail" if status == "unstable" else str(status)


def _checked(item: Candidate, options: RunOptions, bench: Bench) -> Document:
    """The winner once more, with fresh seeds and at least as long as before."""
    assert item.found is not None, "a candidate passes by having been run"
    own = replace(
        options,
        seed=options.seed + FRESH_SEED,
        requests=max(item.found["document"]["run"]["issued"], REQUESTS * GROWTH),
        duration_s=None,
    )
    document = bench.evaluate([Point(item.design.data, own)], "check with fresh seeds")[0][
        "document"
    ]
    status = document["verdict"]["status"]
    return {
        "seed": own.seed,
        "status": "fail" if status == "unstable" else status,
        "objectives": document["objectives"],
        "requests": document["run"]["issued"],
    }


def _document(
    design: Design,
    options: RunOptions,
    ranges: Sequence[Range],
    candidates: Sequence[Candidate],
    winner: Candidate | None,
    check: Document | None,
    rejected: Sequence[Document],
) -> Document:
    goals = options.thresholds or ()
    counts = {
        status: sum(item.status == status for item in candidates)
        for status in ("overloaded", "fail", "unsure", "pass", "dearer")
    }
    return {
        "schema": 1,
        "study": "size",
        "topology": design.topology.name,
        "file": design.source.file,
        "rate": (options.rps or 0.0) * design.topology.cells,
        "seed": options.seed,
        "paths": [item.path for item in ranges],
        "objectives": [f"{goal.name}: {goal.threshold.text}" for goal in goals],
        "winner": None if winner is None else winner.to_document(),
        "check": check if winner is not None else None,
        "rejected_by_check": list(rejected),
        "cheaper_but_open": [
            dict(item.settings)
            for item in candidates
            if item.status == "unsure"
            and (winner is None or item.cost_usd_per_hour <= winner.cost_usd_per_hour)
        ],
        "counts": counts,
        "candidates": [item.to_document() for item in candidates],
        "partial": any(
            item.found is not None and item.found["document"]["run"]["endings"] != ["complete"]
            for item in candidates
        ),
    }
