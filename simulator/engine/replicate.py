"""Independent replications over processes, and when to stop."""

import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from simulator.engine.budget import Budget
from simulator.engine.compile import compile_simulation
from simulator.engine.simulation import TRACED_REQUESTS
from simulator.kernel.fault import Fault
from simulator.recording.recording import Recording
from simulator.topology.model import Topology
from simulator.workload.arrival_process import Arrivals


@dataclass(frozen=True)
class Experiment:
    """A design under a load, and how it is to be run.

    ``horizon_s`` is the simulated time during which requests arrive, in each replication.
    """

    topology: Topology
    arrivals: Arrivals
    horizon_s: float
    seed: int = 42
    budget: Budget = field(default_factory=Budget)
    faults: tuple[Fault, ...] = ()

    @property
    def expected_requests(self) -> float:
        """Requests to expect in one replication."""
        shared = any(spec.rate is None for spec in self.topology.requests.values())
        total = 0.0
        if shared:
            total += self.arrivals.expected_requests(self.topology.rate, self.horizon_s)
        for spec in self.topology.requests.values():
            if spec.rate is not None:
                own = spec.arrivals or self.arrivals
                total += own.expected_requests(spec.rate, self.horizon_s)
        return total


def run_replication(
    experiment: Experiment,
    replication: int,
    progress: Callable[[float], bool] | None = None,
    stop_file: str | None = None,
) -> Recording:
    """Run one replication in this process; it ends early once ``stop_file`` exists."""
    trace_every = max(1, round(experiment.expected_requests / TRACED_REQUESTS))
    simulation = compile_simulation(
        experiment.topology,
        experiment.arrivals,
        seed=experiment.seed,
        replication=replication,
        trace_every=trace_every,
        faults=experiment.faults,
    )
    with _graceful_interrupt() as interrupted:

        def going_on(done: float) -> bool:
            wanted = True if progress is None else progress(done)
            stopped = stop_file is not None and os.path.exists(stop_file)
            return wanted and not stopped and not interrupted()

        return simulation.run(experiment.horizon_s, experiment.budget, going_on)


def run_replications(
    experiment: Experiment,
    replications: range,
    *,
    jobs: int = 1,
    progress: Callable[[int, float], None] | None = None,
) -> list[Recording]:
    """Run several replications, over ``jobs`` processes, in order of their numbers.

    The recordings do not depend on ``jobs``. An interrupt (Ctrl-C) lets every replication hand
    over what it has so far.
    """
    if jobs == 1 or len(replications) == 1:
        recordings = list(_in_turn(experiment, replications, progress))
    else:
        recordings = list(_side_by_side(experiment, replications, jobs, progress))
    # Replications that were stopped before anything was measured say nothing.
    return [item for item in recordings if len(item.times) > 2] or recordings[:1]


def _in_turn(
    experiment: Experiment,
    replications: range,
    progress: Callable[[int, float], None] | None,
) -> Iterator[Recording]:
    for position, replication in enumerate(replications):

        def report(done: float, position: int = position) -> bool:
            if progress is not None:
                progress(position, done)
            return True

        recording = run_replication(experiment, replication, report)
        yield recording
        if recording.manifest["ending"] == "interrupted":
            return


def _side_by_side(
    experiment: Experiment,
    replications: range,
    jobs: int,
    progress: Callable[[int, float], None] | None,
) -> Iterator[Recording]:
    from joblib import delayed

    from simulator.engine.forked import side_by_side

    # An interrupt may reach this process alone, so the others are told through a file.
    with tempfile.TemporaryDirectory() as folder:
        stop_file = os.path.join(folder, "stop")
        with _graceful_interrupt(lambda: open(stop_file, "w").close()):
            results = side_by_side(
                (
                    delayed(run_replication)(experiment, replication, None, stop_file)
                    for replication in replications
                ),
                jobs,
            )
            for position, recording in enumerate(results):
                if progress is not None:
                    progress(position, 1.0)
                yield recording


@contextmanager
def _graceful_interrupt(
    tell: Callable[[], None] = lambda: None,
) -> Iterator[Callable[[], bool]]:
    """Note an interrupt instead of raising it; outside the main thread, do nothing."""
    noted = False

    def note(number: int, frame: Any) -> None:
        nonlocal noted
        if noted:
            raise KeyboardInterrupt
        noted = True
        tell()

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    earlier = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: noted
    finally:
        signal.signal(signal.SIGINT, earlier)
