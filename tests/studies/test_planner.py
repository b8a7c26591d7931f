"""Points are computed once, kept, and the same wherever they are computed."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from simulator.studies.design import Design
from simulator.studies.errors import ClusterError, StudyInterrupted
from simulator.studies.planner import Bench
from simulator.studies.point import Point, compute, digest_of, refuse_other_version, unpack
from simulator.studies.pool import Pool
from simulator.studies.ranges import parse_range
from simulator.studies.run import RunOptions
from simulator.studies.store import Store
from simulator.studies.sweep import plan_sweep, sweep

SHORT = RunOptions(requests=2000, replications=4)


def points_of(design: Design, count: int) -> list[Point]:
    return [Point(design.data, replace(SHORT, rps=20.0 + 5.0 * n)) for n in range(count)]


def test_a_second_study_computes_nothing(desk: Design, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    first, second = Bench(Pool(jobs=1), store), Bench(Pool(jobs=1), store)
    points = points_of(desk, 3)
    assert first.evaluate(points) == second.evaluate(points)
    assert (first.computed, first.reused) == (3, 0)
    assert (second.computed, second.reused) == (0, 3)


def test_a_point_asked_for_twice_is_computed_once(desk: Design) -> None:
    bench = Bench(Pool(jobs=1))
    point = points_of(desk, 1)[0]
    found = bench.evaluate([point, point])
    assert found[0] == found[1]
    assert bench.computed == 1


def test_an_interrupted_study_goes_on_where_it_was(desk: Design, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    told: list[str] = []

    def stop_after_two(what: str, share: float) -> None:
        told.append(what)
        if share >= 0.5:
            raise KeyboardInterrupt

    points = points_of(desk, 4)
    with pytest.raises(StudyInterrupted) as interrupted:
        Bench(Pool(jobs=1), store, stop_after_two).evaluate(points)
    assert (interrupted.value.done, interrupted.value.wanted) == (2, 4)
    again = Bench(Pool(jobs=1), store)
    again.evaluate(points)
    assert (again.computed, again.reused) == (2, 2)
    assert told


def test_an_interrupted_sweep_gives_the_rows_that_are_there(desk: Design, tmp_path: Path) -> None:
    def stop(what: str, share: float) -> None:
        if share >= 0.5:
            raise KeyboardInterrupt

    plan = plan_sweep([parse_range("rps=20,30,40,50")])
    bench = Bench(Pool(jobs=1), Store(tmp_path / "store"), stop)
    result = sweep(desk, plan, SHORT, bench)
    assert result.document["interrupted"]
    assert result.document["partial"]
    assert [row["rps"] for row in result.rows] == [20, 30]


def test_the_same_bytes_on_one_process_and_on_two(desk: Design) -> None:
    points = points_of(desk, 3)
    alone = [compute(point) for point in points]
    by_points = dict(Pool(jobs=2).each(points))
    by_replications = [compute(point, jobs=2) for point in points]
    assert alone == [by_points[place] for place in range(3)] == by_replications


def test_the_digest_tells_what_matters_apart(desk: Design) -> None:
    point = Point(desk.data, SHORT)
    others = [
        Point(desk.varied([("counter.workers", 5)]).data, SHORT),
        Point(desk.data, replace(SHORT, seed=1)),
        Point(desk.data, replace(SHORT, rps=51.0)),
        Point(desk.data, replace(SHORT, replications=5)),
        Point(desk.data, replace(SHORT, thresholds=())),
        Point(desk.data, SHORT, paired=True),
    ]
    digests = {digest_of(other) for other in [point, *others]}
    assert len(digests) == 1 + len(others)
    assert digest_of(Point(desk.data, replace(SHORT, jobs=7))) == digest_of(point)


def test_a_result_cut_short_is_marked_and_not_kept(desk: Design, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    bench = Bench(Pool(jobs=1), store)
    hasty = Point(desk.data, RunOptions(requests=400_000, replications=2, wall_s=0.01))
    found = bench.evaluate([hasty])[0]
    assert found["document"]["run"]["endings"] == ["wall_clock"]
    assert store.get(digest_of(hasty)) is None


def test_nothing_of_the_machine_is_kept(desk: Design) -> None:
    text = json.dumps(unpack(compute(Point(desk.data, SHORT))))
    assert '"wall_s"' not in text
    assert '"elapsed_s"' not in text
    assert '"jobs"' not in text


def test_a_worker_with_another_version_is_refused_by_name() -> None:
    with pytest.raises(ClusterError, match=r"worker tcp://10\.0\.0\.7:4321 has .* 0\.0\.9"):
        refuse_other_version("0.0.9", "0.1.0", "tcp://10.0.0.7:4321")


def test_a_worker_checks_its_version_before_it_works(desk: Design) -> None:
    with pytest.raises(ClusterError, match=r"0\.0\.0-other"):
        compute(Point(desk.data, SHORT), wanted_version="0.0.0-other")
