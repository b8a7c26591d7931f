"""A queue with c servers: where requests wait and are served."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from heapq import heappush
from typing import Any, Protocol

from simpy.events import NORMAL

from simulator.kernel.clock import Clock
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Interrupted, Request

OK = Outcome.OK
UNLIMITED = float("inf")


class Line(Protocol):
    """What a queueing discipline offers a station: a place to wait and a next in line.

    An entry is ``[request, seconds]``; the request of an entry that left the queue early is None.
    ``collections.deque`` is the line of first in, first out.
    """

    def append(self, entry: list[Any], /) -> None: ...
    def popleft(self) -> list[Any]: ...
    def __iter__(self) -> Iterator[list[Any]]: ...
    def __len__(self) -> int: ...


class Station:
    """G/G/c with a bound on the queue, a discipline and patience.

    A request is granted one of ``servers`` servers or waits. The time at which a waiting request
    will be done is known when a server is granted to it, so a visit costs one entry on the
    agenda whether it waited or not.

    capacity of the queue
        ``queue_limit`` waiting requests; one more is answered ``REJECTED_QUEUE_FULL``.
    patience
        ``max_wait_s``; whoever waits longer leaves and is answered ``TIMEOUT``.
    pace
        factor on the work of one replica that a fault has slowed; heeded by whoever sends it work.
    lost
        servers that faults have taken away, to come back; ``servers`` are those left.
    meters
        ``busy_area`` and ``queue_area`` are the integrals of busy servers and of the queue
        length (server-seconds and request-seconds). Everyone who came is ``served``, ``refused``,
        ``left`` (gave up waiting), ``aborted`` (broken off in service), waiting or in service.
    """

    __slots__ = (
        "_busy_sum", "_queue_sum", "_servers_sum", "aborted", "clock", "ghosts", "idle", "left",
        "longest", "lost", "max_wait_s", "pace", "queue", "queue_limit", "refused", "served",
        "servers",
    )  # fmt: skip

    def __init__(
        self,
        clock: Clock,
        servers: int,
        *,
        queue: Line | None = None,
        queue_limit: float = UNLIMITED,
        max_wait_s: float | None = None,
    ) -> None:
        self.clock = clock
        self.servers = servers
        self.idle = servers
        self.queue: Line = deque() if queue is None else queue
        self.queue_limit = queue_limit
        self.max_wait_s = max_wait_s
        self.ghosts = 0
        self.pace = 1.0
        self.lost = 0
        self.served = 0
        self.refused = 0
        self.left = 0
        self.aborted = 0
        self.longest = 0
        # A sum of -start and +end times; adding `level * now` makes it the integral up to now.
        self._busy_sum = 0.0
        self._queue_sum = 0.0
        self._servers_sum = 0.0

    def work(self, request: Request, seconds: float, after: Call | None = None) -> Flow:
        """Wait for a server and hold it for ``seconds``; answers OK when the work was done.

        With ``after``, that is called once the server is released, and gives the answer: the same
        as calling it next, without one more generator on the way of every event below.
        """
        clock = self.clock
        arrived = clock.now
        if self.idle > 0:
            self.idle -= 1
            self._busy_sum -= arrived
            started = arrived
            if request.on_start is not None:
                request.on_start()
            try:
                yield seconds
            except (Interrupted, GeneratorExit) as fault:
                self.aborted += 1
                self.release()
                if isinstance(fault, Interrupted):
                    return fault.outcome
                raise
        else:
            entry = self._stand_in_line(request, seconds)
            if entry is None:
                return Outcome.REJECTED_QUEUE_FULL
            try:
                yield self.max_wait_s
            except (Interrupted, GeneratorExit) as fault:
                self._leave(request, entry)
                if isinstance(fault, Interrupted):
                    return fault.outcome
                raise
            granted = request.started
            if granted is None:
                self._leave(request, entry)
                return Outcome.TIMEOUT
            started = granted
        self.served += 1
        visit = request.visit
        if visit is not None:
            visit.wait += started - arrived
            visit.service += clock.now - started
        self.release()
        if after is not None:
            return (yield from after(request))
        return OK

    def hold(self, request: Request, call: Call) -> Flow:
        """Wait for a server and hold it while ``call`` runs; answers what the call answers."""
        outcome = yield from self._acquire(request)
        if outcome is not OK:
            return outcome
        clock = self.clock
        granted = clock.now
        done = 0
        try:
            outcome = yield from call(request)
            done = 1
        finally:
            self.served += done
            self.aborted += 1 - done
            if request.visit is not None:
                request.visit.service += clock.now - granted
            self.release()
        return outcome

    def _acquire(self, request: Request) -> Flow:
        """Wait for a server and keep it; answers OK when granted."""
        arrived = self.clock.now
        if self.idle > 0:
            self.idle -= 1
            self._busy_sum -= arrived
            if request.on_start is not None:
                request.on_start()
            return OK
        entry = self._stand_in_line(request, 0.0)
        if entry is None:
            return Outcome.REJECTED_QUEUE_FULL
        try:
            yield self.max_wait_s
        except (Interrupted, GeneratorExit) as fault:
            self._leave(request, entry)
            if isinstance(fault, Interrupted):
                return fault.outcome
            raise
        if request.started is None:
            self._leave(request, entry)
            return Outcome.TIMEOUT
        if request.visit is not None:
            request.visit.wait += self.clock.now - arrived
        return OK

    def release(self) -> None:
        """Give a server back: to the next in line, else to the idle ones."""
        now = self.clock.now
        self._busy_sum += now
        if self.idle < 0:
            self.idle += 1
            return
        queue = self.queue
        while queue:
            entry = queue.popleft()
            request = entry[0]
            if request is None:
                self.ghosts -= 1
                continue
            self._queue_sum += now
            self._busy_sum -= now
            request.started = now
            request.due = due = now + entry[1]
            clock = self.clock
            heappush(clock.agenda, (due, NORMAL, next(clock.sequence), request))
            if request.on_start is not None:
                request.on_start()
            return
        self.idle += 1

    def resize(self, servers: int) -> None:
        """Change the number of servers; busy ones finish their work before they disappear."""
        now = self.clock.now
        self._servers_sum += (self.servers - servers) * now
        added = servers - self.servers
        self.servers = servers
        while added > 0:
            added -= 1
            self._busy_sum -= now
            self.release()
        self.idle += added

    def discharge(self, servers: int) -> None:
        """Let servers go for good: first those that faults have taken away."""
        missing = min(servers, self.lost)
        self.lost -= missing
        self.resize(self.servers - (servers - missing))

    def drop_next(self, outcome: Outcome) -> bool:
        """Throw out the next in line with this outcome; False if nobody waits."""
        while self.queue:
            request = self.queue.popleft()[0]
            if request is None:
                self.ghosts -= 1
                continue
            # Leaving counts it as a ghost in the queue, which it no longer is.
            self.ghosts -= 1
            request.interrupt(outcome)
            return True
        return False

    def stretch(self, factor: float) -> None:
        """Multiply the work of everyone who waits, since it is done at the pace of its start."""
        for entry in self.queue:
            entry[1] *= factor

    def _stand_in_line(self, request: Request, seconds: float) -> list[Any] | None:
        """Put the request in the queue; None if the queue is full."""
        queue = self.queue
        length = len(queue) - self.ghosts
        if length >= self.queue_limit:
            self.refused += 1
            return None
        if length >= self.longest:
            self.longest = length + 1
        self._queue_sum -= self.clock.now
        request.started = None
        entry = [request, seconds]
        queue.append(entry)
        return entry

    def _leave(self, request: Request, entry: list[Any]) -> None:
        if request.started is None:
            entry[0] = None
            request.started = 0.0
            self.ghosts += 1
            self.left += 1
            self._queue_sum += self.clock.now
        else:
            self.aborted += 1
            self.release()

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return len(self.queue) - self.ghosts

    @property
    def busy(self) -> int:
        """Servers at work."""
        return self.servers - self.idle

    @property
    def in_system(self) -> int:
        """Requests waiting and in service."""
        return len(self.queue) - self.ghosts + self.servers - self.idle

    def busy_area(self) -> float:
        """Integral of busy servers over time so far (server-seconds)."""
        return self._busy_sum + self.busy * self.clock.now

    def queue_area(self) -> float:
        """Integral of the queue length over time so far (request-seconds)."""
        return self._queue_sum + self.waiting * self.clock.now

    def servers_area(self) -> float:
        """Integral of the number of servers over time so far (server-seconds)."""
        return self._servers_sum + self.servers * self.clock.now

    def meters(self) -> dict[str, Callable[[], float]]:
        """What to read at every edge of the time grid."""
        return {
            "busy_area": self.busy_area,
            "queue_area": self.queue_area,
            "servers_area": self.servers_area,
            "served_total": lambda: self.served,
            "refused_total": lambda: self.refused,
            "left_total": lambda: self.left,
            "aborted_total": lambda: self.aborted,
            "queue": lambda: self.waiting,
            "busy": lambda: self.busy,
            "servers": lambda: self.servers,
            "queue_max": lambda: self.longest,
        }


def meters_of(stations: Sequence[Station]) -> dict[str, Callable[[], float]]:
    """The meters of several stations that count as one: sums, and the longest queue."""
    if len(stations) == 1:
        return stations[0].meters()
    readings = [station.meters() for station in stations]

    def combined(name: str) -> Callable[[], float]:
        parts = [reading[name] for reading in readings]
        if name == "queue_max":
            return lambda: max(part() for part in parts)
        return lambda: sum(part() for part in parts)

    return {name: combined(name) for name in readings[0]}
