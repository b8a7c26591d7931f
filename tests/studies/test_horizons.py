"""Runs that are too short beside their latencies are called so."""

from dataclasses import replace
from pathlib import Path

import pytest

from simulator.metrics.confidence import quantile_supported
from simulator.present.studies.capacity import capacity_lines
from simulator.present.studies.compare import comparison_lines, comparison_markdown
from simulator.present.studies.size import size_lines
from simulator.present.studies.sweep import sweep_lines
from simulator.studies.capacity import capacity
from simulator.studies.compare import affordable, compare
from simulator.studies.design import Design, load_design
from simulator.studies.horizon import SPANS, shortness, spans_of
from simulator.studies.planner import Bench
from simulator.studies.pool import Pool
from simulator.studies.ranges import parse_range
from simulator.studies.run import RunOptions
from simulator.studies.size import size
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


NIGHTLY = """
name: nightly
rate: 20/min
requests: {page: {entry: reader}}
components:
  reader: {kind: service, steps: [{work: 10ms}, {call: mart}]}
  mart: {kind: batch_job, every: 24h, takes: 3h, deadline: 4h, lookup: 30ms, stale_quality: 70%}
objectives: {quality: ["mean>95%"]}
variants: {slow: {components: {mart: {takes: 6h}}}}
"""


def test_studies_tell_what_their_runs_are_too_short_to_show(tmp_path: Path) -> None:
    """A result that is due after four hours is not late in runs of a minute, in any design."""
    path = tmp_path / "nightly.yaml"
    path.write_text(NIGHTLY, encoding="utf-8")
    designs = [load_design(str(path)), load_design(f"{path}@slow")]
    options, bench = RunOptions(requests=40, replications=2, rps=0.4), Bench(Pool(jobs=1))
    told = "the run ends before a result of mart is due, 4h after the start"
    compared = compare(designs, options, bench, flips=False).document
    assert told in "\n".join(line for _, line in comparison_lines(compared, "again", None))
    assert f"\n! {told}" in comparison_markdown(compared)
    plan = plan_sweep([parse_range("reader.workers=1,2")])
    swept = sweep(designs[0], plan, options, bench).document
    assert told in "\n".join(line for _, line in sweep_lines(swept, "again", None))
    sized = size(designs[0], [parse_range("reader.workers=1,2")], options, bench).document
    assert told in "\n".join(line for _, line in size_lines(sized, "use", "again", None))
    limit = capacity(designs[0], options, bench).document
    assert told in "\n".join(line for _, line in capacity_lines(limit, "again", None))
