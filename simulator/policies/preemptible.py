"""Work from a shared queue on servers that can be taken back in the middle of it."""

from simulator.kernel.clock import Clock
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Interrupted, Request
from simulator.kernel.site import Draw
from simulator.kernel.station import Station
from simulator.policies.fleet import Gone, SharedFleet
from simulator.policies.spot import Spot

OK = Outcome.OK


class Stint:
    """One stay at a server; ``kept_s`` is what is safe of it, once it was broken off."""

    __slots__ = ("began", "broken_off", "kept_s", "noticed")

    def __init__(self, began: float) -> None:
        self.began = began
        self.noticed = False
        self.broken_off = False
        self.kept_s = 0.0


class Preemptible(Station):
    """A station that knows who is in service, so that a server can be taken from under them.

    Whoever loses its server stands in line again for what is left of its work: all of it without
    a checkpoint, else what came after the latest one and the time to restore it. ``redone_s``
    sums up the work that was lost.
    """

    __slots__ = ("inside", "redone_s", "spot", "stretched", "uniform")

    spot: Spot
    uniform: Draw

    def prepare(self, spot: Spot, uniform: Draw) -> None:
        """Set the terms under which servers are taken, and the draws that choose which."""
        self.spot = spot
        self.uniform = uniform
        self.inside: dict[Request, Stint] = {}
        self.redone_s = 0.0
        self.stretched = 1.0

    def work(self, request: Request, seconds: float, after: Call | None = None) -> Flow:
        """As at any station, but begun anew as often as the server is taken away."""
        clock, left = self.clock, seconds
        while True:
            stretched = self.stretched
            outcome = yield from self._acquire(request)
            if outcome is not OK:
                return outcome
            left *= self.stretched / stretched
            stint = self.inside[request] = Stint(clock.now)
            try:
                yield left
            except (Interrupted, GeneratorExit) as fault:
                del self.inside[request]
                self.aborted += 1
                self.release()
                if isinstance(fault, Interrupted):
                    return fault.outcome
                raise
            del self.inside[request]
            worked = clock.now - stint.began
            if request.visit is not None:
                request.visit.service += worked
            if not stint.broken_off:
                break
            left -= stint.kept_s
            self.redone_s += worked - stint.kept_s
            if self.spot.checkpoint is not None and stint.kept_s > 0.0:
                left += self.spot.checkpoint.restore
            self.release()
        self.served += 1
        self.release()
        return OK if after is None else (yield from after(request))

    def stretch(self, factor: float) -> None:
        """Multiply the work of everyone who waits; each knows the factor it came with."""
        self.stretched *= factor

    def take(self, servers: int) -> None:
        """Take servers away: idle ones at once, those at work when the notice ends."""
        unaware = [(held, stint) for held, stint in self.inside.items() if not stint.noticed]
        there, victims = self.servers, []
        for _ in range(min(servers, there)):
            # Drawn without repetition: a server that is taken is busy as often as any.
            if self.uniform() * there < len(unaware):
                victims.append(unaware.pop(int(self.uniform() * len(unaware))))
                victims[-1][1].noticed = True
            there -= 1
        self.lost -= max(servers - self.servers, 0)
        self.resize(max(self.servers - servers, 0))
        notice_s = self.spot.notice or 0.0
        if notice_s <= 0.0:
            self._break_off(victims)
        else:
            self.clock.call_at(self.clock.now + notice_s, lambda: self._break_off(victims))

    def _break_off(self, victims: list[tuple[Request, Stint]]) -> None:
        for request, stint in victims:
            if self.inside.get(request) is not stint:
                continue
            stint.broken_off = True
            if self.spot.checkpoint is not None:
                worked, notice_s = self.clock.now - stint.began, self.spot.notice or 0.0
                stint.kept_s = self.spot.checkpoint.saved_s(worked, notice_s)
            self.clock.resume_at(self.clock.now, request)


class PreemptibleFleet(SharedFleet):
    """Replicas that serve one queue and may be taken back in the middle of their work."""

    def __init__(self, clock: Clock, station: Preemptible, workers: int, spot: Spot) -> None:
        super().__init__(clock, station, workers)
        self.servers = station
        self.notice_s = spot.notice or 0.0

    def take_back(self, count: int, gone: Gone) -> None:
        """Servers go at once, or when the notice ends."""

        def leave() -> None:
            for _ in range(count):
                gone()

        self.servers.take(count * self.workers)
        self.clock.call_at(self.clock.now + self.notice_s, leave)
