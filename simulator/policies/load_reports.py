"""Load that a balancer knows only as of the last report (Mitzenmacher 2000)."""

from collections.abc import Callable

from simulator.kernel.clock import Clock
from simulator.kernel.station import Station


class Reports:
    """Loads as they were at the last report; requests sent since are not known."""

    def __init__(
        self,
        clock: Clock,
        stations: list[Station],
        load: Callable[[Station], float],
        every_s: float,
    ) -> None:
        self.clock = clock
        self.stations = stations
        self.true_load = load
        self.every_s = every_s
        self.known: dict[Station, float] = {}
        self.number = -1

    def load(self, station: Station) -> float:
        """What the last report said."""
        number = int(self.clock.now / self.every_s)
        if number != self.number:
            self.number = number
            self.known = {each: self.true_load(each) for each in self.stations}
        return self.known[station]
