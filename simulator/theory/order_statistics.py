"""Fan-out, quorum and chain: response times built from independent parts.

A fan-out waits for the slowest of n, a quorum for the k-th of n, a chain for the sum of n.
Sources: J. Dean and L. Barroso, The Tail at Scale, CACM 56 (2013); H. David and H. Nagaraja,
Order Statistics (2003); R. Nelson and A. Tantawi, IEEE Trans. Computers 37 (1988).
"""

from __future__ import annotations

import math
from collections.abc import Callable

Quantile = Callable[[float], float]


def harmonic(n: int) -> float:
    """1 + 1/2 + ... + 1/n."""
    return math.fsum(1.0 / k for k in range(1, n + 1))


def straggler_probability(leaves: int, p: float) -> float:
    """Probability that the slowest of ``leaves`` is beyond the quantile ``p`` of one."""
    return -math.expm1(leaves * math.log(p)) if p > 0 else 1.0


def fan_out_quantile(leaves: int, p: float, leaf_quantile: Quantile) -> float:
    """Quantile ``p`` of the slowest of ``leaves`` independent leaves."""
    return leaf_quantile(p ** (1.0 / leaves))


def fan_out_mean_exponential(leaves: int, leaf_mean_s: float) -> float:
    """Mean of the slowest of ``leaves`` independent exponential leaves."""
    return harmonic(leaves) * leaf_mean_s


def quorum_quantile(needed: int, total: int, p: float, leaf_quantile: Quantile) -> float:
    """Quantile ``p`` of the time until ``needed`` of ``total`` independent leaves answered.

    The k-th of n uniform numbers has a Beta(k, n - k + 1) distribution.
    """
    from scipy.special import betaincinv

    return leaf_quantile(float(betaincinv(needed, total - needed + 1, p)))


def quorum_mean_exponential(needed: int, total: int, leaf_mean_s: float) -> float:
    """Mean time until ``needed`` of ``total`` independent exponential leaves answered."""
    return leaf_mean_s * (harmonic(total) - harmonic(total - needed))


def chain_quantile_exponential(hops: int, p: float, hop_mean_s: float) -> float:
    """Quantile ``p`` of the sum of ``hops`` independent exponential times of one mean."""
    from scipy.special import gammaincinv

    return hop_mean_s * float(gammaincinv(hops, p))


def exponential_quantile(mean_s: float) -> Quantile:
    """The quantile function of an exponential time."""
    return lambda p: -mean_s * math.log1p(-p)


def fork_join_mean(stations: int, utilization: float, service_mean_s: float) -> float:
    """Mean response of a request forked over parallel M/M/1 queues and joined again.

    Exact for 1 and 2 stations, the Nelson-Tantawi approximation (within 5 % to 32 stations)
    beyond. The queues share their arrivals, so they are not independent.
    """
    if utilization >= 1.0:
        return math.inf
    single = service_mean_s / (1.0 - utilization)
    if stations == 1:
        return single
    pair = (12.0 - utilization) / 8.0 * single
    ratio = harmonic(stations) / harmonic(2)
    return (ratio + (1.0 - ratio) * 4.0 * utilization / 11.0) * pair
