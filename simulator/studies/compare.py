"""Designs side by side: what is different, what it changes, and when the answer would flip."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from simulator.metrics.confidence import Interval
from simulator.metrics.estimates import table_at
from simulator.metrics.quality import with_same_classes
from simulator.metrics.spread import Document, interval_document
from simulator.studies.design import Design, refuse_lengths, unique_names
from simulator.studies.errors import StudyError
from simulator.studies.flips import cost_flips, latency_flips
from simulator.studies.gates import Gate, judge_gates, refuse_unknown
from simulator.studies.horizon import shortness, spans_of
from simulator.studies.planner import Bench
from simulator.studies.point import Found, Point, unseen_in
from simulator.studies.run import RunOptions, plan_run
from simulator.studies.saved import found_of, requests_of, why_not
from simulator.studies.scaling import unsettled_runs
from simulator.studies.standings import (
    Measured,
    difference_of_metric,
    direction_of,
    ranked,
    status_of,
)
from simulator.topology.load import idle_rate
from simulator.topology.objectives import known_metrics, objectives_of
from simulator.topology.overlay import changes
from simulator.topology.paper import PaperPlan, on_paper

REQUESTS = (30_000, 110_000)
"""Requests that a design sees, fewest and most; the most let a thousand lie beyond p99."""

VISITS = 330_000
"""Visits to components that a design sees between the two: they are what takes time."""

LOAD = ("load", "load_beside", "load_per_s", "closed", "arrivals")
"""What is told of the load of the baseline; not in runs that were saved before it was noted."""
NOT_COMPARED = frozenset({"name", "summary", "source", "variants", "estimates", "claims"})


@dataclass(frozen=True)
class Comparison:
    """A finished comparison; ``document`` is what ``--json`` prints."""

    document: Document

    @property
    def designs(self) -> list[str]:
        """Names, the baseline first."""
        return [design["name"] for design in self.document["designs"]]

    @property
    def failed(self) -> bool:
        """Whether a gate (``--fail``) was crossed for certain."""
        return any(gate["status"] == "fail" for gate in self.document["gates"])

    @property
    def different(self) -> bool:
        """Whether any design differs from the baseline as a document."""
        return any(self.document["changes"].values())


def compare(
    designs: Sequence[Design],
    options: RunOptions,
    bench: Bench | None = None,
    *,
    gates: Sequence[Gate] = (),
    flips: bool | None = None,
) -> Comparison:
    """Run the designs on the same requests and compare each with the first.

    Every replication of every design has the same arrivals and the same draws in all components
    that they share, and all are measured over the same time; intervals are of paired differences
    at 95 %. A saved run stands as it is where it can (see :mod:`simulator.studies.saved`); the
    others take its load, seed and length, and two that saw unlike requests are compared as
    independent runs. ``flips`` asks for trial runs at other rates; None for those unless nothing
    else has to be run. Raises StudyError if there are fewer than two designs.
    """
    bench = bench or Bench()
    if len(designs) < 2:
        raise StudyError("a comparison needs two designs", "simulate compare A B, or A --set P=V")
    for design in designs:
        refuse_lengths(design)
    refuse_unknown(gates, set().union(*(known_metrics(design.topology) for design in designs)))
    designs = unique_names(designs)
    load = _same_load(designs, options)
    again = [why_not(item, load, options) if item.saved else "" for item in designs]
    found = _found(designs, load, again, bench)
    cut_s = _cut_for_all(found)
    tables = with_same_classes([table_at(item["estimates"], cut_s) for item in found])
    measured = [
        Measured(table, requests_of(item)) for table, item in zip(tables, found, strict=True)
    ]
    names = [design.name for design in designs]
    promised = _promised(designs)
    rows = _rows(names, measured, promised)
    small = [row["metric"] for row in rows if promised.get(row["metric"], "").startswith("<")]
    if flips is None:
        flips = any(reason is not None for reason in again)
    baseline = found[0]["document"]
    document: Document = {
        "schema": 1,
        "study": "compare",
        "rate": baseline["rate"] * baseline["cells"],
        **{word: baseline[word] for word in LOAD if word in baseline},
        "workload": baseline["workload"],
        "horizon_s": baseline["horizon_s"],
        "warmup_s": cut_s,
        "seed": baseline["seed"],
        "replications": baseline["replications"],
        "baseline": names[0],
        "designs": [
            _design_document(design, item) | _origin(design, reason, item, found[0])
            for design, item, reason in zip(designs, found, again, strict=True)
        ],
        "changes": {design.name: difference_of(designs[0], design) for design in designs[1:]},
        "rows": rows,
        **ranked(names, measured, [item["document"]["stable"] for item in found], small),
        **_turns(designs, found, load, bench if flips else None),
        "gates": judge_gates(gates, rows, names[1:]),
        "horizons": shortness([spans_of(item["document"]) for item in found]),
        "unsettled": unsettled_runs(item["unsettled_s"] for item in found),
        "unseen": unseen_in(found),
        "partial": any(item["document"]["run"]["endings"] != ["complete"] for item in found),
    }
    return Comparison(document)


def difference_of(before: Design, after: Design) -> list[Document]:
    """The semantic difference of two documents: sign, path, value before and after."""
    kept_before, kept_after = (
        {key: value for key, value in design.data.items() if key not in NOT_COMPARED}
        for design in (before, after)
    )
    return [
        {"sign": item.sign, "path": item.where, "before": item.before, "after": item.after}
        for item in changes(kept_before, kept_after)
    ]


def _same_load(designs: Sequence[Design], options: RunOptions) -> RunOptions:
    """Rate and horizon of the baseline, or of the first saved run, for all: the same arrivals."""
    baseline = designs[0]
    saved = next((design.saved for design in designs if design.saved is not None), None)
    if saved is not None:
        kept = saved["provenance"]
        lengthy = options.duration_s is not None or options.requests is not None
        options = replace(
            options,
            rps=options.rps or saved["rate"],
            workload=options.workload or kept.get("workload_name"),
            faults=options.faults or kept.get("faults"),
            seed=saved["seed"],
            duration_s=options.duration_s if lengthy else saved["horizon_s"],
            replications=options.replications or saved["replications"],
        )
    if options.requests is None and options.duration_s is None:
        options = replace(options, requests=affordable(on_paper(baseline.topology)))
    experiment, replications, _ = plan_run(baseline.topology, options)
    return replace(
        options,
        rps=options.rps or baseline.topology.rate,
        duration_s=experiment.horizon_s,
        replications=replications,
    )


def _turns(
    designs: Sequence[Design], found: Sequence[Found], load: RunOptions, bench: Bench | None
) -> Document:
    """When the answer would flip: by cost, and by latency at the rates that a bench tries."""
    idle = _idle_rate(designs, load)
    names = [design.name for design in designs]
    turns = [turn for turn in cost_flips(names, found) if not (idle and turn["by"] == "rate")]
    tried: list[float] = []
    if bench is not None and not idle:
        options = replace(load, replications=found[0]["document"]["replications"])
        nearby, tried = latency_flips(designs, found, options, bench)
        turns += nearby
    return {"flips": turns, "flips_tried_at": tried, "no_rate": idle}


def _idle_rate(designs: Sequence[Design], load: RunOptions) -> str:
    """Why there is no rate at which all designs could be tried; empty if there is one."""
    planned = (plan_run(design.topology, load)[0] for design in designs)
    found = (idle_rate(experiment.topology, experiment.arrivals) for experiment in planned)
    return next(filter(None, found), "")


def affordable(paper: PaperPlan) -> int:
    """As many requests as make so many visits: more, if each goes through few components."""
    visits = sum(row.rate for row in paper.rows)
    fewest, most = REQUESTS
    return round(min(max(VISITS * paper.rate / visits, fewest), most)) if visits else most


def _found(
    designs: Sequence[Design], load: RunOptions, again: Sequence[str | None], bench: Bench
) -> list[Found]:
    """What was found for each design: by running it, or as it was saved (no reason not to)."""
    wanted = [
        Point(design.data, load, True)
        for design, reason in zip(designs, again, strict=True)
        if reason is not None
    ]
    computed = iter(bench.evaluate(wanted, "designs"))
    return [
        found_of(design) if reason is None else next(computed)
        for design, reason in zip(designs, again, strict=True)
    ]


def _cut_for_all(found: Sequence[Found]) -> float:
    """The least time to leave out that every design has estimates for and that warms all up."""
    least: float = max(item["document"]["run"]["warmup_s"] for item in found)
    common = set.intersection(*(set(item["estimates"]["cuts_s"]) for item in found))
    return min((cut for cut in common if cut >= least * (1.0 - 1e-9)), default=least)


def _promised(designs: Sequence[Design]) -> dict[str, str]:
    """Metrics of all requests that an objective of some design is about, and its operator."""
    found = {}
    for design in designs:
        for objective in objectives_of(design.topology):
            if objective.of_class is None:
                threshold = objective.threshold
                percentile = threshold.percentile
                what = threshold.aggregate if percentile is None else f"p{percentile:g}"
                for name in (objective.metric, f"{objective.metric}.{what}"):
                    found[name] = threshold.operator
    return found


def _rows(
    names: Sequence[str], measured: Sequence[Measured], promised: Collection[str]
) -> list[Document]:
    tables = [item.table for item in measured]
    rows = []
    for metric in tables[0]:
        if not all(metric in table for table in tables):
            continue
        values = [table[metric]["pooled"] for table in tables]
        rows.append(
            {
                "metric": metric,
                "promised": metric in promised,
                "better": "higher" if direction_of(metric) > 0 else "lower",
                "values": dict(zip(names, values, strict=True)),
                "changes": {
                    name: _change(metric, measured[0], other)
                    for name, other in zip(names[1:], measured[1:], strict=True)
                },
            }
        )
    return rows


def _change(metric: str, before: Measured, after: Measured) -> Document:
    change = difference_of_metric(metric, before, after)
    base = before.table[metric]["pooled"]
    # No metric is negative, so none can fall by more than all of it.
    change = Interval(change.value, max(change.low, -base), change.high)
    relative = None
    if base:
        scaled = Interval(*(end / base for end in (change.value, change.low, change.high)))
        relative = interval_document(scaled)
    status = status_of(metric, change, base)
    return {**interval_document(change), "relative": relative, "status": status}


def _origin(design: Design, again: str | None, found: Found, first: Found) -> Document:
    """Where the figures of a design are from, and whether they pair with those of the baseline."""
    return {
        "saved": again is None,
        "run_again": again if design.saved else None,
        "seed": found["document"]["seed"],
        "paired": requests_of(found) == requests_of(first),
    }


def _design_document(design: Design, found: Found) -> Document:
    document: dict[str, Any] = found["document"]
    variant = (design.data.get("variants") or {}).get(design.name) or {}
    return {
        "name": design.name,
        "topology": document["topology"],
        "file": design.source.file,
        "summary": variant.get("summary") or document["summary"],
        "stable": document["stable"],
        "verdict": document["verdict"],
        "objectives": document["objectives"],
        "capacity_on_paper": found["paper"]["capacity_rps"],
        "components": {
            name: {"utilization": row["utilization"], "cost_per_hour": row["cost"]["per_hour"]}
            for name, row in document["components"].items()
        },
    }
