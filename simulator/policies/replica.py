"""One replica of a service, and what faults do to it."""

from typing import NamedTuple

from simulator.kernel.station import Station


class Trouble(NamedTuple):
    """What a fault does to a replica."""

    down: bool = False
    errors: float = 0.0
    slow: float = 1.0


class Replica:
    """One replica as the balancer knows it, and what is wrong with it."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.present = True
        self.withdrawn = False
        self.troubles: list[Trouble] = []
        self.down = False
        self.failing = 0.0
        self.healthy = True
        self.probes = 0
        self.ejected_until: float | None = None
        self.ejections = 0
        self.bad_in_a_row = 0
        self.answers = [0, 0]
        self.joined_at = float("-inf")

    def suffer(self, troubles: list[Trouble]) -> None:
        """Set all that is wrong; who waits is served at the new pace, who is served at the old."""
        self.troubles = troubles
        self.down = any(trouble.down for trouble in troubles)
        self.failing, pace = 0.0, 1.0
        for trouble in troubles:
            self.failing += trouble.errors * (1.0 - self.failing)
            pace *= trouble.slow
        self.station.stretch(pace / self.station.pace)
        self.station.pace = pace
