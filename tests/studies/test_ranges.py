"""Ranges are read as they are meant, and mistakes are named."""

import pytest

import simulator
from simulator.studies.capacity import capacity
from simulator.studies.compare import compare
from simulator.studies.design import Design
from simulator.studies.errors import StudyError
from simulator.studies.gates import judge_gates, parse_gate
from simulator.studies.planner import Bench
from simulator.studies.pool import Pool
from simulator.studies.ranges import grid, latin_hypercube, parse_range
from simulator.studies.run import RunOptions
from simulator.studies.sensitivity import sensitivity
from simulator.studies.size import size
from simulator.studies.sweep import sweep


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a=4,6,8", (4, 6, 8)),
        ("a=fifo,lifo", ("fifo", "lifo")),
        ("a=2..5", (2, 3, 4, 5)),
        ("a=0..10:3", (0, 5, 10)),
        ("a=1..2:5", (1, 2)),
        ("a=1ms..3ms:3", ("1ms", "2ms", "3ms")),
        ("a=1..100ms:2", ("1ms", "100ms")),
        ("a=$1..$3/h:3", ("$1/h", "$2/h", "$3/h")),
        ("a=1..100:3:log", (1, 10, 100)),
        ("a=0.5..1.5:3", (0.5, 1.0, 1.5)),
        ("a=10%", ("10%",)),
    ],
)
def test_ranges(text: str, values: tuple[object, ...]) -> None:
    assert parse_range(text).values == values


@pytest.mark.parametrize(
    "text", ["a", "=1..2", "a=", "a=,", "a=5..2", "a=1..2:0", "a=1ms..2s", "a=0..1:3:log", "a=x..y",
             "a=1..2:3:4"]
)  # fmt: skip
def test_mistakes(text: str) -> None:
    with pytest.raises(StudyError) as error:
        parse_range(text, "--over")
    assert "--over" in str(error.value)


def test_the_grid_is_the_product() -> None:
    plan = grid([parse_range("a=1,2"), parse_range("b=x,y")])
    assert plan[1] == (("a", 1), ("b", "y"))
    assert len(plan) == 4


def test_a_latin_hypercube_visits_every_part_once() -> None:
    plan = latin_hypercube([parse_range("a=0.0..1.0:2"), parse_range("b=0.0..1.0:2")], 10, seed=3)
    for column in range(2):
        parts = sorted(int(point[column][1] * 10) for point in plan)
        assert parts == list(range(10))
    assert plan == latin_hypercube(
        [parse_range("a=0.0..1.0:2"), parse_range("b=0.0..1.0:2")], 10, seed=3
    )


def row(value: float, low: float, high: float) -> dict[str, object]:
    relative = {"value": value, "low": low, "high": high}
    return {"metric": "latency.p99", "changes": {"b": {"value": 1.0, "relative": relative}}}


@pytest.mark.parametrize(
    ("change", "status"),
    [((0.10, 0.06, 0.14), "fail"), ((0.06, 0.02, 0.10), "unsure"), ((0.02, 0.0, 0.04), "pass")],
)
def test_gates(change: tuple[float, float, float], status: str) -> None:
    gate = parse_gate("latency.p(99):+5%")
    assert judge_gates([gate], [row(*change)], ["b"])[0]["status"] == status


@pytest.mark.parametrize(
    ("change", "status"),
    [((0.0, 0.0, 0.0), "pass"), ((0.2, 0.1, 0.3), "fail"), ((0.1, -0.1, 0.3), "unsure")],
)
def test_a_rise_from_nothing_crosses_a_gate_if_it_is_certain(
    change: tuple[float, float, float], status: str
) -> None:
    measured = dict(zip(("value", "low", "high"), change, strict=True)) | {"relative": None}
    risen = {"metric": "latency.p99", "changes": {"b": measured}}
    judged = judge_gates([parse_gate("latency.p(99):+5%")], [risen], ["b"])
    assert judged[0]["status"] == status


def test_a_range_of_too_many_whole_values_is_refused_not_thinned() -> None:
    with pytest.raises(StudyError, match="1000000000 values") as error:
        parse_range("s.workers=1..1000000000")
    assert len(parse_range(error.value.hint.split(": ")[1]).values) == 12


def test_a_gate_on_an_unknown_metric_suggests() -> None:
    with pytest.raises(StudyError) as error:
        judge_gates([parse_gate("latncy.p(99):+5%")], [row(0, 0, 0)], ["b"])
    assert "latency.p99" in error.value.hint


def test_a_gate_on_a_percentile_that_is_not_taken_names_those_that_are() -> None:
    with pytest.raises(StudyError) as error:
        parse_gate("latency.p(98):+5%")
    assert "p(99)" in error.value.hint


def test_the_length_of_a_run_is_no_knob_of_a_study(desk: Design) -> None:
    """All runs of a study last equally long, so a column of lengths would be a fiction."""
    options, bench = RunOptions(requests=200, replications=2), Bench(Pool(jobs=1))
    longer = desk.varied([("run.duration", "30s")])
    vary = [parse_range("run.duration=1s,2s", "--vary")]
    for study in (
        lambda: compare([desk, longer], options, bench),
        lambda: capacity(longer, options, bench),
        lambda: sweep(desk, [[("run.duration", "1s")], [("run.duration", "2s")]], options, bench),
        lambda: size(desk, vary, options, bench),
        lambda: sensitivity(desk, options, vary, bench),
        lambda: simulator.drill(longer),
    ):
        with pytest.raises(StudyError, match="changes nothing here"):
            study()


def test_a_gate_on_what_no_design_has_is_refused_before_a_run(desk: Design) -> None:
    bench = Bench(Pool(jobs=1))
    bench.evaluate = lambda *_: pytest.fail("a design was run")  # type: ignore[method-assign]
    gate = parse_gate("latncy.p(99):+5%")
    with pytest.raises(StudyError, match=r"no metric `latncy\.p99`") as found:
        compare([desk, desk], RunOptions(requests=200), bench, gates=[gate])
    assert "latency" in found.value.hint
    assert parse_gate("quality.mean:-1%").metric == "quality"
