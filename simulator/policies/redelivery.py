"""Delivering a message until it is processed, or given up as a dead letter."""

from collections.abc import Callable
from dataclasses import dataclass, field

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


@dataclass
class _Handling:
    """What became of a message: whether its latest receipt has begun, and which succeeded."""

    begun: bool = False
    done: list[Request] = field(default_factory=list)


class Redelivery:
    """At-least-once delivery as in SQS: visible again if not processed in time.

    The visibility timeout counts from the receipt. A consumer that is too slow goes on, so the
    message may then be worked on twice. The first success of any receipt removes the message: a
    copy that still waits is never delivered, one that is being worked on is done in vain.
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
        handling = _Handling()

        def working(held: Request) -> Flow:
            handling.begun = True
            return to.process(held)

        begins = Delivery(to.station, working)
        while receives < self.max_receives:
            if receives:
                if self.pause_s:
                    yield self.pause_s
                if handling.done:
                    break
                self.redelivered += 1
            receives += 1
            handling.begun = False
            if self.visible_after_s is None:
                outcome = yield from self._held(message, begins)
            else:
                outcome = yield from self._received(message, begins, handling)
            if outcome is OK:
                self.acknowledged += 1
                return OK
            if handling.done:
                break
            if outcome is Outcome.DEAD_LETTERED or (
                outcome is Outcome.TIMEOUT and not handling.begun
            ):
                # Thrown out, or expired before any consumer had it: nothing to deliver again.
                break
        if handling.done:
            message.adopt(handling.done[0])
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

    def _received(self, message: Request, to: Delivery, handling: _Handling) -> Flow:
        receipt = message.branch()

        def working(held: Request) -> Flow:
            self.clock.call_at(self.clock.now + (self.visible_after_s or 0.0), expire)
            outcome = yield from to.process(held)
            if outcome is OK:
                if handling.done:
                    self.duplicates += 1
                handling.done.append(held)
                self._remove(message, receipt, handling)
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

    def _remove(self, message: Request, receipt: Request, handling: _Handling) -> None:
        """A receipt succeeded: nobody waits for the later one that the message may be in."""
        if not message.awaiting or message.awaiting == (receipt,):
            return
        (later,) = message.awaiting
        message.awaiting = ()
        later.on_end = None
        if not handling.begun:
            later.cancel()
        # Not at once: whoever is told may withdraw its sibling, which can be this one.
        self.clock.resume_at(self.clock.now, message)
