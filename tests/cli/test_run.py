"""The main command as its user meets it: a process, its output, its exit code."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from simulator.cli.app import folded

ROOT = Path(__file__).parents[2]
GATEWAY = str(ROOT / "topologies" / "llm_gateway.yaml")


# As users run it: Python keeps compiled modules unless it is told not to.
BARE = {key: text for key, text in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def simulate(
    *words: str, cwd: Path | None = None, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run ``simulate`` with these words."""
    return subprocess.run(
        [sys.executable, "-m", "simulator", *words],
        capture_output=True,
        text=True,
        cwd=cwd or ROOT,
        timeout=timeout,
        env=BARE | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
        check=False,
    )


def test_main_job_writes_summary_and_report(tmp_path: Path) -> None:
    done = simulate(GATEWAY, "--rps", "500", "--requests", "20k", "--out", str(tmp_path / "r"))
    assert done.returncode in {0, 99}, done.stderr
    for title in ("VERDICT", "THRESHOLDS", "RESULTS", "COMPONENTS", "NEXT"):
        assert f"█ {title}" in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 120
    page = (tmp_path / "r" / "index.html").read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html>") and "llm_gateway" in page
    before = page
    again = simulate("report", str(tmp_path / "r"))
    assert again.returncode == 0
    assert (tmp_path / "r" / "index.html").read_text(encoding="utf-8") == before


def test_same_seed_same_bytes_for_any_number_of_jobs() -> None:
    documents = []
    for jobs in ("1", "2"):
        done = simulate(
            GATEWAY, "--rps", "200", "--requests", "12k", "--json", "--no-report", "-j", jobs
        )
        document = json.loads(done.stdout)
        for field in ("wall_s", "elapsed_s", "jobs"):
            document["run"].pop(field)
        documents.append(json.dumps(document))
    assert documents[0] == documents[1]


def test_json_has_the_documented_shape() -> None:
    done = simulate(GATEWAY, "--rps", "100", "--requests", "8k", "--json", "--no-report")
    document = json.loads(done.stdout)
    assert document["schema"] == 1 and document["topology"] == "llm_gateway"
    assert set(document) >= {
        "seed", "replications", "stable", "verdict", "metrics", "classes", "components",
        "objectives", "claims", "estimates", "warnings", "run",
    }  # fmt: skip
    assert document["verdict"]["status"] in {"pass", "fail", "unsure", "unstable"}
    for name in ("mean", "p50", "p95", "p99"):
        assert set(document["metrics"]["latency"][name]) == {"value", "low", "high"}
    assert document["metrics"]["latency"]["p99.9"] is None, "8 000 requests do not support p99.9"
    router = document["components"]["router"]
    assert set(router) >= {"utilization", "wait", "service", "queue_length", "throughput", "cost"}
    assert set(router["queue_length"]) == {"mean", "max"}
    assert set(document["run"]) >= {"requests", "events", "wall_s", "simulated_s"}


def test_plan_runs_nothing() -> None:
    done = simulate(GATEWAY, "--rps", "500", "--plan")
    assert done.returncode == 0
    assert "on paper" in done.stdout and "first to saturate" in done.stdout


OVERLOAD = """
name: overload
rate: 20k rps
requests: {job: {entry: station}}
components:
  station: {kind: service, workers: 1, steps: [{work: 1s}]}
"""


@pytest.mark.slow
def test_a_million_waiting_requests(tmp_path: Path) -> None:
    """Overload ends inside its budget, loses nobody and is called by its name."""
    path = tmp_path / "overload.yaml"
    path.write_text(OVERLOAD)
    began = time.perf_counter()
    done = simulate(
        str(path), "--duration", "50s", "-n", "1", "--json", "--no-report", "--wall", "40s"
    )
    assert time.perf_counter() - began < 80
    document = json.loads(done.stdout)
    assert document["verdict"]["status"] == "unstable"
    assert "station" in document["verdict"]["sentence"]
    assert document["run"]["issued"] > 900_000
    finished = document["run"]["issued"] - document["run"]["in_flight"]
    assert 0 < finished < 1000, "one a second is all it can do"


