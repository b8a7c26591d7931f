"""The recursions against a plain queue, event by event."""

from __future__ import annotations

import heapq

import numpy as np
import pytest

from simulator.theory.recursions import kiefer_wolfowitz_responses, lindley_responses


def served_in_order(gaps: list[float], services: list[float], servers: int) -> list[float]:
    """Response times by bookkeeping of when each server is free."""
    free = [0.0] * servers
    now, responses = 0.0, []
    for gap, service in zip(gaps, services, strict=True):
        now += gap
        ended = max(now, heapq.heappop(free)) + service
        heapq.heappush(free, ended)
        responses.append(ended - now)
    return responses


@pytest.mark.parametrize("servers", [1, 2, 8])
def test_recursion_is_the_queue(servers: int) -> None:
    rng = np.random.default_rng(1)
    gaps = rng.standard_exponential((3, 500)) / (0.9 * servers)
    services = rng.lognormal(0.0, 1.0, (3, 500))
    rows = kiefer_wolfowitz_responses(gaps, services, servers)
    for row in range(3):
        expected = served_in_order(list(gaps[row]), list(services[row]), servers)
        assert rows[row] == pytest.approx(expected)


def test_lindley_starts_with_an_idle_server() -> None:
    rows = lindley_responses(np.array([[5.0, 1.0, 9.0]]), np.array([[2.0, 2.0, 2.0]]))
    assert rows.tolist() == [[2.0, 3.0, 2.0]]
