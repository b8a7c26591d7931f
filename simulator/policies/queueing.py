"""The queue in front of a station, as a document describes it."""

from pydantic import Field

from simulator.kernel.clock import Clock
from simulator.kernel.spec import Spec
from simulator.kernel.station import UNLIMITED, Station
from simulator.policies.disciplines import Discipline
from simulator.policies.disciplines.fifo import Fifo
from simulator.quantities import Count, PositiveDuration


class Queueing(Spec):
    """Where requests wait for a free worker or connection."""

    capacity: Count | None = None
    """Most requests that may wait; one more is refused. Unbounded if left out."""
    discipline: Discipline = Field(default_factory=Fifo)
    """Who is next: `fifo`, `lifo`, `priority` (0 first), `edf` (earliest deadline first), `codel`,
    `controlled_delay` or `adaptive_lifo`."""
    max_wait: PositiveDuration | None = None
    """Whoever waits longer leaves with a time-out."""

    @property
    def bounded(self) -> bool:
        """Whether requests are turned away, or leave, when many wait."""
        return self.capacity is not None or self.max_wait is not None

    @property
    def limit(self) -> float:
        """Most requests that may wait, infinite without a capacity."""
        return UNLIMITED if self.capacity is None else self.capacity

    def station(self, clock: Clock, servers: int, make: type[Station] = Station) -> Station:
        """A station with this queue."""
        return make(
            clock,
            servers,
            queue=self.discipline.line(clock),
            queue_limit=self.limit,
            max_wait_s=self.max_wait,
        )
