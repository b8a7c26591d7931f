"""Messages that a broker hands out before the consumer gets to them."""

from dataclasses import dataclass

from simulator.kernel.clock import Clock
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Request
from simulator.kernel.station import Line, Station


@dataclass
class Consumer:
    """One consumer, and how many messages it has got and not acknowledged."""

    station: Station
    unacknowledged: int = 0


class Prefetching(Station):
    """The queue of a broker whose consumers hold up to ``prefetch`` messages each.

    The servers of this station are the places for messages not yet acknowledged: what waits here
    is *ready*, all that the broker shows as its depth, bounds and expires. A message goes to the
    next consumer in turn that has a place and waits there in the order of delivery, so that a
    more urgent one that comes later no longer overtakes it. Source: RabbitMQ, "Consumer
    prefetch" and "Priority queue support".
    """

    __slots__ = ("consumers", "prefetch", "turn")

    def __init__(
        self, clock: Clock, consumers: int, prefetch: int, queue: Line, max_wait_s: float | None
    ) -> None:
        super().__init__(clock, consumers * prefetch, queue=queue, max_wait_s=max_wait_s)
        self.prefetch = prefetch
        self.consumers = [Consumer(Station(clock, 1)) for _ in range(consumers)]
        self.turn = 0

    def hold(self, request: Request, call: Call) -> Flow:
        """Wait to be handed out and then for the consumer, and hold it while ``call`` runs."""
        outcome = yield from self._acquire(request)
        if outcome is not Outcome.OK:
            return outcome
        consumer = self._next()
        consumer.unacknowledged += 1
        try:
            return (yield from consumer.station.hold(request, call))
        finally:
            consumer.unacknowledged -= 1
            self.release()

    def _next(self) -> Consumer:
        number = len(self.consumers)
        for step in range(number):
            consumer = self.consumers[(self.turn + step) % number]
            if consumer.unacknowledged < self.prefetch:
                self.turn += step + 1
                break
        return consumer
