"""Where points are computed: processes of this machine, or a Dask or Ray cluster, through joblib.

A cluster is asked whether it is there and has this version of the package before any work is
sent, because both Dask and Ray otherwise wait in silence for what never comes.
"""

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from simulator.studies.errors import ClusterError
from simulator.studies.point import Point, compute, refuse_other_version, version_here

Backend = Literal["loky", "dask", "ray"]
BACKENDS: tuple[Backend, ...] = ("loky", "dask", "ray")
REACH_S = 4.0
"""Seconds until a scheduler that does not answer counts as unreachable."""


@dataclass(frozen=True)
class Pool:
    """A backend of joblib, the address of its scheduler, and how many points at a time.

    Without an address, Dask and Ray start workers on this machine.
    """

    backend: Backend = "loky"
    scheduler: str | None = None
    jobs: int | None = None

    @property
    def workers(self) -> int:
        """Processes of this machine."""
        return self.jobs or os.cpu_count() or 1

    def shares_replications(self, points: int) -> bool:
        """Whether to spread the replications of each point instead of the points."""
        return self.backend == "loky" and (points < self.workers or self.workers == 1)

    def each(self, points: Sequence[Point]) -> Iterator[tuple[int, bytes]]:
        """Positions and packed results, as they are finished."""
        from joblib import Parallel, delayed

        with self._opened() as jobs:
            version = version_here() if self.backend != "loky" else None
            calls = (
                delayed(_computed)(position, point, version)
                for position, point in enumerate(points)
            )
            unordered: Any = Parallel(
                n_jobs=jobs,
                return_as="list" if self.backend == "ray" else "generator_unordered",
                batch_size=1,
                pre_dispatch="all" if self.backend != "loky" else "2*n_jobs",
            )(calls)
            yield from unordered

    @contextmanager
    def _opened(self) -> Iterator[int]:
        if self.backend == "loky":
            yield self.workers
            return
        from joblib import parallel_config

        with ExitStack() as stack:
            jobs = _open_dask(self, stack) if self.backend == "dask" else _open_ray(self, stack)
            stack.enter_context(parallel_config(backend=self.backend, n_jobs=jobs))
            yield jobs


def reachable(address: str, greets: bool = False) -> None:
    """Raise ClusterError unless something listens at ``tcp://host:port``.

    With ``greets`` it also has to speak first, as a Dask scheduler does: its client would wait
    for ever at a port where something else listens in silence.
    """
    place = address.rpartition("://")[2]
    host, _, port = place.rpartition(":")
    if not host or not port.isdigit():
        raise ClusterError(f"`{address}` is no address of a scheduler", "write tcp://host:8786")
    try:
        with socket.create_connection((host, int(port)), timeout=REACH_S) as connection:
            if greets and not connection.recv(1):
                raise OSError("it hangs up")
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ClusterError(
            f"no scheduler answers at {address}: {reason}",
            "start one (`dask scheduler`, `ray start --head`), or leave --scheduler out",
        ) from None


def _computed(position: int, point: Point, version: str | None) -> tuple[int, bytes]:
    return position, compute(point, wanted_version=version)


def _open_dask(pool: Pool, stack: ExitStack) -> int:
    distributed = _imported("distributed", "dask")
    if pool.scheduler is None:
        cluster = stack.enter_context(
            distributed.LocalCluster(
                n_workers=pool.workers, threads_per_worker=1, dashboard_address=None
            )
        )
        client = stack.enter_context(distributed.Client(cluster))
    else:
        reachable(pool.scheduler, greets=True)
        try:
            client = stack.enter_context(distributed.Client(pool.scheduler, timeout=REACH_S - 1.0))
        except (OSError, TimeoutError, ValueError) as error:
            raise ClusterError(f"no Dask scheduler at {pool.scheduler}: {error}") from None
    try:
        versions = client.run(version_here)
    except (ImportError, ModuleNotFoundError) as error:
        raise ClusterError(f"a worker of the cluster lacks the package: {error}") from None
    if not versions:
        raise ClusterError(f"the scheduler at {pool.scheduler} has no workers", "start a worker")
    for worker, version in sorted(versions.items()):
        refuse_other_version(version, version_here(), worker)
    return sum(client.nthreads().values())


def _open_ray(pool: Pool, stack: ExitStack) -> int:
    ray = _imported("ray", "ray")
    register_ray = _imported("ray.util.joblib", "ray").register_ray
    if pool.scheduler is not None:
        reachable(pool.scheduler)
    settings: dict[str, Any] = {"log_to_driver": False, "include_dashboard": False}
    if pool.scheduler is None:
        settings["num_cpus"] = pool.workers
    else:
        settings = {"address": pool.scheduler, "log_to_driver": False}
    ray.init(**settings)
    stack.callback(ray.shutdown)
    register_ray()
    return int(ray.cluster_resources().get("CPU", 1))


def _imported(module: str, extra: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise ClusterError(
            f"the {extra} backend is not installed", f"pip install 'capacity-simulator[{extra}]'"
        ) from None
