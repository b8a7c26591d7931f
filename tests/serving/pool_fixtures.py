"""A GPU pool on a clock of its own, for tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.components.gpu_pool import GpuPool
from simulator.components.gpu_server import GpuPoolServer
from simulator.kernel.clock import Clock
from simulator.kernel.probe import Probe
from simulator.kernel.request import Request
from simulator.kernel.site import Site
from simulator.kernel.streams import Streams

LLM = {"kind": "gpu_pool", "gpu": "l4", "model": "llama-3.2-3b", "replicas": 2}
ENCODER = {"kind": "gpu_pool", "gpu": "l4", "batching": "dynamic"}


def build(document: dict[str, Any]) -> tuple[Clock, GpuPoolServer]:
    """Return a pool on a clock of its own."""
    clock = Clock()
    site = Site(clock, Streams(1), Probe(clock, 1))
    server = GpuPool.model_validate(document).build("llm", site)
    site.servers["llm"] = server
    server.connect(site)
    return clock, server


def serve(
    clock: Clock, server: GpuPoolServer, arrivals: list[tuple[float, dict[str, Any]]]
) -> list[tuple[Request, list[float]]]:
    """Return each request with the time it ended at, after everything is served."""
    result: list[tuple[Request, list[float]]] = []

    def starter(attributes: dict[str, Any]) -> Callable[[], None]:
        def start() -> None:
            request = Request(clock, len(result), 0, attributes)
            ended: list[float] = []
            request.on_end = lambda _: ended.append(clock.now)
            result.append((request, ended))
            request.start(server.call(request))

        return start

    for at, attributes in arrivals:
        clock.call_at(at, starter(attributes))
    while not clock.advance(1e6):
        pass
    return result
