"""The commands of studies: exit codes, formats, and mistakes said well."""

import io
import json
import runpy
import shlex
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from simulator.cli.app import Commands
from simulator.cli.sweep import put_table

ROOT = Path(__file__).parents[2]
SHORT = ["--requests", "2000", "-n", "4", "-j", "1", "--no-store", "--no-report"]


@dataclass(frozen=True)
class Done:
    """How a command ended and what it said."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        return self.stdout + self.stderr


def simulate(*words: str) -> Done:
    """Run a command in this process."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            Commands(name="simulate")(list(words), prog_name="simulate")
        except SystemExit as leaving:
            code = int(leaving.code or 0)
    return Done(code, out.getvalue(), err.getvalue())


def test_compare_prints_json(desk_file: Path) -> None:
    found = simulate(
        "compare", str(desk_file), f"{desk_file}@quick", *SHORT, "--no-flips", "--json"
    )
    assert found.exit_code == 0, found.output
    document = json.loads(found.stdout)
    assert document["study"] == "compare"
    assert [item["path"] for item in document["changes"]["quick"]] == [
        "components.counter.steps.0.work.exponential.mean"
    ]


def test_three_designs_fit_a_terminal_of_80_columns(
    desk_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    found = simulate(
        "compare", str(desk_file), f"{desk_file}@quick", f"{desk_file}@quick", *SHORT, "--no-flips"
    )
    lines = [line for line in found.stdout.splitlines() if not line.startswith("    again")]
    assert found.exit_code == 0 and "dominates" in found.stdout, found.output
    assert max(map(len, lines)) <= 80


def test_pages_of_other_settings_lie_in_other_folders(
    desk_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(desk_file.parent)
    words = [word for word in SHORT if word != "--no-report"]
    for workers in (5, 6):
        setting = f"counter.workers={workers}"
        assert not simulate(
            "compare", "desk.yaml", "--set", setting, *words, "--no-flips"
        ).exit_code
    pages = sorted(page.parent.name for page in desk_file.parent.glob("reports/desk/compare/*/*"))
    assert list(dict.fromkeys(pages)) == ["counter_workers_5", "counter_workers_6"]


def test_compare_says_by_its_exit_code_that_designs_differ(desk_file: Path) -> None:
    words = [*SHORT, "--no-flips", "--detailed-exitcode"]
    assert simulate("compare", str(desk_file), f"{desk_file}@quick", *words).exit_code == 4
    assert simulate("compare", str(desk_file), str(desk_file), *words).exit_code == 0


def test_a_gate_that_is_crossed_fails_the_command(desk_file: Path) -> None:
    words = ["compare", f"{desk_file}@quick", str(desk_file), *SHORT, "--no-flips"]
    assert simulate(*words, "--fail", "latency.p(50):+5%").exit_code == 99
    assert simulate(*words, "--fail", "latency.p(50):+500%").exit_code == 0


def test_markdown_is_for_a_comment(desk_file: Path) -> None:
    found = simulate(
        "compare", str(desk_file), "--set", "counter.workers=5", *SHORT, "--no-flips",
        "--format", "markdown",
    )  # fmt: skip
    assert found.exit_code == 0
    assert "| latency p(99) |" in found.stdout
    assert "```diff\n! components.counter.workers  4 → 5" in found.stdout


def test_a_comment_says_first_whether_a_gate_is_crossed(desk_file: Path, tmp_path: Path) -> None:
    """As in CI: the terminal for the log, Markdown in a file, and the exit code."""
    before, comment = tmp_path / "before.yaml", tmp_path / "out" / "comment.md"
    before.write_text(desk_file.read_text(encoding="utf-8"), encoding="utf-8")
    desk_file.write_text(before.read_text(encoding="utf-8").replace("50ms", "60ms", 1), "utf-8")
    words = ["compare", str(before), str(desk_file), *SHORT, "--no-flips", "--md", str(comment)]
    found = simulate(*words, "--fail", "latency.p(50):+5%", "--fail", "cost:+1%")
    assert found.exit_code == 99
    assert found.stdout.index("GATES") < found.stdout.index("VERDICT")
    text = comment.read_text(encoding="utf-8")
    assert text.startswith("### before → desk\n\n**✗ 1 of 2 gates crossed**\n")
    assert "! components.counter.steps.0.work.exponential.mean  50ms → 60ms" in text
    assert simulate(*words).exit_code == 0


def test_sweep_writes_its_table(desk_file: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    found = simulate("sweep", str(desk_file), "--over", "rps=20,40", *SHORT, "--out", str(table))
    assert found.exit_code == 0, found.output
    lines = table.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("rps,")
    assert len(lines) == 3


def test_an_interrupt_leaves_the_whole_table_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is finished is put beside it, until the sweep has come to its end."""
    table, beside = tmp_path / "table.csv", tmp_path / "table.partial.csv"
    whole = {"rows": [{"rps": 1}, {"rps": 2}], "interrupted": False}
    part = {"rows": [{"rps": 1}], "interrupted": True}
    put_table(whole, table)
    put_table(part, table)
    assert table.read_text(encoding="utf-8") == "rps\n1\n2\n"
    assert beside.read_text(encoding="utf-8") == "rps\n1\n"
    assert str(beside) in capsys.readouterr().err
    put_table(whole, table)
    assert not beside.exists()


def test_size_fails_if_nothing_holds(desk_file: Path) -> None:
    words = ["size", str(desk_file), "--rps", "500", "--vary", "counter.workers=1..3", *SHORT]
    found = simulate(*words)
    assert found.exit_code == 99
    # What was ruled out on paper is all that there is to see.
    assert [line.split()[-1] for line in found.stdout.splitlines() if " 833% " in line] == [
        "overloaded"
    ]


def test_size_says_how_to_run_what_it_found_as_it_was_asked(desk_file: Path) -> None:
    """A goal, a setting and the variant of the question are part of the answer, and it runs."""
    words = ["--rps", "50", "--vary", "counter.workers=4,8", "-t", "latency: p(95)<2s"]
    found = simulate("size", f"{desk_file}@quick", *words, "--set", "counter.cost=$2/h", *SHORT)
    said = next(line for line in found.stdout.splitlines() if line.strip().startswith("use "))
    use = shlex.split(said)[1:]
    assert use[1:4] == [str(desk_file), "--variant", "quick"]
    assert use[4:] == [
        "--rps", "50", "--set", "counter.cost=$2/h", "--threshold", "latency: p(95)<2s",
        "--set", "counter.workers=8",
    ]  # fmt: skip
    again = simulate(*use[1:], "--requests", "500", "-n", "2", "--no-report")
    assert again.exit_code in (0, 99), again.output
    assert "all of them cost the same" in found.stdout


def test_a_sweep_says_where_its_table_is_and_that_nothing_judges_it(
    desk_file: Path, tmp_path: Path
) -> None:
    plain = desk_file.read_text(encoding="utf-8").partition("objectives:")[0]
    desk_file.write_text(plain, encoding="utf-8")
    words = ["--over", "counter.workers=5,6", "--out", str(tmp_path / "t.csv")]
    found = simulate("sweep", str(desk_file), *words, *SHORT)
    assert "2 points, and no objectives to judge them by" in found.stdout
    assert "pass" not in found.stdout and "steady" in found.stdout
    assert f"table   {tmp_path / 't.csv'}" in found.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sweep", "FILE", "--over", "countr.workers=1..3"], "did you mean `counter`"),
        (["sweep", "FILE", "--over", "counter.wrokers=1..3"], "did you mean `workers`"),
        (["sweep", "FILE", "--over", "counter.workers=3..1"], "is empty"),
        (["sweep", "FILE", "--over", "counter.workers="], "is empty"),
        (["sweep", "FILE"], "something to vary"),
        (["sweep", "FILE", "--over", "rps=1,2", "--points", "none.csv"], "cannot read none.csv"),
        (["sweep", "FILE", "--points", "TABLE", "--over", "rps=1,2"], "so --over has nothing"),
        (["sweep", "FILE", "--points", "TABLE", "--lhs", "3"], "so --lhs has nothing"),
        (["sweep", "FILE", "--points", "TWICE"], "`rps` is given twice in the header"),
        (["size", "FILE"], "nothing to vary"),
        (["size", "FILE", "--vary", "counter.workers=1,2", "--vary", "counter.workers=3,4"],
         "given twice"),
        (["size", "FILE", "--vary", "counter.workers=1..2", "--rps", "many"], "expected a rate"),
        (["size", "FILE", "--vary", "counter.kind=service,gpu"], "counter"),
        (["size", "FILE", "--vary", "counter.workers=1..2", "-t", "latncy: p(95)<1s"],
         "did you mean `latency`"),
        (["capacity", "FILE", "-t", "availability: p(99)<1s"],
         "`availability` has no percentiles: it has rate"),
        (["capacity", "FILE", "-t", "cost: rate<1"], "write it like `cost: per_hour<$10`"),
        (["capacity", "FILE", "-t", "latency: p(99)<5%"], "write it like `latency: p(99)<800ms`"),
        (["capacity", "FILE", "--set", "objectives.errors=['p(99)<1s']"], "it has rate"),
        (["capacity", "FILE", "-t", "buyer.latency: p(95)<1s"], "not a class of requests"),
        (["capacity", "FILE", "--precision", "0"], "above 0"),
        (["sensitivity", "FILE", "--vary", "counter.workers=2..2"], "one value"),
        (["sensitivity", "FILE", "--vary", "counter.wrokers=1..3"], "did you mean `workers`"),
        (["sensitivity", "FILE", "--span", "200%"], "between 0 and 1"),
        (["sensitivity", "FILE", "--vary", "counter.workers=1..3", "--vary",
          "counter.workers=2..4"], "given twice"),
        (["size", "FILE", "--vary", "rps=1..3"], "not a part of it"),
        (["sweep", "FILE", "--over", "rps=0..100:3"], "nothing to measure"),
        (["compare", "FILE", "FILE", "--rps", "1e400"], "--rps"),
        (["compare", "FILE", "FILE", "-n", "1000000000"], "--replications"),
        (["sweep", "FILE", "--over", "rps=1,2", "--seed", "-3"], "--seed"),
        (["sweep", "FILE", "--over", "rps=1,2", "--lhs", "0"], "--lhs"),
        (["sweep", "FILE", "--over", "counter.steps.9.work=1ms"], "no position in it"),
        (["compare", "FILE", "FILE", "--format", "pdf"], "no format"),
        (["compare", "FILE", "FILE", "--scheduler", "tcp://here:1"], "loky has no scheduler"),
        (["capacity", "FILE", "-t", "latency p99"], "--threshold"),
        (["compare", "FILE"], "two designs"),
        (["compare", "FILE", "FILE@quikc"], "did you mean `quick`"),
        (["compare", "FILE", "missing.yaml"], "missing.yaml"),
        (["compare", "FILE", "FILE", "--fail", "latency"], "write it like"),
        (["compare", "FILE", "FILE", "--fail", "latency.p(97):+1%"], "p(95)"),
        (["compare", "FILE", "FILE", "--fail", "latncy.p99:+5%"], "there is no metric"),
        (["compare", "FILE", "FILE", "--backend", "spark"], "no backend"),
        (["sweep", "FILE", "--over", "rps=1,2", "--backend", "dask", "--scheduler", "nowhere"],
         "no address" if find_spec("distributed") else "the dask backend is not installed"),
        (["sweep", "FILE", "--over", "rps=1,2", "--out", "table.xls"], ".csv or .parquet"),
    ],
)  # fmt: skip
def test_mistakes_are_named_and_never_a_traceback(
    desk_file: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    table, twice = tmp_path / "table.csv", tmp_path / "twice.csv"
    table.write_text("rps\n20\n", encoding="utf-8")
    twice.write_text("rps,rate\n20,30\n", encoding="utf-8")
    files = {"FILE": desk_file, "TABLE": table, "TWICE": twice}
    typed = [str(files.get(word, word)).replace("FILE", str(desk_file)) for word in words]
    found = simulate(*typed, "--no-store", "--no-report", "--requests", "2000", "-j", "1")
    assert found.exit_code == 2, found.output
    assert said in found.output
    assert "Traceback" not in found.output


def test_a_store_that_cannot_be_made_is_named_before_anything_is_run(
    desk_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    store = str(tmp_path / "file" / "store")
    found = simulate("sweep", str(desk_file), "--over", "rps=1,2", "--store", store, "-j", "1")
    assert found.exit_code == 2
    assert "cannot keep results" in found.output


def test_capacity_without_objectives_says_what_to_do(tmp_path: Path, desk_file: Path) -> None:
    text = desk_file.read_text(encoding="utf-8")
    bare = tmp_path / "bare.yaml"
    bare.write_text(text.replace('objectives:\n  latency: ["p(95)<250ms"]\n', ""), encoding="utf-8")
    for command in (["capacity"], ["size", "--vary", "counter.workers=1..3"]):
        found = simulate(*command, str(bare), "--no-store", "--no-report", "-j", "1")
        assert found.exit_code == 2
        assert "objectives" in found.output


def test_importing_the_package_imports_nothing_heavy() -> None:
    heavy = "('numpy', 'simpy', 'pydantic')"
    code = f"import sys, simulator; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_example_of_the_documentation_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    example = runpy.run_path(str(ROOT / "docs" / "example.py"))
    example["main"](tmp_path, requests=4000)
    assert "holds up to" in capsys.readouterr().out


def test_a_comment_tells_who_is_overloaded_and_what_was_too_short(desk_file: Path) -> None:
    """What a reader of the terminal is warned of, a reader of the pull request is, too."""
    words = ["compare", str(desk_file), "--set", "counter.workers=8", "--rps", "100", *SHORT]
    found = simulate(*words, "--no-flips", "--format", "markdown")
    assert found.exit_code == 0
    assert "\n✗ desk does not hold 100 rps" in found.stdout
    assert "dominates desk, which has no steady state: better in" in found.stdout
