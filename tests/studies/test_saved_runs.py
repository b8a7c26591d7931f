"""A saved run stands in a comparison as it is where it can, and is run again where it cannot."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulator.metrics.estimates import unpaired_difference
from simulator.studies import planner
from simulator.studies.compare import compare
from simulator.studies.design import load_design
from simulator.studies.errors import StudyError
from simulator.studies.planner import Bench
from simulator.studies.pool import Pool
from simulator.studies.run import RunOptions
from tests.studies.test_commands import simulate

LENGTH = ("--requests", "4000", "-n", "4", "--jobs", "1", "--no-thresholds", "--no-report")


def saved(path: Path, design: str, *words: str) -> str:
    """What ``--json`` printed, as a file."""
    done = simulate("run", design, *LENGTH, "--json", *words)
    assert done.exit_code == 0, done.output
    path.write_text(done.stdout, encoding="utf-8")
    return str(path)


def compared(*words: str) -> dict[str, Any]:
    """The document of a comparison of designs, as the command prints it."""
    found = simulate("compare", *words, "-j", "1", "--no-store", "--no-report", "--json")
    assert found.exit_code == 0, found.output
    return dict(json.loads(found.stdout))


def row_of(document: dict[str, Any], metric: str) -> dict[str, Any]:
    return next(row for row in document["rows"] if row["metric"] == metric)


@pytest.fixture
def no_simulation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs a point fails the test."""

    def refused(*_: Any, **__: Any) -> bytes:
        raise AssertionError("a point was run")

    monkeypatch.setattr(planner, "compute", refused)


def test_two_saved_runs_of_one_seed_are_paired_without_a_simulation(
    desk_file: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    before = saved(tmp_path / "before.json", str(desk_file))
    after = saved(tmp_path / "after.json", str(desk_file), "--variant", "quick")
    request.getfixturevalue("no_simulation")
    document = compared(before, after)
    assert [(item["saved"], item["paired"]) for item in document["designs"]] == [(True, True)] * 2
    assert [item["path"] for item in document["changes"]["after"]] == [
        "components.counter.steps.0.work.exponential.mean"
    ]
    for metric in ("latency.mean", "throughput"):
        own = json.loads(Path(before).read_text(encoding="utf-8"))["metrics"]
        value = own["latency"]["mean"] if metric == "latency.mean" else own["throughput"]
        # Not the same to the last digit: a comparison cuts the same time from all designs.
        assert row_of(document, metric)["values"]["before"] == pytest.approx(
            value["value"], rel=0.05
        )


def test_a_saved_run_gives_the_figures_of_running_it_again(desk_file: Path, tmp_path: Path) -> None:
    before = saved(tmp_path / "desk.json", str(desk_file))
    kept = compared(before, f"{desk_file}@quick", "--no-flips")
    fresh = compared(
        str(desk_file), f"{desk_file}@quick", "--no-flips", "--requests", "4000", "-n", "4"
    )
    assert [item["saved"] for item in kept["designs"]] == [True, False]
    assert kept["warmup_s"] == fresh["warmup_s"]
    assert kept["rows"] == fresh["rows"]


def test_runs_of_unlike_seeds_are_compared_as_independent_ones_and_it_is_said(
    desk_file: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    before = saved(tmp_path / "before.json", str(desk_file))
    alike = saved(tmp_path / "alike.json", str(desk_file), "--variant", "quick")
    other = saved(tmp_path / "other.json", str(desk_file), "--variant", "quick", "--seed", "7",
                  "-n", "5")  # fmt: skip
    request.getfixturevalue("no_simulation")
    document = compared(before, alike, other)
    assert [item["paired"] for item in document["designs"]] == [True, True, False]
    changes = row_of(document, "latency.mean")["changes"]
    width = {name: change["high"] - change["low"] for name, change in changes.items()}
    assert width["other"] > width["alike"]
    said = simulate("compare", before, other, "-j", "1", "--no-store", "--no-report")
    assert "not paired with before: other" in said.stdout


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--rps", "60"), "it had 50 rps, not 60"),
        (("--requests", "6000"), "another length"),
        (("-n", "5"), "another number of replications"),
    ],
)
def test_a_saved_run_of_another_load_is_run_again_and_it_is_said(
    desk_file: Path, tmp_path: Path, words: tuple[str, ...], why: str
) -> None:
    before = saved(tmp_path / "before.json", str(desk_file))
    found = simulate("compare", before, f"{desk_file}@quick", *words, "--no-flips",
                     "-j", "1", "--no-store", "--no-report")  # fmt: skip
    assert found.exit_code == 0, found.output
    assert f"before was saved, and run again: {why}" in found.stdout


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("engine", "0000", "another version"),
        (None, None, "by replication"),
        ("endings", ["wall_clock"], "ended early"),
    ],
)
def test_what_cannot_stand_is_run_again(
    desk_file: Path, tmp_path: Path, key: str | None, value: Any, why: str
) -> None:
    path = tmp_path / "before.json"
    document = json.loads(Path(saved(path, str(desk_file))).read_text(encoding="utf-8"))
    if key is None:
        del document["replicates"]
    else:
        document["run" if key == "endings" else "provenance"][key] = value
    path.write_text(json.dumps(document), encoding="utf-8")
    found = compared(str(path), f"{desk_file}@quick", "--no-flips")
    assert why in found["designs"][0]["run_again"]
    assert found["designs"][0]["paired"]


