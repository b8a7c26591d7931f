"""One station, several priorities: the mean wait of each class.

Source: A. Cobham, Operations Research 2 (1954); Kleinrock, Queueing Systems II, section 3.3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from simulator.theory.erlang import erlang_c


def cobham_waits(
    arrival_rates: Sequence[float],
    service_means_s: Sequence[float],
    service_scvs: Sequence[float] | None = None,
) -> list[float]:
    """Mean waits under non-preemptive priority in M/G/1, highest priority first. Exact.

    ``service_scvs`` are squared coefficients of variation, 1 (exponential) unless given.
    """
    scvs = service_scvs if service_scvs is not None else [1.0] * len(arrival_rates)
    residual = math.fsum(
        rate * mean**2 * (1.0 + scv) / 2.0
        for rate, mean, scv in zip(arrival_rates, service_means_s, scvs, strict=True)
    )
    loads = [rate * mean for rate, mean in zip(arrival_rates, service_means_s, strict=True)]
    return _divide_by_spare(residual, loads)


def cobham_waits_servers(
    arrival_rates: Sequence[float], service_mean_s: float, servers: int
) -> list[float]:
    """Mean waits under non-preemptive priority in M/M/c, all classes with one service time."""
    loads = [rate * service_mean_s / servers for rate in arrival_rates]
    waits = erlang_c(servers, sum(loads) * servers)
    return _divide_by_spare(waits * service_mean_s / servers, loads)


def preemptive_responses(
    arrival_rates: Sequence[float],
    service_means_s: Sequence[float],
    service_scvs: Sequence[float] | None = None,
) -> list[float]:
    """Mean response times under preemptive-resume priority in M/G/1. Exact."""
    scvs = service_scvs if service_scvs is not None else [1.0] * len(arrival_rates)
    out, above, residual = [], 0.0, 0.0
    for rate, mean, scv in zip(arrival_rates, service_means_s, scvs, strict=True):
        load = above + rate * mean
        residual += rate * mean**2 * (1.0 + scv) / 2.0
        if load >= 1.0:
            out.append(math.inf)
        else:
            out.append(mean / (1.0 - above) + residual / ((1.0 - above) * (1.0 - load)))
        above = load
    return out


def _divide_by_spare(residual: float, loads: Sequence[float]) -> list[float]:
    """Residual work over the spare share above the class and the spare share with it."""
    out, above = [], 0.0
    for load in loads:
        below = above + load
        out.append(math.inf if below >= 1.0 else residual / ((1.0 - above) * (1.0 - below)))
        above = below
    return out
