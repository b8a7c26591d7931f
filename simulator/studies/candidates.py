"""The configurations of a sizing: judged on paper, then by a short run, then by fresh seeds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from simulator.metrics.spread import Document
from simulator.metrics.verdict import unjudged_failures
from simulator.studies.design import Design
from simulator.studies.horizon import SPANS
from simulator.studies.planner import Bench
from simulator.studies.point import Found, Point
from simulator.studies.ranges import Setting
from simulator.studies.run import REPLICATIONS, RunOptions, plan_run
from simulator.studies.settled import evaluate_settled, settled
from simulator.studies.sweep import measured
from simulator.topology.load import users_wait
from simulator.topology.paper import on_paper

REQUESTS = 20_000
"""Requests of the short run."""

GROWTH = 3
"""How many times longer the first check is than the short run."""

CHECK_MAX = 27
"""How many times longer than the short run a check may become."""

CHECKS_MAX = 4 * CHECK_MAX
"""How many short runs all checks together may take, so that a search among equals ends."""

REPLICATIONS_MAX = 16
MARGIN = 1.3
"""A check is longer by this than the width of the last interval says it has to be."""

FRESH_SEED = 1_000_003
"""Added to the seed for the checks, as the runs before helped to choose what is checked."""


@dataclass
class Candidate:
    """A configuration: its settings, what it costs and uses on paper, and what became of it.

    ``design`` has as many replicas as its scalers stay at under the load (see
    :mod:`simulator.studies.settled`).
    ``status``: ``overloaded`` on paper, ``pass``, ``fail`` or ``unsure`` by simulation,
    ``dearer`` than the winner and therefore not run. ``check`` is its run with fresh seeds.
    """

    settings: tuple[Setting, ...]
    design: Design
    cost_usd_per_hour: float
    utilization: float
    busiest: str | None
    status: str = "dearer"
    found: Found | None = None
    check: Document | None = None
    requests: int = 0
    waits: bool = False
    """Whether users wait, who cannot ask for more than they are answered."""

    def to_document(self) -> Document:
        """The candidate as plain data."""
        document: Document = {
            "settings": dict(self.settings),
            "status": self.status,
            "cost_per_hour_on_paper": self.cost_usd_per_hour,
            "utilization_on_paper": min(self.utilization, 1.0) if self.waits else self.utilization,
            "busiest": self.busiest,
            "requests": self.requests,
        }
        if self.found is not None:
            run = self.found["document"]
            document["verdict"] = run["verdict"]["sentence"]
            document["objectives"] = run["objectives"]
            document["failing"] = unjudged_failures(run)
            document["cost_per_hour"] = measured(run["metrics"], "cost.per_hour")
            document["latency.p99"] = measured(run["metrics"], "latency.p99")
            document["quality"] = measured(run["metrics"], "quality")
        return document


def candidate(design: Design, settings: tuple[Setting, ...], options: RunOptions) -> Candidate:
    """A configuration on paper: what it costs, and whether it can keep up at all."""
    varied = settled(design.varied(settings), options)
    experiment = plan_run(varied.topology, options)[0]
    plan = on_paper(experiment.topology)
    waits = users_wait(experiment.topology, experiment.arrivals)
    busiest = plan.busiest
    utilization = (busiest.utilization or 0.0) if busiest else 0.0
    cost = plan.cost_usd_per_hour * varied.topology.cells
    name = busiest.name if busiest else None
    found = Candidate(settings, varied, cost, utilization, name, waits=waits)
    full = plan.saturation_rps is not None and plan.saturation_rps <= plan.rate
    if full and not waits:
        found.status = "overloaded"
    return found


def screen(wave: Sequence[Candidate], options: RunOptions, bench: Bench) -> None:
    """A short run of each candidate, which tells most of them apart."""
    own = replace(options, requests=options.requests or REQUESTS, duration_s=None)
    found = evaluate_settled([item.design for item in wave], [own] * len(wave), bench, "candidates")
    for item, (design, result) in zip(wave, found, strict=True):
        item.design, item.found = design, result
        item.requests += result["document"]["run"]["issued"]
        item.status = _status(result)


def check(item: Candidate, options: RunOptions, bench: Bench, budget: int) -> int:
    """Run a candidate with fresh seeds, longer until every interval is on one side of its bound.

    Each length follows from the width of the intervals before. The candidate gets the status of
    its last run, ``unsure`` if that had no more than ``budget`` requests left. Returns the
    requests that were spent.
    """
    assert item.found is not None, "a candidate is checked after a short run"
    short = options.requests or REQUESTS
    requests, spent = short * GROWTH, 0
    while True:
        own = replace(
            options,
            seed=options.seed + FRESH_SEED,
            requests=requests,
            duration_s=None,
            replications=options.replications or _replications(item, requests),
        )
        found = bench.evaluate([Point(item.design.data, own)], "check with fresh seeds")[0]
        run = found["document"]["run"]
        spent += run["issued"]
        item.found, item.status = found, _status(found)
        item.check = {
            "seed": own.seed,
            "status": item.status,
            "objectives": found["document"]["objectives"],
            "closest": _closest(found, options),
            "requests": run["issued"],
        }
        most = min(short * CHECK_MAX, budget - spent)
        if item.status != "unsure" or run["endings"] != ["complete"] or requests >= most:
            break
        requests = min(int(requests * _longer(found, options)), most)
    item.requests += spent
    return int(spent)


def violation(found: Found, options: RunOptions) -> float:
    """By which share the worst objective is missed, by its estimate; 0 if all are met."""
    document = found["document"]
    worst = 0.0 if document["stable"] else 1.0
    for row, goal in zip(document["objectives"], options.thresholds or (), strict=True):
        if row["value"] is not None and not goal.threshold.holds(row["value"]):
            bound = goal.threshold.bound
            worst = max(worst, abs(row["value"] - bound) / (abs(bound) or 1.0))
    return worst


def _replications(item: Candidate, requests: int) -> int:
    """As many as have time to fill, since many short ones know their own scatter better."""
    assert item.found is not None, "a candidate is checked after a short run"
    document = item.found["document"]
    least = item.design.topology.run.replications or REPLICATIONS
    p99 = measured(document["metrics"], "latency.p99")["value"] or 0.0
    own = max(SPANS * p99 * document["rate"], document["run"]["issued"] / document["replications"])
    return max(least, min(REPLICATIONS_MAX, int(requests / own)))


def _longer(found: Found, options: RunOptions) -> float:
    """The factor by which a run has to be longer to bring its open intervals to one side."""
    factor = MARGIN
    for row, goal in zip(found["document"]["objectives"], options.thresholds or (), strict=True):
        if row["status"] != "unsure":
            continue
        if row["value"] is None or row["low"] is None or row["high"] is None:
            return float(GROWTH)
        gap = goal.threshold.bound - row["value"]
        arm = row["high"] - row["value"] if gap > 0.0 else row["value"] - row["low"]
        factor = max(factor, MARGIN * (arm / gap) ** 2 if gap else math.inf)
    return min(factor, float(GROWTH**2))


def _closest(found: Found, options: RunOptions) -> Document | None:
    """The objective with the least room, as a share of its bound."""
    rows = [
        (abs(row["value"] - goal.threshold.bound) / (abs(goal.threshold.bound) or 1.0), row)
        for row, goal in zip(found["document"]["objectives"], options.thresholds or (), strict=True)
        if row["value"] is not None and row["low"] is not None and row["high"] is not None
    ]
    return min(rows, key=lambda pair: pair[0])[1] if rows else None


def _status(found: Found) -> str:
    status = found["document"]["verdict"]["status"]
    return "fail" if status == "unstable" else str(status)
