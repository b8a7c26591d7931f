"""Runs a case and reads its figures off the result, as intervals."""

import numpy as np

from simulator.engine.replicate import Experiment, run_replications
from simulator.metrics.confidence import (
    Interval,
    mean_interval,
    quantile_interval,
    scalar_interval,
    share_interval,
)
from simulator.metrics.window import Window
from simulator.topology.model import Topology
from simulator.topology.source import read_text
from simulator.workload.arrival_process import Arrivals
from tests.theory.stations import Case

REPLICATIONS = 10
WARM_UP = 0.1


def intervals(case: Case, level: float, scale: float = 1.0, jobs: int = 1) -> dict[str, Interval]:
    """An interval for every figure of the case."""
    source, diagnostics = read_text(case.document, case.id)
    assert source is not None, diagnostics.render()
    topology = Topology.model_validate(source.data)
    horizon_s = case.horizon_s * scale
    experiment = Experiment(topology, Arrivals.pick(case.arrivals), horizon_s, seed=7)
    recordings = run_replications(experiment, range(REPLICATIONS), jobs=jobs)
    windows = [Window(recording, WARM_UP * horizon_s) for recording in recordings]
    return {measure: _interval(windows, measure, level) for measure in case.expected}


def _interval(windows: list[Window], measure: str, level: float) -> Interval:
    name, _, aggregate = measure.rpartition(".")
    if name.endswith("latency"):
        samples = [_latencies(window, name) for window in windows]
        if aggregate == "mean":
            return mean_interval(samples, level)
        return quantile_interval(samples, float(aggregate[1:]) / 100.0, level)
    if measure in {"wait", "queue"}:
        per = "served_total" if measure == "wait" else None
        return scalar_interval([_per(window, "queue_area", per) for window in windows], level)
    if measure == "throughput":
        return scalar_interval(
            [len(window.requests["index"]) / window.span_s for window in windows], level
        )
    if measure == "served_wait":
        return scalar_interval(
            [float(_latencies(w, "latency").mean() - _per(w, "busy_area", "served_total"))
             for w in windows], level,
        )  # fmt: skip
    outcome = {"refused": "rejected_queue_full", "timeout": "timeout"}[measure]
    code = windows[0].recording.outcomes.index(outcome)
    hits = [int((window.requests["outcome"] == code).sum()) for window in windows]
    return share_interval(hits, [len(window.requests["outcome"]) for window in windows], level)


def _latencies(window: Window, name: str) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    kind = name.removesuffix("latency").rstrip(".")
    position = window.recording.kinds.index(kind) if kind else None
    return window.requests["latency"][window.of_kind(position, good=True)]


def _per(window: Window, meter: str, other: str | None) -> float:
    grown = window.growth("station", meter)
    return grown / (window.growth("station", other) if other else window.length_s)
