"""Which parameter moves latency, cost and quality most: Morris' elementary effects.

Every parameter is scaled between two ends, one after the other along random paths through the
box; the mean absolute effect ranks them, the spread of the effects tells curved or interacting
ones from straight ones. Few runs are needed: (parameters + 1) times the number of paths.

Sources: M. Morris, Technometrics 33 (1991); F. Campolongo et al., Environmental Modelling and
Software 22 (2007) (mean of absolute effects).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from simulator.metrics.confidence import t_quantile
from simulator.metrics.spread import Document
from simulator.studies.design import RATE_WORDS, Design, refuse_lengths
from simulator.studies.errors import StudyError
from simulator.studies.horizon import shortness, spans_of
from simulator.studies.parameters import Parameter, found_parameters
from simulator.studies.planner import Bench
from simulator.studies.point import Point, unseen_in
from simulator.studies.ranges import Range
from simulator.studies.run import RunOptions, plan_run, refuse_idle_rate
from simulator.studies.scaling import unsettled_runs
from simulator.studies.screening import screened
from simulator.studies.sweep import measured
from simulator.topology.load import idle_rate, load_of
from simulator.topology.model import Topology
from simulator.topology.paper import on_paper

REQUESTS = 10_000
REPLICATIONS = 2
"""Few and long: an effect is a difference of two runs, and needs no interval of each."""
TRAJECTORIES = 4
LEVELS = 4
PARAMETERS_MAX = 12
OUTPUTS = ("latency.p99", "cost.per_hour", "quality")


@dataclass(frozen=True)
class Sensitivity:
    """A finished study; ``document`` is what ``--json`` prints."""

    document: Document

    def ranking(self, output: str = "latency.p99") -> list[Document]:
        """Parameters by their effect on an output, the strongest first."""
        found: list[Document] = self.document["effects"][output]
        return found


def sensitivity(
    design: Design,
    options: RunOptions,
    ranges: Sequence[Range] = (),
    bench: Bench | None = None,
    *,
    trajectories: int = TRAJECTORIES,
    span: float = 0.25,
) -> Sensitivity:
    """Rank parameters by their effect (change from low to high end) on p99, cost and quality.

    ``ranges`` name what to vary and between which ends; without them the rate, and the numbers
    that move latency or cost most on paper, are scaled from ``1 - span`` to ``1 + span``, no more
    than ``PARAMETERS_MAX`` of them. Needs SALib; raises StudyError without it.
    """
    bench = bench or Bench()
    refuse_lengths(design, (item.path for item in ranges))
    if options.requests is None and options.duration_s is None:
        options = replace(options, requests=REQUESTS)
    options = replace(options, replications=options.replications or REPLICATIONS)
    base = plan_run(design.topology, options)[0]
    if any(item.path in RATE_WORDS for item in ranges):
        refuse_idle_rate(base, "vary")
    rate_turns = idle_rate(base.topology, base.arrivals) is None
    options = replace(options, rps=None, duration_s=base.horizon_s, thresholds=())
    design = design.varied([("rate", base.topology.rate)])
    parameters, left_out = _chosen(design, base.topology, ranges, span)
    parameters = [item for item in parameters if rate_turns or item.path not in RATE_WORDS]
    if not parameters:
        raise StudyError("found no parameter to vary", "name some with --vary PATH=LOW..HIGH")
    problem = {
        "num_vars": len(parameters),
        "names": [item.path for item in parameters],
        "bounds": [[0.0, 1.0]] * len(parameters),
    }
    samples = _samples(problem, trajectories, options.seed)
    points = [
        Point(design.varied([p.at(s) for p, s in zip(parameters, row, strict=True)]).data, options)
        for row in samples
    ]
    found = bench.evaluate(points, "runs")
    effects, typical = {}, {}
    for output in OUTPUTS:
        values = [measured(item["document"]["metrics"], output)["value"] for item in found]
        if any(value is None for value in values):
            continue
        typical[output] = float(np.mean(np.array(values, float)))
        effects[output] = _effects(problem, samples, np.array(values, float), parameters)
    return Sensitivity(
        {
            "schema": 1,
            "study": "sensitivity",
            "topology": design.topology.name,
            "file": design.source.file,
            "rate": design.topology.rate * design.topology.cells,
            **load_of(base.topology, base.arrivals),
            "seed": options.seed,
            "trajectories": trajectories,
            "runs": len(points),
            "parameters": [item.to_document() for item in parameters],
            "left_out": left_out,
            "effects": effects,
            "typical": typical,
            "unstable": sum(not item["document"]["stable"] for item in found),
            "unsettled": unsettled_runs(item["unsettled_s"] for item in found),
            "unseen": unseen_in(found),
            "horizons": shortness([spans_of(item["document"]) for item in found]),
            "partial": any(item["document"]["run"]["endings"] != ["complete"] for item in found),
        }
    )


def _chosen(
    design: Design, topology: Topology, ranges: Sequence[Range], span: float
) -> tuple[list[Parameter], list[str]]:
    """What to vary, and the paths of what would be too many."""
    for item in ranges:
        if len(item.values) < 2:
            raise StudyError(
                f"--vary {item.path}: the range has one value, so nothing would change",
                f"give two ends, like --vary {item.path}=1..3",
            )
    repeated = {item.path for item in ranges if sum(o.path == item.path for o in ranges) > 1}
    if repeated:
        raise StudyError(f"--vary: `{min(repeated)}` is given twice")
    if ranges:
        return [Parameter.of_range(item) for item in ranges], []
    order = [row.name for row in on_paper(topology).rows if row.rate > 0.0]
    every = found_parameters(design.data, order, span)
    chosen, rest = screened(design, every, PARAMETERS_MAX)
    return chosen, [item.path for item in rest]


def _samples(problem: dict[str, Any], trajectories: int, seed: int) -> Any:
    try:
        from SALib.sample import morris
    except ImportError:
        raise StudyError(
            "sensitivity needs SALib, which is not installed",
            "pip install 'capacity-simulator[sensitivity]'",
        ) from None
    return morris.sample(problem, trajectories, num_levels=LEVELS, seed=seed)


def _effects(
    problem: dict[str, Any], samples: Any, values: Any, parameters: Sequence[Parameter]
) -> list[Document]:
    from SALib.analyze import morris

    result = morris.analyze(problem, samples, values, num_levels=LEVELS, seed=0)
    paths = len(samples) // (len(parameters) + 1)
    of_spread = t_quantile(paths - 1, 0.95) / math.sqrt(paths)
    rows = [
        {
            "parameter": item.path,
            "low": item.shown(0.0),
            "high": item.shown(1.0),
            "effect": float(result["mu"][place]),
            "strength": float(result["mu_star"][place]),
            "spread": float(result["sigma"][place]),
            "error": float(result["mu_star_conf"][place]),
            "directed": _directed(result, place, of_spread),
        }
        for place, item in enumerate(parameters)
    ]
    return sorted(rows, key=lambda row: -row["strength"])


def _directed(result: Any, place: int, of_spread: float) -> bool:
    """Whether the sign of a mean effect is known: all paths have it, or it stands out of them."""
    mean = abs(float(result["mu"][place]))
    agreed = mean >= float(result["mu_star"][place]) * (1.0 - 1e-9)
    return agreed or mean > of_spread * float(result["sigma"][place])
