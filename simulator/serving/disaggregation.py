"""Prefill and decode on different replicas, with the KV cache sent from one to the other."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from math import ceil
from typing import TYPE_CHECKING

from simulator.serving.generation import FINISHED, FIRST_TOKEN, Generation
from simulator.serving.routing import LeastLoaded
from simulator.serving.turns import Turns

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

    Engines can be lost and come back, and go by their index, those for prefill first. The keys
    and values of their requests are gone, also those still on their way out: such a request
    needs prefill again, of its prompt and of the tokens it has, and then decodes the others.
    A prompt that is computed while nothing decodes waits and is sent when something does.
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
        self._engines = self.prefill + self.decode
        self._to_prefill, self._to_decode = router(), router()
        self._down: set[int] = set()
        self._turns = Turns()
        # Prompts on their way with the index of their sender, and those that wait to be sent.
        self._sent: list[tuple[float, int, Generation, int]] = []
        self._held: list[tuple[Generation, int]] = []
        self._serial = 0
        # Where each request is: the engine and what it knows the request as.
        self._places: dict[Generation, tuple[ContinuousBatching, Generation]] = {}

    @property
    def serving(self) -> tuple[list[int], list[int]]:
        """The engines at work: those for prefill and those that decode."""
        up = [index for index in range(len(self._engines)) if index not in self._down]
        first = len(self.prefill)
        return [i for i in up if i < first], [i for i in up if i >= first]

    @property
    def waiting_count(self) -> int:
        """Requests whose prompt waits for a place in a batch, or to be sent."""
        return sum(engine.waiting_count for engine in self.prefill) + len(self._held)

    @property
    def running_count(self) -> int:
        """Requests begun: their prompt is computed, their KV cache is on its way, they decode."""
        return self.load - self.waiting_count

    @property
    def load(self) -> int:
        """Requests anywhere in the server."""
        engines = sum(engine.load for engine in self._engines)
        return engines + len(self._sent) + len(self._held)

    def next_time(self) -> float:
        """Return when something changes next."""
        times = [engine.next_time() for engine in self._engines]
        return min(*times, self._sent[0][0] if self._sent else FOREVER)

    def submit(self, request: Generation, now: float) -> bool:
        """Send the prompt of `request`, with what was generated, to a prefill engine at work.

        False if its queue is full.
        """
        self.decode[0].batch.check(request.prompt, request.output)
        request.arrived_s = now
        stub = Generation(
            request.prompt,
            request.generated + 1,
            prefix=request.prefix,
            priority=request.priority,
            payload=request,
        )
        stub.generated = request.generated
        engines = [self._engines[index] for index in self.serving[0]]
        engine = engines[self._to_prefill.choose(stub, engines)]
        if not engine.submit(stub, now):
            return False
        self._places[request] = (engine, stub)
        return True

    def cancel(self, request: Generation, now: float) -> None:
        """Drop `request` wherever it is."""
        place = self._places.pop(request, None)
        if place is not None:
            place[0].cancel(place[1], now)
        else:
            self._sent = [entry for entry in self._sent if entry[2] is not request]
            heapify(self._sent)
            self._held = [entry for entry in self._held if entry[0] is not request]

    def victims(self, share: float) -> list[int]:
        """Return the engines that go when this share of them is lost, by `Turns` in each role.

        As many as of any pool, spread over the roles in proportion to who is at work and was not
        lost before; a half goes to the decode engines.
        """
        prefill, decode = self.serving
        count = min(round(share * len(self._engines)), len(prefill) + len(decode))
        new = self._turns.new(prefill + decode)
        there = new if len(new) >= count else prefill + decode
        quota = count * sum(index in prefill for index in there) / max(1, len(there))
        first = ceil(quota - 0.5)
        return self._turns.next(prefill, first) + self._turns.next(decode, count - first)

    def lose(self, victims: Sequence[int]) -> list[Generation]:
        """Lose these engines and return their requests, which have to be submitted again."""
        self._down.update(victims)
        lost: list[Generation] = []
        for index in victims:
            jobs = self._engines[index].fail()
            lost += jobs if index >= len(self.prefill) else [stub.payload for stub in jobs]
        lost += [entry[2] for entry in sorted(self._sent) if entry[3] in victims]
        lost += [request for request, sender in self._held if sender in victims]
        self._sent = [entry for entry in self._sent if entry[3] not in victims]
        heapify(self._sent)
        self._held = [entry for entry in self._held if entry[1] not in victims]
        for request in lost:
            request.prefilled = False
            self._places.pop(request, None)
        return lost

    def regain(self, indices: Sequence[int], now: float) -> None:
        """Let lost engines serve again, empty."""
        self._down.difference_update(indices)
        self._turns.came_back(indices)
        if self.serving[1]:
            held, self._held = self._held, []
            for request, sender in held:
                self._send(request, sender, now)

    def advance(self, now: float) -> list[Event]:
        """Complete what is due up to `now` and return what happened, in order of time."""
        events: list[Event] = []
        while self.next_time() <= now:
            at = self.next_time()
            for index, engine in enumerate(self.prefill):
                for when, kind, stub in engine.advance(at):
                    if kind == FINISHED:
                        self._hand_over(stub, index, when, events)
            for engine in self.decode:
                for event in engine.advance(at):
                    events.append(event)
                    if event[1] == FINISHED:
                        self._places.pop(event[2], None)
            while self._sent and self._sent[0][0] <= at:
                _, _, request, sender = heappop(self._sent)
                self._land(request, sender, at)
        return events

    def _hand_over(self, stub: Generation, sender: int, when: float, events: list[Event]) -> None:
        """Note the token that prefill made, and send the rest of the work to decode."""
        request: Generation = stub.payload
        if self._places.pop(request, None) is None:
            # Given up during its last step.
            return
        if request.scheduled_s is None:
            request.scheduled_s = stub.scheduled_s
        request.cached += stub.cached
        request.generated = stub.generated
        if request.first_token_s is None:
            request.first_token_s = when
            events.append((when, FIRST_TOKEN, request))
        if request.generated >= request.output:
            request.finished_s = when
            events.append((when, FINISHED, request))
            return
        request.prefilled = True
        self._send(request, sender, when)

    def _send(self, request: Generation, sender: int, now: float) -> None:
        """Put the keys and values of `request` on their way, if anybody is there to take them."""
        if not self.serving[1]:
            self._held.append((request, sender))
            return
        self._serial += 1
        due = now + self.transfer.seconds(request.tokens - 1)
        heappush(self._sent, (due, self._serial, request, sender))

    def _land(self, request: Generation, sender: int, now: float) -> None:
        """Let `request` decode where it has arrived, or wait until something decodes."""
        engines = [self._engines[index] for index in self.serving[1]]
        if not engines:
            self._held.append((request, sender))
            return
        arrived = request.arrived_s
        engine = engines[self._to_decode.choose(request, engines)]
        engine.submit(request, now)
        request.arrived_s = arrived
        self._places[request] = (engine, request)
