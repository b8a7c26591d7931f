"""The store of finished points: damaged files, other versions, two writers, a full disk."""

import errno
import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simulator.studies import point as point_module
from simulator.studies.design import Design
from simulator.studies.errors import StudyError
from simulator.studies.planner import Bench
from simulator.studies.point import Point, compute, digest_of
from simulator.studies.pool import Pool
from simulator.studies.run import RunOptions
from simulator.studies.store import Store
from tests.studies.test_commands import ROOT, simulate

SHORT = RunOptions(requests=2000, replications=4)


@pytest.fixture
def filled(desk: Design, tmp_path: Path) -> tuple[Store, Point, Path]:
    """A store that holds one point, the point, and its file."""
    store, point = Store(tmp_path / "store"), Point(desk.data, SHORT)
    Bench(Pool(jobs=1), store).evaluate([point])
    return store, point, next((tmp_path / "store").rglob("*.json.gz"))


def halved(packed: bytes) -> bytes:
    return packed[: len(packed) // 2]


def flipped(packed: bytes) -> bytes:
    middle = len(packed) // 2
    return packed[:middle] + bytes([packed[middle] ^ 0xFF]) + packed[middle + 1 :]


def other_data(_: bytes) -> bytes:
    return gzip.compress(b'{"document": 3}')


@pytest.mark.parametrize(
    "spoiled", [halved, flipped, other_data, lambda _: b"", lambda _: b"not at all packed",
                lambda _: gzip.compress(b"\xff\xfe"), lambda _: gzip.compress(b"[1, 2")],
    ids=["halved", "a flipped byte", "other data", "empty", "text", "no text", "half a list"],
)  # fmt: skip
def test_a_damaged_file_is_computed_again_and_replaced(
    filled: tuple[Store, Point, Path], spoiled: Any
) -> None:
    store, point, path = filled
    whole = path.read_bytes()
    path.write_bytes(spoiled(whole))
    bench = Bench(Pool(jobs=1), store)
    assert bench.kept(point) is None
    bench.evaluate([point])
    assert (bench.computed, bench.reused) == (1, 0)
    assert path.read_bytes() == whole


def test_a_store_of_another_version_is_left_alone(
    filled: tuple[Store, Point, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its points are not taken for those of this version, and stay for the other one."""
    store, point, path = filled
    monkeypatch.setattr(point_module, "version_here", lambda: "0.0.1")
    bench = Bench(Pool(jobs=1), store)
    bench.evaluate([point])
    assert (bench.computed, bench.reused) == (1, 0)
    assert path.exists()
    assert len(list(path.parents[1].rglob("*.json.gz"))) == 2


def test_a_full_disk_is_named_and_leaves_no_half_file(
    desk: Design, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fdopen

    class Full:
        """A file that takes ten bytes."""

        def __init__(self, handle: int, mode: str) -> None:
            self.file = real(handle, mode)

        def __enter__(self) -> "Full":
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, data: bytes) -> int:
            self.file.write(data[:10])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fdopen", Full)
    store = Store(tmp_path / "store")
    with pytest.raises(StudyError, match=r"cannot keep results in .*No space left on device"):
        Bench(Pool(jobs=1), store).evaluate([Point(desk.data, SHORT)])
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []


def test_a_disk_that_is_really_full_ends_the_command_well(desk_file: Path, tmp_path: Path) -> None:
    """``/dev/full`` answers every write as a full disk does; the store is made to end there."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    code = (
        "import os, sys, runpy\n"
        "real = os.fdopen\n"
        "os.fdopen = lambda handle, *mode: (os.close(handle), open('/dev/full', 'wb', 0))[1]"
        " if mode == ('wb',) else real(handle, *mode)\n"
        "sys.argv = ['simulate', *sys.argv[1:]]\n"
        "runpy.run_module('simulator', run_name='__main__')\n"
    )
    words = ["sweep", str(desk_file), "--over", "rps=20,30", "--requests", "1000", "-j", "1",
             "--store", str(tmp_path / "store"), "--no-report"]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_studies_may_write_the_same_store(desk_file: Path, tmp_path: Path) -> None:
    """Started together on the same points: both end well, and every file is whole."""
    words = [sys.executable, "-m", "simulator", "sweep", str(desk_file), "--over", "rps=20..50:4",
             "--requests", "4000", "-j", "1", "--store", "store", "--no-report", "-q"]  # fmt: skip
    runs = [
        subprocess.Popen(
            [*words, "--out", f"{name}.csv"], cwd=tmp_path, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL,
        )
        for name in ("one", "two")
    ]  # fmt: skip
    assert [run.wait(timeout=120) for run in runs] == [0, 0]
    files = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert len(files) == 4
    for path in files:
        assert json.loads(gzip.decompress(path.read_bytes()))["document"]["run"]
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_drafts_that_a_kill_left_behind_are_never_results(
    filled: tuple[Store, Point, Path], desk: Design
) -> None:
    store, point, path = filled
    path.rename(path.with_suffix(".part"))
    assert store.get(digest_of(point)) is None
    bench = Bench(Pool(jobs=1), store)
    bench.evaluate([point])
    assert bench.computed == 1


def test_a_folder_where_a_file_should_be_is_named(desk_file: Path, tmp_path: Path) -> None:
    words = ["sweep", str(desk_file), "--over", "rps=20", "--requests", "1000", "-j", "1",
             "--store", str(tmp_path / "store"), "--no-report"]  # fmt: skip
    assert simulate(*words).exit_code == 0
    path = next((tmp_path / "store").rglob("*.json.gz"))
    path.unlink()
    path.mkdir()
    found = simulate(*words)
    assert found.exit_code == 2
    assert "cannot keep results" in found.output
    assert "Traceback" not in found.output


def test_the_bytes_of_a_point_are_those_of_the_file(filled: tuple[Store, Point, Path]) -> None:
    _, point, path = filled
    assert path.read_bytes() == compute(point)
