"""Clock-free engines on the simulation's clock: routing, failures, meters."""

from collections.abc import Callable, Sequence
from typing import Any

from simulator.kernel.clock import Clock
from simulator.serving.routing import Router

FOREVER = float("inf")


class Driver:
    """Rings one engine when its batch changes: one entry on the agenda for each change.

    When the next change moves forward a second entry is made; the one left behind finds nothing
    to do. ``react`` gets what the engine's ``advance`` returned.
    """

    __slots__ = ("_due", "clock", "engine", "react")

    def __init__(self, clock: Clock, engine: Any, react: Callable[[list[Any]], None]) -> None:
        self.clock = clock
        self.engine = engine
        self.react = react
        self._due = FOREVER

    def arm(self) -> None:
        """Make sure that the next change is on the agenda."""
        due = self.engine.next_time()
        if due < self._due:
            self._due = due
            self.clock.call_at(due, self._ring)

    def catch_up(self) -> None:
        """Complete what is due by now, before something new is submitted."""
        if self.engine.next_time() <= self.clock.now:
            self.react(self.engine.advance(self.clock.now))

    def _ring(self) -> None:
        now = self.clock.now
        if now >= self._due:
            self._due = FOREVER
        if self.engine.next_time() <= now:
            self.react(self.engine.advance(now))
        self.arm()


class EnginePool:
    """Replicas behind a router; the jobs of a lost replica are served by the others.

    ``slots`` is how many jobs one replica works on at most. With a KV cache the number that its
    blocks have room for counts, extrapolated from the jobs that run now.
    """

    def __init__(
        self,
        clock: Clock,
        engines: Sequence[Any],
        router: Router,
        slots: int,
        react: Callable[[list[Any]], None],
    ) -> None:
        self.clock = clock
        self.engines = list(engines)
        self.router = router
        self.slots = slots
        self.react = react
        self.drivers = [Driver(clock, engine, self._happened) for engine in engines]
        self.recomputed = 0
        self.longest = 0
        self._down: dict[int, float] = {}
        self._stranded: list[Any] = []
        self._places: dict[Any, Driver] = {}
        self._levels = (0.0, 0.0, float(slots * len(self.engines)))
        self._areas = [0.0, 0.0, 0.0]
        self._read_at = clock.now

    def submit(self, job: Any) -> bool:
        """Give the job to a replica; False if its queue is full."""
        alive = [i for i in range(len(self.engines)) if i not in self._down]
        if not alive:
            self._stranded.append(job)
            self.note()
            return True
        engines = self.engines if not self._down else [self.engines[i] for i in alive]
        driver = self.drivers[alive[self.router.choose(job, engines)]]
        driver.catch_up()
        self._places[job] = driver
        if driver.engine.submit(job, self.clock.now) is False:
            del self._places[job]
            return False
        driver.arm()
        self.note()
        return True

    def cancel(self, job: Any) -> None:
        """Drop a job whose client gave up."""
        driver = self._places.pop(job, None)
        if driver is not None:
            driver.engine.cancel(job, self.clock.now)
            driver.arm()
        elif job in self._stranded:
            self._stranded.remove(job)
        self.note()

    def finished(self, job: Any) -> None:
        """Forget where the job was."""
        self._places.pop(job, None)

    def lose(self, share: float) -> list[int]:
        """Take away this share of the replicas, the last ones first; their jobs go elsewhere."""
        count = round(len(self.engines) * share)
        alive = [i for i in range(len(self.engines)) if i not in self._down]
        victims = alive[len(alive) - min(count, len(alive)) :]
        jobs = []
        for index in victims:
            self._down[index] = FOREVER
            jobs += self.engines[index].fail()
        self.recomputed += len(jobs)
        for job in jobs:
            self._places.pop(job, None)
            self.submit(job)
        self.note()
        return victims

    def regain(self, victims: list[int], load_s: float) -> None:
        """Give the replicas back; they serve again once the model is loaded."""

        def up() -> None:
            for index in victims:
                self._down.pop(index, None)
            waiting, self._stranded = self._stranded, []
            for job in waiting:
                self.submit(job)
            self.note()

        if load_s > 0.0:
            self.clock.call_at(self.clock.now + load_s, up)
        else:
            up()

    def _happened(self, events: list[Any]) -> None:
        self.note()
        self.react(events)
        self.note()

    def note(self) -> None:
        """Add up the levels since the last change and read the new ones."""
        now = self.clock.now
        passed = now - self._read_at
        if passed > 0.0:
            self._read_at = now
            for i, level in enumerate(self._levels):
                self._areas[i] += level * passed
        running = waiting = 0
        room = 0.0
        for index, engine in enumerate(self.engines):
            here = engine.running_count
            running += here
            waiting += engine.waiting_count
            if index not in self._down:
                used = getattr(engine, "kv_used", 0.0)
                room += min(self.slots, here / used) if here and used > 0.0 else self.slots
        waiting += len(self._stranded)
        self.longest = max(self.longest, waiting)
        self._levels = (float(running), float(waiting), room)

    def area(self, which: int) -> float:
        """The integral over time of running jobs (0), waiting jobs (1) or places for them (2)."""
        self.note()
        return self._areas[which]

    def meters(self) -> dict[str, Callable[[], float]]:
        """What to read at every edge of the time grid."""
        return {
            "busy_area": lambda: self.area(0),
            "queue_area": lambda: self.area(1),
            "servers_area": lambda: self.area(2),
            "busy": lambda: self._levels[0],
            "queue": lambda: self._levels[1],
            "servers": lambda: self._levels[2],
            "queue_max": lambda: self.longest,
            "recomputed_total": lambda: self.recomputed,
        }
