"""A sweep that is stopped goes on where it was, and ends in the same bytes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
POINTS = 8

pytestmark = pytest.mark.slow


def started(design: Path, folder: Path, store: str, jobs: int) -> "subprocess.Popen[str]":
    """A sweep as a user starts it, in a group of its own, as a terminal would."""
    words = [sys.executable, "-m", "simulator", "sweep", str(design),
             "--over", f"rps=20..70:{POINTS}",
             "--requests", "30000", "--no-report", "-q", "-j", str(jobs), "--store", store,
             "--out", f"{store}.csv"]  # fmt: skip
    return subprocess.Popen(
        words, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        # A shell that starts the tests in its background has them ignore interrupts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def kept(store: Path) -> dict[str, bytes]:
    """The finished points, by name."""
    return {path.name: path.read_bytes() for path in store.rglob("*.json.gz")}


def stopped(run: "subprocess.Popen[str]", store: Path, points: int, number: signal.Signals) -> int:
    """Send a signal to the whole group once so many points are kept; the exit code."""
    deadline = time.monotonic() + 120.0
    while len(kept(store)) < points and time.monotonic() < deadline and run.poll() is None:
        time.sleep(0.05)
    os.killpg(run.pid, number)
    return run.wait(timeout=60)


def test_a_sweep_survives_ctrl_c_and_kill(desk_file: Path, tmp_path: Path) -> None:
    store = tmp_path / "first"
    assert stopped(started(desk_file, tmp_path, "first", 2), store, 2, signal.SIGINT) == 130
    after_interrupt = kept(store)
    assert 2 <= len(after_interrupt) < POINTS
    # The table of an interrupted sweep has the points that are there, and no others.
    partial = tmp_path / "first.partial.csv"
    rows = partial.read_text(encoding="utf-8").splitlines()[1:]
    assert len(rows) == len(after_interrupt)
    assert not (tmp_path / "first.csv").exists()

    points = len(after_interrupt) + 1
    code = stopped(started(desk_file, tmp_path, "first", 2), store, points, signal.SIGKILL)
    assert code == -signal.SIGKILL
    after_kill = kept(store)
    assert len(after_kill) > len(after_interrupt)
    when = {path: path.stat().st_mtime_ns for path in store.rglob("*.json.gz")}

    done = started(desk_file, tmp_path, "first", 2)
    assert done.wait(timeout=120) == 0
    assert not partial.exists()
    assert {path: path.stat().st_mtime_ns for path in when} == when
    alone = started(desk_file, tmp_path, "second", 1)
    assert alone.wait(timeout=120) == 0
    assert kept(store) == kept(tmp_path / "second")
    assert (tmp_path / "first.csv").read_bytes() == (tmp_path / "second.csv").read_bytes()
