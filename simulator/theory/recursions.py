"""Response times of a FIFO station straight from its arrivals and service times, without events.

The recursions share no code with the engine, so they are its independent oracle, and are fast
enough for the thousands of runs that a measured coverage needs. Rows are replications.
Sources: D. Lindley, Proc. Cambridge Phil. Soc. 48 (1952); J. Kiefer and J. Wolfowitz, Trans.
American Math. Soc. 78 (1955).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def lindley_responses(gaps: Floats, services: Floats) -> Floats:
    """Response times at one server, by row; ``gaps[:, i]`` is the time before arrival i.

    The wait is the distance of a random walk above its running minimum.
    """
    steps = np.zeros_like(services)
    np.subtract(services[:, :-1], gaps[:, 1:], out=steps[:, 1:])
    walk = np.cumsum(steps, axis=1)
    return walk - np.minimum.accumulate(walk, axis=1) + services


def kiefer_wolfowitz_responses(gaps: Floats, services: Floats, servers: int) -> Floats:
    """Response times at ``servers`` servers that share a queue, by row.

    Keeps the unfinished work of every server in ascending order; an arrival takes the least.
    """
    if servers == 1:
        return lindley_responses(gaps, services)
    replications, count = services.shape
    work = np.zeros((servers, replications))
    responses = np.empty((count, replications))
    least = np.empty(replications)
    for index in range(count):
        work -= gaps[:, index]
        np.maximum(work, 0.0, out=work)
        work[0] += services[:, index]
        responses[index] = work[0]
        for server in range(servers - 1):
            np.minimum(work[server], work[server + 1], out=least)
            np.maximum(work[server], work[server + 1], out=work[server + 1])
            work[server] = least
    return np.ascontiguousarray(responses.T)


def markov_responses(
    rng: np.random.Generator, replications: int, count: int, servers: int, utilization: float
) -> Floats:
    """Response times of M/M/c with mean service time 1, each row from an empty station."""
    shape = (replications, count)
    gaps = rng.standard_exponential(shape) / (utilization * servers)
    return kiefer_wolfowitz_responses(gaps, rng.standard_exponential(shape), servers)
