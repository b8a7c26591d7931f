"""Runs that are too short beside their latencies are called so."""

from dataclasses import replace

import pytest

from simulator.metrics.confidence import quantile_supported
from simulator.present.studies.sweep import sweep_lines
from simulator.studies.compare import affordable
from simulator.studies.design import Design
from simulator.studies.horizon import SPANS, shortness, spans_of
from simulator.studies.planner import Bench
from simulator.studies.pool import Pool
from simulator.studies.ranges import parse_range
from simulator.studies.run import RunOptions
from simulator.studies.sweep import plan_sweep, sweep
from simulator.topology.paper import PaperPlan, on_paper


def document(
    horizon_s: float, p99: float | None, stable: bool = True, used: float = 0.99
) -> dict[str, object]:
    """What is looked at of a run."""
    latency = None if p99 is None else {"p99": {"value": p99}}
    return {
        "horizon_s": horizon_s,
        "stable": stable,
        "metrics": {"latency": latency},
        "components": {"pool": {"utilization": used}, "cache": {"utilization": None}},
    }


def test_spans_are_of_what_was_answered_unless_something_is_overloaded() -> None:
    assert spans_of(document(50.0, 20.0)) == 2.5
    assert spans_of(document(50.0, None)) is None
    assert spans_of(document(50.0, 20.0, stable=False)) is None
    assert spans_of(document(50.0, 20.0, stable=False, used=0.5)) == 2.5


def test_the_shortest_run_says_how_much_longer() -> None:
    found = shortness([2.0 * SPANS, SPANS / 4.0, None, SPANS / 2.0])
    assert (found["short"], found["of"], found["factor"]) == (2, 4, pytest.approx(4.0))
    assert shortness([SPANS, None])["short"] == 0


def test_a_sweep_marks_its_short_points(desk: Design) -> None:
    """A station that answers within a minute, run for 20 s; one that answers within 0.2 s."""
    slow = desk.varied(
        [("counter.steps.0.work.exponential.mean", "20s"), ("counter.workers", 2000)]
    )
    options = RunOptions(duration_s=20.0, replications=4)
    short = sweep(slow, plan_sweep([parse_range("rps=50")]), options, Bench(Pool(jobs=1))).document
    assert short["horizons"]["short"] == 1
    assert short["rows"][0]["spans"] < 1.0
    text = "\n".join(line for _, line in sweep_lines(short, "again", None))
    assert "(short)" in text
    assert "every run lasted less than 10 times p(99)" in text
    quick = sweep(desk, plan_sweep([parse_range("rps=50")]), options, Bench(Pool(jobs=1))).document
    assert quick["horizons"]["short"] == 0
    assert "(short)" not in "\n".join(line for _, line in sweep_lines(quick, "again", None))


def test_a_comparison_affords_what_p99_needs_where_requests_visit_little(desk: Design) -> None:
    """A tenth may be left out as warm-up before fewer than a thousand lie beyond p99."""
    small = on_paper(desk.topology)
    assert quantile_supported(round(0.91 * affordable(small)), 0.99)
    long = PaperPlan((replace(small.rows[0], rate=50.0 * small.rate),), small.rate)
    assert affordable(long) == 30_000
    nothing = PaperPlan((), small.rate)
    assert affordable(nothing) == affordable(small)
