"""Clock-free engines on the simulation's clock: routing, failures, meters."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from simulator.kernel.attempts import Attempts
from simulator.kernel.clock import Clock
from simulator.kernel.outcome import Outcome
from simulator.policies.engine_driver import Driver
from simulator.serving.errors import DoesNotFit
from simulator.serving.routing import Router
from simulator.serving.turns import Turns


class EnginePool:
    """Replicas behind a router; the jobs of a lost replica are served by the others.

    ``room`` tells how many jobs a replica could work on at its present pace (see `gpu_pool`), so
    that jobs running over room is the share of its greatest throughput. ``refuse`` gets a job that
    was accepted and lost its place or never had one, where the replica it goes to then has none
    for it: a full queue, or too little memory for a job that no replica was there to look at.
    """

    def __init__(
        self,
        clock: Clock,
        engines: Sequence[Any],
        router: Router,
        room: Callable[[Any], float],
        react: Callable[[list[Any]], None],
        refuse: Callable[[Any, Outcome], None],
    ) -> None:
        self.clock = clock
        self.engines = list(engines)
        self.router = router
        self.recomputed = 0
        self.longest = 0
        self._room = room
        self._react = react
        self._refuse = refuse
        self._down: set[int] = set()
        self._vacant: set[int] = set()
        self._turns = Turns()
        self._leaving: dict[int, Callable[[], None]] = {}
        self._stranded: dict[Any, None] = {}
        self._places: dict[Any, int] = {}
        indices = range(len(self.engines))
        self.drivers = [Driver(clock, self.engines[i], partial(self._happened, i)) for i in indices]
        self._levels = [(0, 0, 0.0)] * len(self.engines)
        self._running = self._waiting = 0
        self._room_sum = 0.0
        self._areas = [0.0, 0.0, 0.0]
        self._read_at = clock.now
        for i in indices:
            self._note(i)

    def submit(self, job: Any, attempts: Attempts | None = None) -> bool:
        """Give the job to a replica; False if its queue is full.

        With ``attempts``, a further try goes to a replica that has not been tried.
        """
        engines = self.engines
        if not self._down and attempts is None:
            index = self.router.choose(job, engines)
        else:
            alive = self.serving if attempts is None else attempts.untried(self.serving)
            if not alive:
                return self._strand(job)
            index = alive[self.router.choose(job, [engines[i] for i in alive])]
            if attempts is not None:
                attempts.replicas.append(index)
        driver = self.drivers[index]
        driver.catch_up()
        if not driver.engine.submit(job, self.clock.now):
            return False
        self._places[job] = index
        driver.arm()
        self._note(index)
        return True

    def cancel(self, job: Any) -> None:
        """Drop a job whose client gave up."""
        index = self._places.pop(job, None)
        if index is not None:
            self.engines[index].cancel(job, self.clock.now)
            self.drivers[index].arm()
            self._note(index)
        elif job in self._stranded:
            self._account()
            del self._stranded[job]

    def finished(self, job: Any) -> bool:
        """Forget where the job was; False if its client gave up before."""
        return self._places.pop(job, None) is not None

    @property
    def serving(self) -> list[int]:
        """The replicas that take jobs."""
        return [i for i in range(len(self.engines)) if i not in self._down]

    def add(self, engine: Any) -> int:
        """A place for one more replica, which takes no jobs before :meth:`open`."""
        index = len(self.engines)
        self.engines.append(engine)
        self.drivers.append(Driver(self.clock, engine, partial(self._happened, index)))
        self._levels.append((0, 0, 0.0))
        self._down.add(index)
        self._vacant.add(index)
        return index

    @property
    def vacant(self) -> list[int]:
        """The places without a replica."""
        return sorted(self._vacant)

    def open(self, indices: Sequence[int]) -> None:
        """Let replicas take jobs, those first that found none."""
        self._down.difference_update(indices)
        self._vacant.difference_update(indices)
        for index in indices:
            self._leaving.pop(index, None)
            self._note(index)
        self._place_stranded()

    def close(self, index: int, empty: Callable[[], None]) -> None:
        """Give a replica no more jobs; ``empty`` is told when it has finished those it has."""
        self._down.add(index)
        self._leaving[index] = empty
        self._note(index)

    def end_notice(self, index: int, empty: Callable[[], None]) -> None:
        """Lose a replica that was closed and has not finished."""
        if self._leaving.get(index) is empty:
            self.evict([index])

    def evict(self, victims: Sequence[int]) -> None:
        """Lose what replicas that are down are doing; other replicas begin it anew."""
        jobs = []
        for index in victims:
            jobs += self.engines[index].fail()
            self._note(index)
        self._begin_anew(jobs)

    def lose(self, share: float) -> list[int]:
        """Take away this share of the replicas, by :class:`Turns`; their jobs go elsewhere."""
        alive = self.serving
        count = min(round((len(self.engines) - len(self._vacant)) * share), len(alive))
        victims = self._turns.next(alive, count)
        self._down.update(victims)
        self.evict(victims)
        return victims

    def regain(self, victims: list[int], load_s: float) -> None:
        """Give the replicas back; they serve again once the model is loaded."""

        def up() -> None:
            self.open(victims)

        self._turns.came_back(victims)
        if load_s > 0.0:
            self.clock.call_at(self.clock.now + load_s, up)
        else:
            up()

    def _begin_anew(self, jobs: Sequence[Any]) -> None:
        """Place jobs that were lost, but for those whose client has given up."""
        self._account()
        for job in jobs:
            if self._places.pop(job, None) is not None:
                self.recomputed += 1
                self._stranded[job] = None
        self._place_stranded()

    def _strand(self, job: Any) -> bool:
        """Keep a job that finds no replica until there is one."""
        self._account()
        self._stranded[job] = None
        return True

    def _place_stranded(self) -> None:
        """Place the jobs that found no replica."""
        self._account()
        for job in list(self._stranded):
            # Placing one lets others go on, and give up.
            if job in self._stranded:
                del self._stranded[job]
                try:
                    if not self.submit(job):
                        self._refuse(job, Outcome.REJECTED_QUEUE_FULL)
                except DoesNotFit:
                    self._refuse(job, Outcome.ERROR)

    def _happened(self, index: int, events: list[Any]) -> None:
        self._note(index)
        self._react(events)

    def _account(self) -> None:
        """Add up the levels since the last change."""
        now = self.clock.now
        passed = now - self._read_at
        if passed > 0.0:
            self._read_at = now
            areas = self._areas
            areas[0] += self._running * passed
            areas[1] += (self._waiting + len(self._stranded)) * passed
            areas[2] += self._room_sum * passed

    def _note(self, index: int, *, changed: bool = False) -> None:
        """Account for the past and read the new levels of one engine, or of one that changed."""
        self._account()
        engine = self.engines[index]
        running, waiting = engine.running_count, engine.waiting_count
        old = self._levels[index]
        if not changed and not self._down and running == old[0] > 0:
            room = old[2]
        else:
            here = index not in self._down or index in self._leaving
            room = self._room(engine) if here else 0.0
        self._levels[index] = (running, waiting, room)
        self._running += running - old[0]
        self._waiting += waiting - old[1]
        self._room_sum += room - old[2]
        if waiting > old[1] and self._waiting > self.longest:
            self.longest = self._waiting
        if self._leaving and engine.load == 0 and index in self._leaving:
            empty = self._leaving.pop(index)
            self._vacant.add(index)
            self._note(index)
            empty()

    def area(self, which: int) -> float:
        """The integral over time of running jobs (0), waiting jobs (1) or room for them (2)."""
        self._account()
        return self._areas[which]

    def meters(self) -> dict[str, Callable[[], float]]:
        """What to read at every edge of the time grid."""
        return {
            "busy_area": lambda: self.area(0),
            "queue_area": lambda: self.area(1),
            "servers_area": lambda: self.area(2),
            "busy": lambda: self._running,
            "queue": lambda: self._waiting + len(self._stranded),
            "servers": lambda: self._room_sum,
            "queue_max": lambda: self.longest,
            "recomputed_total": lambda: self.recomputed,
        }
