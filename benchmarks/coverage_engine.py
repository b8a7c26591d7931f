"""The experiments of ``coverage.py`` run by the simulator itself instead of the recursions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from simulator.engine.replicate import Experiment, run_replication
from simulator.metrics.steady_state import warm_up
from simulator.topology.model import Topology
from simulator.workload.arrivals.steady import Steady

if TYPE_CHECKING:
    from coverage import Case

Floats = npt.NDArray[np.float64]


def by_engine(
    case: Case, experiments: int, replications: int, requests: int, seed: int, jobs: int = 2
) -> Iterator[list[Floats]]:
    """Experiments as lists of replications, each with a seed of its own."""
    from joblib import Parallel, delayed

    yield from Parallel(n_jobs=jobs, return_as="generator")(
        delayed(one_experiment)(
            case.servers, case.utilization, replications, requests, seed * 1_000_003 + number
        )
        for number in range(experiments)
    )


def one_experiment(
    servers: int, utilization: float, replications: int, requests: int, seed: int
) -> list[Floats]:
    """Response times in order of arrival, one array per replication, the warm-up cut."""
    rate = servers * utilization
    topology = Topology.model_validate(
        {
            "name": "station",
            "rate": f"{rate} rps",
            "requests": {"all": {"entry": "station"}},
            "components": {
                "station": {
                    "kind": "service",
                    "workers": servers,
                    "steps": [{"work": {"exponential": "1s"}}],
                }
            },
        }
    )
    experiment = Experiment(topology, Steady(), horizon_s=requests / rate, seed=seed)
    times, latencies = [], []
    for replication in range(replications):
        table = run_replication(experiment, replication).requests
        order = np.argsort(table["index"])
        times.append(table["arrived"][order].astype(float))
        latencies.append(table["latency"][order].astype(float))
    cut_s = warm_up(times, latencies, experiment.horizon_s).cut_s
    return [values[when >= cut_s] for when, values in zip(times, latencies, strict=True)]
