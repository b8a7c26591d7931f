"""Prefill and decode on different replicas, with the KV cache sent from one to the other."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from simulator.serving.generation import FINISHED, FIRST_TOKEN, Generation
from simulator.serving.routing import LeastLoaded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulator.serving.catalogue import Model
    from simulator.serving.engine import ContinuousBatching
    from simulator.serving.generation import Event
    from simulator.serving.routing import Router

__all__ = ["Disaggregated", "KvTransfer"]

FOREVER = float("inf")


@dataclass(frozen=True, slots=True)
class KvTransfer:
    """The KV cache of a prompt on its way: `latency_s` plus its bytes over the bandwidth.

    Transfers do not compete for the link; layer-by-layer overlap with prefill is not modelled.
    """

    bytes_per_token: float
    bytes_per_s: float
    latency_s: float = 0.0

    @classmethod
    def of(cls, model: Model, bytes_per_s: float, latency_s: float = 0.0) -> KvTransfer:
        """Return the transfer of `model`'s KV cache in 16 bits."""
        return cls(model.kv_bytes_per_token(), bytes_per_s, latency_s)

    def seconds(self, tokens: int) -> float:
        """Return the time to send the KV cache of `tokens`."""
        return self.latency_s + tokens * self.bytes_per_token / self.bytes_per_s


class Disaggregated:
    """Prefill engines, decode engines and transfers between them, as one server.

    Clock-free with the engine's methods. The first token comes from prefill; the rest is
    decoded elsewhere after the transfer. A request preempted there is recomputed there. Each
    role has a router of its own, made by `router`.
    """

    def __init__(
        self,
        prefill: Sequence[ContinuousBatching],
        decode: Sequence[ContinuousBatching],
        transfer: KvTransfer,
        router: Callable[[], Router] = LeastLoaded,
    ) -> None:
        assert prefill and decode, "at least one engine of each kind"
        self.prefill = list(prefill)
        self.decode = list(decode)
        self.transfer = transfer
        self._to_prefill, self._to_decode = router(), router()
        self._sent: list[tuple[float, int, Generation]] = []
        self._serial = 0
        # Where each request is: the engine and what it knows the request as.
        self._places: dict[Generation, tuple[ContinuousBatching, Generation]] = {}

    @property
    def waiting_count(self) -> int:
        """Requests whose prompt waits for a place in a batch."""
        return sum(engine.waiting_count for engine in self.prefill)

    @property
    def running_count(self) -> int:
        """Requests begun: their prompt is computed, their KV cache is on its way, they decode."""
        return self.load - self.waiting_count

    @property
    def load(self) -> int:
        """Requests anywhere in the server."""
        engines = sum(engine.load for engine in (*self.prefill, *self.decode))
        return engines + len(self._sent)

    def next_time(self) -> float:
        """Return when something changes next."""
        times = [engine.next_time() for engine in (*self.prefill, *self.decode)]
        return min(*times, self._sent[0][0] if self._sent else FOREVER)

    def submit(self, request: Generation, now: float) -> None:
        """Send the prompt of `request` to a prefill engine."""
        for engine in self.decode:
            engine.batch.check(request.prompt, request.output)
        request.arrived_s = now
        stub = Generation(
            request.prompt, 1, prefix=request.prefix, priority=request.priority, payload=request
        )
        engine = self.prefill[self._to_prefill.choose(stub, self.prefill)]
        engine.submit(stub, now)
        self._places[request] = (engine, stub)

    def cancel(self, request: Generation, now: float) -> None:
        """Drop `request` wherever it is."""
        place = self._places.pop(request, None)
        if place is not None:
            place[0].cancel(place[1], now)
        else:
            self._sent = [entry for entry in self._sent if entry[2] is not request]
            heapify(self._sent)

    def fail(self) -> list[Generation]:
        """Lose everything and return the requests that have not finished."""
        lost = [stub.payload for engine in self.prefill for stub in engine.fail()]
        lost += [request for engine in self.decode for request in engine.fail()]
        lost += [entry[2] for entry in sorted(self._sent)]
        for request in lost:
            request.prefilled = False
        self._sent.clear()
        self._places.clear()
        return lost

    def advance(self, now: float) -> list[Event]:
        """Complete what is due up to `now` and return what happened, in order of time."""
        events: list[Event] = []
        while self.next_time() <= now:
            at = self.next_time()
            for engine in self.prefill:
                for when, kind, stub in engine.advance(at):
                    if kind == FINISHED:
                        self._hand_over(stub, when, events)
            for engine in self.decode:
                for event in engine.advance(at):
                    events.append(event)
                    if event[1] == FINISHED:
                        self._places.pop(event[2], None)
            while self._sent and self._sent[0][0] <= at:
                _, _, request = heappop(self._sent)
                arrived = request.arrived_s
                engine = self.decode[self._to_decode.choose(request, self.decode)]
                engine.submit(request, at)
                request.arrived_s = arrived
                self._places[request] = (engine, request)
        return events

    def _hand_over(self, stub: Generation, when: float, events: list[Event]) -> None:
        request: Generation = stub.payload
        self._places.pop(request, None)
        request.first_token_s = when
        request.scheduled_s = stub.scheduled_s
        request.cached = stub.cached
        request.generated = 1
        events.append((when, FIRST_TOKEN, request))
        if request.output == 1:
            request.finished_s = when
            events.append((when, FINISHED, request))
            return
        request.prefilled = True
        self._serial += 1
        due = when + self.transfer.seconds(request.prompt)
        heappush(self._sent, (due, self._serial, request))
