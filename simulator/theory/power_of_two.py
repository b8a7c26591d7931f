"""Many servers, each with its own queue, and a balancer that looks at d of them.

Source: M. Mitzenmacher, IEEE TPDS 12 (2001); N. Vvedenskaya, R. Dobrushin and F. Karpelevich
(1996). The limit of infinitely many servers with Poisson arrivals, exponential service and load
figures that are never stale; a finite number of servers is slower.
"""

from __future__ import annotations

import math


def queue_tail(load: float, choices: int, length: int) -> float:
    """Share of servers with at least ``length`` requests, the one in service included."""
    exponent = length if choices == 1 else (float(choices) ** length - 1.0) / (choices - 1.0)
    return math.pow(load, exponent)


def mean_response(load: float, choices: int = 2, service_mean_s: float = 1.0) -> float:
    """Mean response time when each request joins the shortest of ``choices`` random queues."""
    if load >= 1.0:
        return math.inf
    if load <= 0.0:
        return service_mean_s
    if choices == 1:
        return service_mean_s / (1.0 - load)
    total, length = 0.0, 1
    while True:
        share = queue_tail(load, choices, length)
        total += share
        if share < 1e-15 * total:
            return service_mean_s * total / load
        length += 1
