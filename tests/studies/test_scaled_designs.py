"""Searches measure a design that follows the load with the replicas it comes to rest at."""

from pathlib import Path

import pytest
from scipy.optimize import brentq

from simulator.cli.advice import next_lines
from simulator.cli.planning import show_plan
from simulator.present.html.study import render_study
from simulator.present.studies.capacity import capacity_lines
from simulator.present.studies.words import warnings_of
from simulator.studies.capacity import capacity
from simulator.studies.compare import compare
from simulator.studies.design import Design, design_of_text
from simulator.studies.errors import StudyError
from simulator.studies.planner import Bench
from simulator.studies.pool import Pool
from simulator.studies.ranges import parse_range
from simulator.studies.run import RunOptions, run
from simulator.studies.settled import evaluate_settled, settled
from simulator.studies.size import size
from simulator.studies.sweep import sweep
from simulator.theory.erlang import MMc
from simulator.topology.reading import load_topology

HERE = Pool(jobs=1)
SHORT = RunOptions(rps=60.0, requests=6000, replications=2)

DESIGN = """
name: auto
rate: 20 rps
requests: {get: {entry: web}}
components:
  web:
    kind: service
    replicas: 2
    workers: 2
    cost: $0.3/h
    autoscale: {min_replicas: 1, max_replicas: 6, target: 0.6}
    steps: [{work: {exponential: {mean: 100ms}}}]
objectives: {latency: ["p(95)<800ms"]}
"""


def design() -> Design:
    return design_of_text(DESIGN, "auto.yaml")


@pytest.mark.parametrize(("rate", "replicas"), [(1.0, 1), (24.0, 2), (60.0, 5), (500.0, 6)])
def test_paper_says_where_a_scaler_comes_to_rest(rate: float, replicas: int) -> None:
    """Replicas = rate x 0.1 s / (2 workers x 60 %), within the limits."""
    found = settled(design(), RunOptions(rps=rate))
    assert found.topology.components["web"].replica_count == replicas


def test_the_capacity_is_that_of_all_replicas() -> None:
    """M/M/12 at its p95 bound. The standard error is that of M/M/16 (0.4 %): 3 % is far out."""
    exact = brentq(lambda rate: MMc(rate, 10.0, 12).response_quantile(0.95) - 0.8, 1.0, 119.9)
    found = capacity(design(), RunOptions(seed=5, requests=60_000), Bench(HERE)).document
    assert found["capacity"]["value"] == pytest.approx(exact, rel=0.03)
    (note,) = found["scaling"]
    assert (note["starts_with"], note["replicas"], note["most"]) == (2, 6, 6)
    assert note["reaction_s"] == pytest.approx(15.0 + 30.0 + 15.0 + 30.0)
    text = "\n".join(line for _, line in capacity_lines(found, "again", None))
    assert "comes to rest at 6 of at most 6 replicas" in text
    assert "comes to rest at 6 of at most 6 replicas" in render_study(found)


def test_today_is_tried_where_it_is_lighter_than_any_share_of_what_paper_allows() -> None:
    """A hundredth of 120 rps: no worker waits, and nothing else would have been so light."""
    options = RunOptions(rps=1.2, requests=400, replications=2)
    found = capacity(design(), options, Bench(HERE)).document
    assert found["curve"][0]["rate"] == 1.2
    assert found["curve"][1]["rate"] == pytest.approx(0.05 * 120.0)


def test_a_run_corrects_what_paper_does_not_see() -> None:
    """Workers that are kept through a call are busy for longer than paper says."""
    text = DESIGN.replace("mean: 100ms}}}]", "mean: 50ms}}}, {call: far}]")
    text = text.replace("    workers: 2\n", "    workers: 2\n    blocking: true\n").replace(
        "objectives:", "  far: {kind: delay, latency: 50ms}\nobjectives:"
    )
    blocked = design_of_text(text, "auto.yaml")
    assert settled(blocked, SHORT).topology.components["web"].replica_count == 3
    ((found, _),) = evaluate_settled([blocked], [SHORT], Bench(HERE), "points")
    assert found.topology.components["web"].replica_count == 5


def test_a_size_pays_for_the_replicas_at_rest() -> None:
    ranges = [parse_range("web.autoscale.max_replicas=2..6")]
    found = size(design(), ranges, SHORT, Bench(HERE)).document
    assert found["counts"]["overloaded"] == 2
    assert found["winner"]["settings"] == {"web.autoscale.max_replicas": 4}
    assert found["winner"]["cost_per_hour_on_paper"] == pytest.approx(4 * 0.3)
    (note,) = found["scaling"]
    assert (note["starts_with"], note["replicas"], note["most"]) == (2, 4, 4)


def test_the_replicas_of_what_follows_the_load_are_not_sized() -> None:
    with pytest.raises(StudyError, match="follow the load") as refused:
        size(design(), [parse_range("web.replicas=2..6")], SHORT, Bench(HERE))
    assert "web.autoscale.max_replicas" in str(refused.value.hint)


def test_a_plan_counts_the_replicas_that_may_come(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """50 rps are 5 busy servers: of 4 at the start, of 12 at most."""
    loaded = load_topology(_written(tmp_path))
    show_plan(loaded, RunOptions(rps=50.0))
    said = capsys.readouterr().out
    assert "saturate, at 120 rps with all its replicas" in said
    assert "of all it may have; it starts with 4 at 125%" in said


@pytest.mark.parametrize(
    ("rate", "words", "why"),
    [
        # Five busy servers of two a replica, 60 % wanted.
        (50.0, "again --set web.replicas=5", "web follows the load and gets there after some 90s"),
        (130.0, "again --set web.autoscale.max_replicas=10", "ρ 0.65 instead of 1.08 with all"),
    ],
)
def test_advice_counts_them_too(tmp_path: Path, rate: float, words: str, why: str) -> None:
    topology = load_topology(_written(tmp_path)).topology
    result = run(topology, RunOptions(rps=rate, requests=500, replications=2, jobs=1))
    lines = next_lines(result, "auto.yaml", "again", None)
    assert lines[0] == ("try", words)
    assert why in lines[1][1]


@pytest.mark.parametrize(("rate", "waits"), [(60.0, True), (24.0, False)])
def test_runs_that_end_before_a_scaler_reacts_are_called_so(rate: float, waits: bool) -> None:
    """At 60 rps the scaler asks for 5 replicas, at 24 rps for the 2 that are there."""
    options = RunOptions(rps=rate, requests=2400, replications=2)
    twice = [design(), design().varied([("components.web.cost", "$0.4/h")])]
    compared = compare(twice, options, Bench(HERE), flips=False).document
    swept = sweep(design(), [[("rps", rate)]], options, Bench(HERE)).document
    for found in (compared, swept):
        assert found["unsettled"]["runs"] == (found["unsettled"]["of"] if waits else 0)
        said = " ".join(warnings_of(found))
        assert ("a run has to last 450s to show more" in said) == waits


def _written(folder: Path) -> str:
    path = folder / "auto.yaml"
    path.write_text(DESIGN, encoding="utf-8")
    return str(path)