def test_interrupt_gives_a_partial_result(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "simulator", GATEWAY, "--rps", "500", "--requests", "2M"]
    out = tmp_path / "out.json"
    with (
        out.open("w") as sink,
        subprocess.Popen(
            [*words, "--no-report", "--json"], stdout=sink, stderr=subprocess.PIPE, text=True,
            cwd=ROOT,
        ) as process,
    ):  # fmt: skip
        try:
            time.sleep(15)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130, err
    document = json.loads(out.read_text())
    assert "interrupted" in document["run"]["endings"]
    assert any("partial" in warning for warning in document["warnings"])
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("comapre", "a", "b"), "did you mean `compare`?"),
        (("missing.yaml",), "E100"),
        ((str(ROOT / "topologies"),), "E100"),
        ((GATEWAY, "--rps", "fast"), "--rps"),
        ((GATEWAY, "--rps", "-3"), "--rps"),
        ((GATEWAY, "--rps", "nan"), "--rps"),
        ((GATEWAY, "--variant", "nothing"), "E115"),
        ((GATEWAY, "--set", "pii_scam.replicas=2"), "pii_scan"),
        ((GATEWAY, "--set", "nonsense"), "PATH=VALUE"),
        ((GATEWAY, "--workload", "spke"), "spike"),
        ((GATEWAY, "--threshold", "latency: fast"), "threshold"),
        ((GATEWAY, "--out", "/proc/nowhere/report"), "cannot write"),
        (("explain", "cahce"), "did you mean `cache`?"),
        (("list", "kindz"), "did you mean `kinds`?"),
        (("report", "/nowhere"), "cannot read"),
        (("--nonsense",), "No such option"),
    ],
)
def test_mistakes_are_explained(words: tuple[str, ...], expected: str) -> None:
    done = simulate(*words)
    assert done.returncode == 2, done.stderr
    assert expected in done.stderr
    assert "Traceback" not in done.stderr and done.stdout == ""


def test_help_is_instant() -> None:
    """Against the libraries that a document is read with, since machines differ and are shared.

    Best of eight each, by turns, and of wall and processor time: neither what else the machine
    does counts, which lengthens the one, nor threads that numpy starts, which lengthen the other.
    On an idle machine the libraries take 0.2 s, the help a third of it, and the check of the
    gateway four times as much.
    """
    libraries = [sys.executable, "-c", "import numpy, pydantic, ruamel.yaml, simpy, typer"]
    simulator = [sys.executable, "-m", "simulator"]
    commands = (libraries, [*simulator, "--help"], [*simulator, "check", GATEWAY])
    rounds = [[_seconds(words) for words in commands] for _ in range(8)]
    imports_s, help_s, check_s = map(min, zip(*rounds, strict=True))
    assert help_s < imports_s / 2
    assert check_s < 6 * imports_s


def _seconds(words: list[str]) -> float:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(words, check=True, cwd=ROOT, env=BARE, stdout=subprocess.DEVNULL)
    wall_s = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return min(wall_s, cpu_s)