def test_the_other_designs_take_load_seed_and_length_of_a_saved_run(
    desk_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the saved run is not the baseline, and as the folder of a report."""
    monkeypatch.chdir(tmp_path)
    done = simulate("run", str(desk_file), "--requests", "4000", "-n", "5", "-q", "--seed", "7",
                    "--jobs", "1", "--no-thresholds", "--rps", "60")  # fmt: skip
    assert done.exit_code == 0, done.output
    path = next(tmp_path.rglob("run.json"))
    document = compared(f"{desk_file}@quick", str(path.parent), "--no-flips")
    assert (document["seed"], document["rate"], document["replications"]) == (7, 60.0, 5)
    assert [item["saved"] for item in document["designs"]] == [False, True]
    assert all(item["paired"] for item in document["designs"])


def test_a_saved_run_with_a_setting_is_another_design(desk_file: Path, tmp_path: Path) -> None:
    before = saved(tmp_path / "before.json", str(desk_file))
    document = compared(before, "--set", "counter.workers=5", "--no-flips")
    assert [item["saved"] for item in document["designs"]] == [True, False]
    assert [item["path"] for item in document["changes"]["counter.workers=5"]] == [
        "components.counter.workers"
    ]


@pytest.mark.parametrize("text", ["", "{}", "[]", "3", '{"document": 4}', '{"study": "compare"}'])
def test_a_file_that_is_no_saved_run_is_named(tmp_path: Path, desk_file: Path, text: str) -> None:
    path = tmp_path / "odd.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StudyError, match=r"odd\.json is not a saved run"):
        load_design(str(path))
    found = simulate("compare", str(path), str(desk_file))
    assert found.exit_code == 2
    assert "Traceback" not in found.output


def test_a_comparison_of_saved_runs_tries_no_other_rates_unless_asked(
    desk_file: Path, tmp_path: Path
) -> None:
    paths = [saved(tmp_path / f"{name}.json", str(desk_file), *words)
             for name, words in (("a", ()), ("b", ("--variant", "quick")))]  # fmt: skip
    designs = [load_design(path) for path in paths]
    bench = Bench(Pool(jobs=1))
    compare(designs, RunOptions(), bench)
    assert bench.computed == 0
    compare(designs, RunOptions(), bench, flips=True)
    assert bench.computed > 0


def test_unpaired_intervals_cover_the_difference() -> None:
    """Normal means of unlike scatter and number: 2000 tries at a nominal 95 %.

    The lower bound of 93 % is four standard deviations below 95 %, so that it fails by chance
    once in thirty thousand times; the method may cover more than nominal where few values make
    one of the intervals, up to 99 %.
    """
    generator = np.random.Generator(np.random.PCG64(1))
    covered = 0
    for _ in range(2000):
        a, b = generator.normal(3.0, 1.0, 8), generator.normal(5.0, 2.0, 6)
        tables = [{"pooled": float(x.mean()), "each": x.tolist()} for x in (a, b)]
        change = unpaired_difference(*tables)
        covered += change.low <= 2.0 <= change.high
    assert 0.93 <= covered / 2000 <= 0.99


@pytest.mark.parametrize("named", ["capacity", "capacity/study.json"])
def test_a_saved_study_is_told_from_a_saved_run(tmp_path: Path, named: str) -> None:
    folder = tmp_path / "capacity"
    folder.mkdir()
    (folder / "study.json").write_text('{"study": "capacity", "file": "desk.yaml"}', "utf-8")
    with pytest.raises(
        StudyError, match="is not a saved run but the result of `capacity`"
    ) as refused:
        load_design(str(tmp_path / named))
    assert "desk.yaml" in refused.value.hint
