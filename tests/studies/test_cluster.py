"""A Dask cluster gives the bytes of one process, also when a worker dies in the middle."""

import os
import signal
import socket
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from simulator.studies.design import Design
from simulator.studies.errors import ClusterError
from simulator.studies.planner import Bench
from simulator.studies.point import Point, compute, digest_of
from simulator.studies.pool import Backend, Pool
from simulator.studies.run import RunOptions
from simulator.studies.store import Store

distributed = pytest.importorskip("distributed")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),
]
POINTS = 12


def points_of(design: Design, requests: int) -> list[Point]:
    options = RunOptions(requests=requests, replications=4)
    return [Point(design.data, replace(options, rps=20.0 + 2.0 * n)) for n in range(POINTS)]


@pytest.fixture
def cluster() -> Iterator[Any]:
    """Two worker processes on this machine."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True
        ) as found:
            yield found


def test_a_worker_killed_in_the_middle_changes_no_byte(
    desk: Design, cluster: Any, tmp_path: Any
) -> None:
    points = points_of(desk, 20_000)
    alone = [compute(point) for point in points]
    store = Store(tmp_path / "store")
    killed = threading.Event()

    def kill_one(what: str, share: float) -> None:
        if share >= 2.0 / POINTS and not killed.is_set():
            killed.set()
            workers = list(cluster.workers.values())
            os.kill(workers[0].process.process.pid, signal.SIGKILL)

    pool = Pool("dask", cluster.scheduler_address)
    bench = Bench(pool, store, kill_one)
    bench.evaluate(points)
    assert killed.is_set()
    assert [store.get(digest_of(point)) for point in points] == alone


def test_a_worker_with_another_version_is_refused_by_name(
    desk: Design, cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = os.getpid()
    monkeypatch.setattr(
        "simulator.studies.pool.version_here", lambda: "0.1.0" if os.getpid() == here else "9.9.9"
    )
    with pytest.raises(ClusterError, match="tcp://127") as error:
        Bench(Pool("dask", cluster.scheduler_address)).evaluate(points_of(desk, 1000)[:1])
    assert "9.9.9" in str(error.value)


@pytest.mark.parametrize("backend", ["dask", "ray"])
def test_an_unreachable_scheduler_is_named_within_ten_seconds(
    desk: Design, backend: Backend
) -> None:
    pytest.importorskip(backend)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    began = time.monotonic()
    with pytest.raises(ClusterError, match="no scheduler answers"):
        Bench(Pool(backend, address)).evaluate(points_of(desk, 1000)[:1])
    assert time.monotonic() - began < 10.0


def test_something_else_at_the_address_is_no_scheduler(desk: Design) -> None:
    """A server that accepts and says nothing, as a port of another service may."""
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        began = time.monotonic()
        with pytest.raises(ClusterError):
            address = f"tcp://127.0.0.1:{mute.getsockname()[1]}"
            Bench(Pool("dask", address)).evaluate(points_of(desk, 1000)[:1])
        assert time.monotonic() - began < 10.0


def test_ray_gives_the_same_bytes(desk: Design, tmp_path: Any) -> None:
    pytest.importorskip("ray")
    points = points_of(desk, 2000)[:3]
    store = Store(tmp_path / "store")
    Bench(Pool("ray", jobs=2), store).evaluate(points)
    assert [store.get(digest_of(point)) for point in points] == [compute(p) for p in points]