@pytest.mark.parametrize("words", [["--help"], ["check", GATEWAY]])
def test_what_only_a_run_needs_is_not_imported_before_it(words: list[str]) -> None:
    heavy = {"plotly", "pandas", "scipy", "joblib", "optuna", "SALib", "dask", "ray"}
    code = (
        "import sys; from simulator.cli.app import main\n"
        "try: main()\n"
        f"finally: print(sorted({heavy} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("[]\n"), done.stderr


OFFICE = """
name: office
rate: {rate} rps
requests: {{ask: {{entry: web}}}}
components: {{web: {{kind: service, workers: 2, steps: [{{work: {{exponential: 100ms}}}}]}}}}
objectives: {{latency: ["p(99)<5s"]}}
run: {{workload: {workload}, duration: 200s, replications: 1}}
"""


def test_a_load_that_does_not_follow_the_rate_is_not_judged_by_it(tmp_path: Path) -> None:
    """Users who wait cannot overload anything, and a trace brings its own rate."""
    (tmp_path / "trace.csv").write_text("arrived\n" + "".join(f"{at}\n" for at in range(100)))
    for workload, told in (
        ("{kind: closed, users: 50}", "50 closed users"),
        ("{kind: replay, file: trace.csv, speed: 3}", "3 rps"),
    ):
        path = tmp_path / "office.yaml"
        path.write_text(OFFICE.format(rate=1000, workload=workload), encoding="utf-8")
        done = simulate(str(path), "--no-report")
        assert "rps" not in done.stderr and "W201" not in done.stderr
        head, _, verdict = done.stdout.partition("  █ VERDICT\n")
        assert f"office · {told}" in head and "1 replication ·" in head
        assert verdict.startswith(f"    ✓ holds {told}"), done.stdout
        assert "--rps has no effect" in simulate(str(path), "--no-report", "--rps", "5").stdout
        refused = simulate("capacity", str(path), "--no-report")
        assert refused.returncode == 2 and "there is no rate to search" in refused.stderr


def test_a_trace_named_as_a_workload_is_told_what_to_write(tmp_path: Path) -> None:
    """And the file that says so finds the trace beside itself, from any folder."""
    trace = tmp_path / "seen.csv"
    trace.write_text("arrived\n0\n1\n2\n", encoding="utf-8")
    refused = simulate(GATEWAY, "--workload", str(trace))
    assert refused.returncode == 2
    written = f"{{name: seen, arrivals: {{kind: replay, file: {trace}}}}}"
    assert written in refused.stderr
    beside = tmp_path / "w.yaml"
    beside.write_text(written.replace(str(trace), "seen.csv"), encoding="utf-8")
    done = simulate(GATEWAY, "--workload", str(beside), "--plan")
    assert done.returncode == 0 and "1 rps" in done.stdout, done.stderr


QUEUED = """
name: queued
rate: 20 rps
requests: {job: {entry: jobs, attributes: {user: {zipf: {items: 50, exponent: 1}}}}}
components:
  jobs: {kind: queue, consumers: 9, steps: [{call: seen}%s]}
  seen: {kind: cache, key: user, capacity: 40, lookup: 1ms, on_miss: [{call: db}]}
  db: {kind: database, connections: 1, query: 60ms}
run: {duration: 100s, replications: 1}
"""


def test_what_paper_and_latency_do_not_know_is_said(tmp_path: Path) -> None:
    """That hits may spare a database, and that nobody waits for the work behind a queue."""
    path = tmp_path / "queued.yaml"
    for recorded in ("", ", {record: done}"):
        path.write_text(QUEUED % recorded, encoding="utf-8")
        done = simulate(str(path), "--no-report")
        assert "cannot keep up on paper unless hits" in done.stderr, done.stderr
        assert ("latency is 0" in done.stdout) is not bool(recorded), done.stdout


NIGHTLY = """
name: nightly
rate: 5 rps
requests: {read: {entry: report}}
components:
  report: {kind: batch_job, every: 1d, takes: 2h, deadline: 4h, lookup: 3ms}
objectives: {%s: ["mean>95%%"]}
run: {duration: %s, replications: 2}
"""


def test_quality_of_a_job_that_no_run_has_seen_is_not_praised_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "nightly.yaml"
    for metric, duration, told in (
        ("quality", "1h", 1),
        ("degraded", "1h", 1),
        ("quality", "5h", 0),
    ):
        path.write_text(NIGHTLY % (metric, duration), encoding="utf-8")
        done = simulate(str(path), "--no-report")
        assert done.stdout.count("ends before a result of report is due, 4h") == told, done.stdout
        # A constant has no interval, whatever sums are rounded to, and is the time of service.
        assert "avg=3ms  p(50)=3ms" in done.stdout
        row = next(line for line in done.stdout.splitlines() if line.startswith("    report  "))
        assert row.split()[4] == "3ms", row


TRUNK = """
name: trunk
rate: 8 rps
requests: {call: {entry: lines}}
components:
  lines: {kind: service, workers: 10, queue: {capacity: 0}, steps: [{work: {exponential: 1s}}]}
run: {requests: 4k, replications: 2}
"""


def test_a_verdict_does_not_pass_over_failures_that_no_objective_is_about(tmp_path: Path) -> None:
    """Erlang B with 8 erlangs on 10 lines: 12.2% are lost."""
    path = tmp_path / "trunk.yaml"
    path.write_text(TRUNK, encoding="utf-8")
    told = simulate(str(path), "--no-report").stdout.splitlines()[3]
    assert told.startswith("    ✓ holds 8 rps, though 12.") and "of the requests fail" in told
    judged = simulate(str(path), "--no-report", "-t", "errors: rate<50%").stdout
    assert "✓ holds 8 rps; lines" in judged and "though" not in judged
    longer = simulate(str(path), "--no-report", "--warmup", "10h").stdout
    assert "--warmup 10h would leave too little of the run" in longer


def test_a_line_is_folded_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.cli.app.terminal_width", lambda: 30)
    assert folded("    two hours, of them a warm-up cut") == [
        "    two hours, of them a", "      warm-up cut",
    ]  # fmt: skip
