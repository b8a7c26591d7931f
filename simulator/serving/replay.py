"""Plays a list of requests through engines, without any clock library.

This is what benchmarks and tests use; in a topology the simulation kernel drives the same
engines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.serving.generation import FINISHED, FrontEnd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from simulator.serving.engine import ContinuousBatching
    from simulator.serving.generation import Generation
    from simulator.serving.routing import Router

__all__ = ["closed_loop", "replay"]

FOREVER = float("inf")


def replay(
    engines: Sequence[ContinuousBatching],
    arrivals: Iterable[tuple[float, Generation]],
    router: Router,
    front_end: FrontEnd | None = None,
) -> None:
    """Serve `arrivals` (time, request; in order of time) to the end; times go onto the requests.

    `front_end` shifts what the client sees: a request reaches the engine `request_s` after its
    arrival, and each token the client `answer_s` after the engine made it.
    """
    front_end = front_end or FrontEnd()
    ends = [engine.next_time() for engine in engines]
    indices = range(len(engines))
    served = []
    delay = front_end.request_s
    for arrival, request in arrivals:
        now = arrival + delay
        for i in indices:
            if ends[i] <= now:
                engine = engines[i]
                engine.advance(now)
                ends[i] = engine.next_time()
        i = router.choose(request, engines)
        engines[i].submit(request, now)
        ends[i] = engines[i].next_time()
        served.append((arrival, request))
    for engine in engines:
        while engine.next_time() < FOREVER:
            engine.advance(engine.next_time())
    for arrival, request in served:
        request.arrived_s = arrival
        if request.first_token_s is not None:
            request.first_token_s += front_end.answer_s
        if request.finished_s is not None:
            request.finished_s += front_end.answer_s


def closed_loop(
    engine: ContinuousBatching, make: Callable[[], Generation], clients: int, requests: int
) -> list[Generation]:
    """Return `requests` requests served to `clients` that each wait for their answer."""
    done: list[Generation] = []
    for _ in range(min(clients, requests)):
        engine.submit(make(), 0.0)
    sent = min(clients, requests)
    while len(done) < requests:
        now = engine.next_time()
        for when, kind, request in engine.advance(now):
            if kind is FINISHED:
                done.append(request)
                if sent < requests:
                    engine.submit(make(), when)
                    sent += 1
    return done
