"""Replicas of a GPU pool that are lost and come back: what stops, what begins anew, what ends."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from pool_fixtures import LLM, build, serve
from serving_fixtures import random_requests

from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Request


def lengths(seed: int, count: int, rate: float) -> list[tuple[float, dict[str, Any]]]:
    """Return random arrivals as attributes."""
    return [
        (at, {"input_tokens": request.prompt, "output_tokens": request.output})
        for at, request in random_requests(seed, count, rate=rate)
    ]


def test_two_faults_that_take_the_same_share_give_back_both() -> None:
    """Each takes one of two replicas; once both are over, both replicas serve."""
    clock, server = build(LLM)
    for at in (1.0, 2.0):
        clock.call_at(at, lambda: server.lose(0.5))
        clock.call_at(at + 10.0, lambda: server.regain(0.5))
    served = serve(clock, server, lengths(2, 60, 4.0))
    assert all(request.outcome is Outcome.OK for request, _ in served)
    assert server.pool.serving == [0, 1]


@pytest.mark.parametrize("seed", range(8))
def test_every_request_ends_whatever_is_lost_and_given_up(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random faults over random pools, one client in four gives up; blocks counted every time."""
    monkeypatch.setattr("simulator.serving.batch.AUDIT_EVERY", 1)
    rng = np.random.default_rng(seed)
    replicas = int(rng.integers(2, 6))
    clock, server = build({
        **LLM,
        "replicas": replicas,
        "router": ("round_robin", "least_loaded", "prefix_affine")[seed % 3],
        "num_gpu_blocks": int(rng.integers(1000, 2500)),
        "load_time": f"{seed % 2 * 2}s",
        "prefixes": [{"attribute": "tenant", "tokens": 160}, {"attribute": "chat"}],
    })  # fmt: skip
    for _ in range(3):
        share, at, span = float(rng.choice([0.25, 0.5, 1.0])), rng.uniform(0, 25), rng.uniform(0, 9)
        clock.call_at(at, lambda share=share: server.lose(share))
        clock.call_at(at + span, lambda share=share: server.regain(share))
    requests = []
    for number, (at, attributes) in enumerate(lengths(seed, 120, 5.0)):
        attributes |= {"tenant": number % 3, "chat": number // 3}
        request = Request(clock, number, 0, attributes)
        requests.append(request)
        clock.call_at(at, lambda it=request: it.start(server.call(it)))
        if rng.random() < 0.25:
            clock.call_at(at + rng.exponential(1.5), request.cancel)
    while not clock.advance(1e6):
        pass
    outcomes = Counter(request.outcome for request in requests)
    assert outcomes == {Outcome.OK: server.served, Outcome.CANCELLED: server.left}
    assert server.served + server.left == 120
    assert all(engine.load == engine.batch.pool.used == 0 for engine in server.inner)
    meters = server.pool.meters()
    assert meters["queue"]() == meters["busy"]() == 0
