"""Delivering a message until it is processed, or given up as a dead letter."""

from collections.abc import Callable
from dataclasses import dataclass

from simulator.kernel.clock import Clock
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Request
from simulator.kernel.station import Station

OK = Outcome.OK


@dataclass(frozen=True)
class Delivery:
    """Where the consumers are, and what they do with a message."""

    station: Station
    process: Call


class Redelivery:
    """At-least-once delivery as in SQS: visible again if not processed in time.

    The visibility timeout counts from the receipt. A consumer that is too slow goes on, so the
    message is then worked on twice; a success of any receipt removes the message.
    """

    def __init__(
        self, clock: Clock, visible_after_s: float | None, max_receives: int, pause_s: float
    ) -> None:
        self.clock = clock
        self.visible_after_s = visible_after_s
        self.max_receives = max_receives
        self.pause_s = pause_s
        self.acknowledged = self.redelivered = self.dead = self.duplicates = 0
        self.on_room: Callable[[], None] | None = None
        """Told when a message has left a consumer, or the queue without one."""

    def meters(self) -> dict[str, Callable[[], float]]:
        """Messages done, deliveries after the first, dead letters, work done twice."""
        return {
            "acknowledged_total": lambda: self.acknowledged,
            "redelivered_total": lambda: self.redelivered,
            "dead_lettered_total": lambda: self.dead,
            "duplicates_total": lambda: self.duplicates,
        }

    def deliver(self, message: Request, to: Delivery) -> Flow:
        """Hand the message to a consumer as often as it takes."""
        receives = 0
        done: list[bool] = []
        while receives < self.max_receives:
            if receives:
                self.redelivered += 1
                if self.pause_s:
                    yield self.pause_s
                if done:
                    break
            receives += 1
            begun: list[bool] = []

            def working(held: Request, begun: list[bool] = begun) -> Flow:
                begun.append(True)
                return to.process(held)

            if self.visible_after_s is None:
                outcome = yield from self._held(message, Delivery(to.station, working))
            else:
                outcome = yield from self._received(message, Delivery(to.station, working), done)
            if outcome is OK:
                done.append(True)
                break
            if outcome is Outcome.DEAD_LETTERED or (outcome is Outcome.TIMEOUT and not begun):
                # Thrown out, or expired before any consumer had it: nothing to deliver again.
                break
        if done:
            self.acknowledged += 1
            return OK
        self.dead += 1
        return Outcome.DEAD_LETTERED

    def _held(self, message: Request, to: Delivery) -> Flow:
        held = to.station.hold(message, to.process)
        return held if self.on_room is None else self._telling(held, self.on_room)

    @staticmethod
    def _telling(held: Flow, on_room: Callable[[], None]) -> Flow:
        try:
            return (yield from held)
        finally:
            on_room()

    def _received(self, message: Request, to: Delivery, done: list[bool]) -> Flow:
        receipt = message.branch()

        def working(held: Request) -> Flow:
            self.clock.call_at(self.clock.now + (self.visible_after_s or 0.0), expire)
            outcome = yield from to.process(held)
            if outcome is OK:
                if done:
                    self.duplicates += 1
                done.append(True)
            return outcome

        def expire() -> None:
            if receipt.outcome is None and message.awaiting == (receipt,):
                message.awaiting = ()
                receipt.on_end = None
                message.resume()

        receipt.start(self._held(receipt, Delivery(to.station, working)))
        if receipt.outcome is None:
            receipt.on_end = lambda _: message.resume()
            message.awaiting = (receipt,)
            yield None
            message.awaiting = ()
        receipt.on_end = None
        if receipt.outcome is OK:
            message.adopt(receipt)
        return receipt.outcome or Outcome.TIMEOUT
