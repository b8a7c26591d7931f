"""Workers that slow each other down: the universal scalability law."""

from functools import partial
from heapq import heapify, heappop, heappush
from itertools import count

from pydantic import Field, NonNegativeFloat

from simulator.kernel.clock import Clock
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Interrupted, Request
from simulator.kernel.spec import Spec
from simulator.kernel.station import Station
from simulator.policies.queueing import Queueing

OK = Outcome.OK


class Contention(Spec):
    """How n requests in work at one replica or node slow each other down.

    Everybody's work takes `1 + alpha (n - 1) + beta n (n - 1)` times as long as alone, so that n
    workers do `n / (1 + alpha (n - 1) + beta n (n - 1))` times the work of one: the universal
    scalability law. `alpha` is what has to be done one after the other (locks, a shared bus;
    Amdahl's law), `beta` the exchange between every two (caches kept coherent). The pace follows
    n at all times, so this is a load-dependent service centre. Source: N. Gunther, Guerrilla
    Capacity Planning (2007).
    """

    alpha: NonNegativeFloat = Field(0.0, le=1.0)
    """Share of the work that only one can do at a time."""
    beta: NonNegativeFloat = Field(0.0, le=1.0)
    """Cost of keeping two in step, as a share of the work."""

    def slowdown(self, busy: float) -> float:
        """How many times as long work takes while so many are at work."""
        return 1.0 + self.alpha * (busy - 1.0) + self.beta * busy * (busy - 1.0)

    def station(self, queue: Queueing, clock: Clock, servers: int) -> "Contended":
        """A station with this queue whose servers slow each other down."""
        station = queue.station(clock, servers, Contended)
        assert isinstance(station, Contended)
        station.share(self)
        return station


class Contended(Station):
    """A station at which the work of everybody goes at a pace that depends on how many work.

    All go at the same pace, so that one clock of work done, ``progress``, does for all: a request
    is finished when that clock has advanced by its own work. Only the next to finish stands on
    the agenda, and anew whenever somebody begins or ends.
    """

    __slots__ = ("_appointment", "_at", "_entered", "_inside", "law", "progress", "stretched")

    law: Contention

    def share(self, law: Contention) -> None:
        """Set the law; before the first request."""
        self.law = law
        self.progress = 0.0
        self.stretched = 1.0
        self._at = self.clock.now
        self._inside: list[tuple[float, int, Request]] = []
        self._entered = count()
        self._appointment = 0

    def work(self, request: Request, seconds: float, after: Call | None = None) -> Flow:
        """As at any station, but at the pace that all who work there leave each other."""
        stretched = self.stretched
        outcome = yield from self._acquire(request)
        if outcome is not OK:
            return outcome
        seconds *= self.stretched / stretched
        began = self.clock.now
        self._advance()
        heappush(self._inside, (self.progress + seconds, next(self._entered), request))
        self._appoint()
        try:
            yield None
        except (Interrupted, GeneratorExit) as fault:
            self._take_out(request)
            self.aborted += 1
            self.release()
            if isinstance(fault, Interrupted):
                return fault.outcome
            raise
        self.served += 1
        if request.visit is not None:
            request.visit.service += self.clock.now - began
        self.release()
        return OK if after is None else (yield from after(request))

    def stretch(self, factor: float) -> None:
        """Multiply the work of everyone who waits; each knows the factor it came with."""
        self.stretched *= factor

    def _advance(self) -> None:
        now, inside = self.clock.now, len(self._inside)
        if inside:
            self.progress += (now - self._at) / self.law.slowdown(inside)
        self._at = now

    def _appoint(self) -> None:
        self._appointment += 1
        if self._inside:
            left = max(self._inside[0][0] - self.progress, 0.0)
            due = self.clock.now + left * self.law.slowdown(len(self._inside))
            self.clock.call_at(due, partial(self._finish, self._appointment))

    def _finish(self, appointment: int) -> None:
        if appointment != self._appointment:
            return
        self._advance()
        self.progress, _, request = heappop(self._inside)
        self._appoint()
        request.resume()

    def _take_out(self, request: Request) -> None:
        self._advance()
        self._inside = [entry for entry in self._inside if entry[2] is not request]
        heapify(self._inside)
        self._appoint()
