"""The package from a notebook: designs and options in any form, errors that help, types."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import simulator
from simulator.asked import options_of
from simulator.studies.errors import StudyError
from simulator.topology.diagnostics import DocumentError
from tests.designs import DESK

SHORT: Any = {"requests": 2000, "replications": 4, "jobs": 1}
ON = simulator.bench(jobs=1, store=False)


def test_a_design_may_be_a_path_text_or_a_mapping(desk_file: Path) -> None:
    from ruamel.yaml import YAML

    data = YAML(typ="safe").load(DESK)
    forms = [desk_file, str(desk_file), DESK, data, simulator.load(desk_file)]
    means = {simulator.run(form, **SHORT).document["metrics"]["latency"]["mean"]["value"]
             for form in forms}  # fmt: skip
    assert len(means) == 1


def test_quantities_may_have_units() -> None:
    words: Any = {"duration": "2m", "requests": "2k", "warmup": 0, "precision": "5%", "seed": 1}
    options = options_of("30k/min", words)
    assert (options.rps, options.duration_s, options.requests) == (500.0, 120.0, 2000)
    assert (options.warmup_s, options.precision, options.seed) == (0.0, 0.05, 1)
    assert options_of(np.float64(3.5), {"requests": np.int64(7)}).requests == 7
    goals = options_of(None, {"thresholds": ["latency: p(99)<1s"]}).thresholds
    assert goals is not None and goals[0].threshold.bound == 1.0


@pytest.mark.parametrize(
    ("rps", "words", "kind", "said"),
    [
        (None, {"request": 3}, TypeError, "did you mean `requests`"),
        (None, {"duration_s": 3}, TypeError, "did you mean `duration`"),
        ("many", {}, StudyError, "expected a rate"),
        (-1, {}, StudyError, "above 0"),
        (float("nan"), {}, StudyError, "above 0"),
        (True, {}, TypeError, "expected a number"),
        ([1, 2], {}, TypeError, "not list"),
        (None, {"seed": 1.5}, StudyError, "whole number"),
        (None, {"jobs": "two"}, StudyError, "whole number"),
        (None, {"thresholds": ["p99"]}, StudyError, "thresholds"),
    ],
)
def test_an_option_that_cannot_be_meant_is_named(
    rps: Any, words: dict[str, Any], kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said):
        options_of(rps, words)


def test_mistakes_in_a_design_show_where_they_are() -> None:
    with pytest.raises(DocumentError, match=r"missing field `rate`"):
        simulator.run({"name": "x"})
    with pytest.raises(DocumentError, match=r"unknown field `wrokers`"):
        simulator.load(DESK, {"counter.wrokers": 3})
    with pytest.raises(DocumentError, match=r"did you mean `llm_gateway`"):
        simulator.load("llm_gatway")
    with pytest.raises(TypeError, match="not NoneType"):
        simulator.load(None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="one by one"):
        simulator.compare([DESK, DESK], on=ON)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="maps paths to values"):
        simulator.sweep(DESK, "counter.workers=3..4", on=ON)  # type: ignore[arg-type]
    with pytest.raises(StudyError, match="no backend") as found:
        simulator.bench(backend="spark")  # type: ignore[arg-type]
    assert found.value.__notes__ == ["known: loky, dask, ray"]


def test_results_of_runs_are_compared_without_running_them_again() -> None:
    before = simulator.run(DESK, **SHORT)
    after = simulator.run(simulator.load(DESK, {"counter.workers": 5}), **SHORT)
    result = simulator.compare(before, after, on=ON)
    assert [item["saved"] for item in result.document["designs"]] == [True, True]
    assert [item["path"] for item in result.document["changes"]["desk (2)"]] == [
        "components.counter.workers"
    ]
    frame = result.to_frame()
    assert set(frame["design"]) == {"desk (2)"}


def test_every_result_shows_itself(desk_file: Path) -> None:
    short: Any = {"requests": 1500, "replications": 4}
    results = [
        simulator.run(desk_file, **short, jobs=1),
        simulator.compare(desk_file, f"{desk_file}@quick", on=ON, flips=False, **short),
        simulator.capacity(desk_file, on=ON, **short),
        simulator.sweep(desk_file, {"counter.workers": range(3, 6)}, on=ON, **short),
        simulator.sweep(desk_file, {"rps": np.linspace(20.0, 40.0, 2)}, on=ON, **short),
        simulator.size(desk_file, vary={"counter.workers": [4, 5]}, on=ON, **short),
        simulator.drill(desk_file, requests=1000, jobs=1),
    ]
    for result in results:
        assert "█" in repr(result) or "recovers" in repr(result)
        assert result._repr_html_().startswith("<pre>")
        assert len(result.to_frame()) > 0
        for name in result.figures():
            assert result.figure(name).data
        assert result.to_html().startswith("<!DOCTYPE html>")
    with pytest.raises(KeyError, match="known: percentile-spectrum"):
        results[0].figure("no such figure")


@pytest.mark.slow
def test_the_documentation_shows_what_the_example_prints() -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, str(root / "docs" / "example.py")], capture_output=True, text=True,
        check=True, env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    text = (root / "docs" / "python.md").read_text(encoding="utf-8")
    shown = text.partition("```text\n")[2].partition("\n```")[0]
    assert shown.splitlines() == [line.rstrip() for line in done.stdout.splitlines()]


def test_a_misspelt_function_is_suggested() -> None:
    with pytest.raises(AttributeError) as found:
        simulator.comare  # noqa: B018
    assert found.value.name == "comare" and found.value.obj is simulator


@pytest.mark.slow
def test_scripts_of_users_are_checked_by_mypy(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\n"
        "import simulator\n"
        'result = simulator.run(Path("a.yaml"), rps="500 rps", duration="30s", seed=1)\n'
        'rate: float | None = simulator.capacity({"name": "x"}).rate\n'
        'rows: int = len(simulator.sweep("a", {"b": [1, 2]}, requests="2k").to_frame())\n'
        'simulator.compare(result, "a@b", fail=["latency.p(99):+5%"])\n'
        'simulator.run("a", durations="3s")\n'
        'simulator.run("a", seed="one")\n',
        encoding="utf-8",
    )
    words = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", str(script)]
    done = subprocess.run(
        [*words, "--config-file=", f"--cache-dir={tmp_path}"], capture_output=True, text=True,
        check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if "script.py" in line]
    assert {line.split(":")[1] for line in lines} == {"7", "8"}, done.stdout


def test_the_command_of_a_result_asks_the_same_question(desk_file: Path) -> None:
    """With the variant, the settings and the goals; where no command can ask it, there is none."""
    few: Any = {"requests": 500, "replications": 2}
    fast = simulator.load(f"{desk_file}@quick", {"counter.workers": 5, "counter.cost": "$2/h"})
    found = simulator.capacity(fast, within=0.1, thresholds="latency: p(95)<1s", on=ON, **few)
    assert shlex.split(found.command)[1:] == [
        "capacity", f"{desk_file}@quick", "--set", "counter.workers=5", "--set",
        "counter.cost=$2/h", "--precision", "0.1", "--threshold", "latency: p(95)<1s",
        "--requests", "500", "--replications", "2",
    ]  # fmt: skip
    drilled = simulator.drill(f"{desk_file}@quick", rps=40, requests=500, replications=2, jobs=1)
    assert shlex.split(drilled.command)[1:] == [
        "drill", str(desk_file), "--variant", "quick", "--rps", "40", "--requests", "500",
    ]  # fmt: skip
    in_memory = simulator.run(desk_file.read_text(encoding="utf-8"), **few)
    assert in_memory.command == "" and "again" not in repr(in_memory)
