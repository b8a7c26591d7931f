"""Little's law, L = lambda W, and the utilization law, U = X S.

Both hold for any station in steady state, whatever its arrivals, service and discipline, which
makes them checks of the book-keeping of a run rather than of its model.
Source: J. D. C. Little, Operations Research 9 (1961); P. Denning and J. Buzen (1978).
"""

from __future__ import annotations


def mean_in_system(rate: float, time_s: float) -> float:
    """Mean number inside of something that ``rate`` requests a second spend ``time_s`` in."""
    return rate * time_s


def concurrency_needed(rate: float, response_s: float, target_utilization: float = 1.0) -> float:
    """Places (workers, connections) that keep ``rate`` going at ``target_utilization``."""
    return rate * response_s / target_utilization


def little_residual(in_system: float, rate: float, time_s: float) -> float:
    """Relative gap between a measured mean number and ``rate * time_s``; 0 when they agree."""
    return relative_gap(in_system, rate * time_s)


def utilization_residual(busy: float, throughput: float, service_mean_s: float) -> float:
    """Relative gap between the measured mean of busy servers and ``throughput * service``."""
    return relative_gap(busy, throughput * service_mean_s)


def relative_gap(measured: float, expected: float) -> float:
    """Difference over the larger of the two; 0 when both are 0, so never a division by 0."""
    largest = max(abs(measured), abs(expected))
    return (measured - expected) / largest if largest > 0 else 0.0
