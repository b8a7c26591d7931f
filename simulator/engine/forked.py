"""A joblib backend whose workers are forks of this process.

A worker of joblib's own kind starts as a fresh interpreter and imports everything again, which
takes longer than many a replication. A fork has it all from its first moment. It is used where
the operating system makes forks a good idea (Linux) and this process has no other thread, whose
locks a fork could inherit in a locked state.
"""

import multiprocessing
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

from joblib import Parallel, register_parallel_backend
from joblib.parallel import ParallelBackendBase

NAME = "fork"


class Forked(ParallelBackendBase):  # type: ignore[misc]
    """Forks that live as long as one ``Parallel`` call."""

    supports_retrieve_callback = True
    supports_return_generator = True
    executor: ProcessPoolExecutor | None = None

    def effective_n_jobs(self, n_jobs: int) -> int:
        """As many as asked for."""
        return n_jobs

    def configure(self, n_jobs: int = 1, parallel: Any = None, **options: Any) -> int:
        """Get ready to fork."""
        self.parallel = parallel
        self.executor = ProcessPoolExecutor(n_jobs, multiprocessing.get_context("fork"))
        return n_jobs

    def submit(self, func: Callable[[], Any], callback: Callable[[Any], None]) -> "Future[Any]":
        """Give a call to whichever fork is free."""
        assert self.executor is not None, "configured"
        future = self.executor.submit(func)
        future.add_done_callback(callback)
        return future

    def retrieve_result_callback(self, out: "Future[Any]") -> Any:
        """What the call gave."""
        return out.result()

    def terminate(self) -> None:
        """Let the forks go, and see them off: the next call must find no thread of theirs."""
        self._end(wait=True)

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """Let the forks go without waiting for what they do."""
        self._end(wait=False)

    def _end(self, *, wait: bool) -> None:
        if self.executor is not None:
            self.executor.shutdown(wait=wait, cancel_futures=True)
            self.executor = None


def side_by_side(calls: Iterable[Any], jobs: int) -> Any:
    """Results of joblib's delayed calls, in their order, as they come, over ``jobs`` processes."""
    forks = sys.platform == "linux" and threading.active_count() == 1
    if forks:
        register_parallel_backend(NAME, Forked)
    return Parallel(n_jobs=jobs, return_as="generator", backend=NAME if forks else None)(calls)
