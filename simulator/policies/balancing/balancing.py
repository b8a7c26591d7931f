"""What every way to choose a replica has in common."""

from abc import abstractmethod
from collections.abc import Callable, Sequence

from simulator.kernel.kinded import OneKey
from simulator.kernel.request import Request
from simulator.kernel.site import Draw
from simulator.kernel.station import Station

Pick = Callable[[Request], Station]


def load_now(station: Station) -> float:
    """Requests in service and waiting at a replica, known without delay."""
    return station.in_system


class Backends:
    """The replicas that one balancer may choose from, and what it knows of them.

    ``stations`` changes in place when a replica joins or leaves; ``version`` counts the changes.
    ``load`` may be out of date. ``weights`` are by station, 1 where left out. ``numbers`` are
    those of all that may ever join, ``at_first`` the ones there at the beginning.
    """

    def __init__(
        self, stations: list[Station], uniform: Draw, places: Sequence[Station] = ()
    ) -> None:
        self.stations = stations
        self.uniform = uniform
        self.load: Callable[[Station], float] = load_now
        self.weights: dict[Station, float] = {}
        self.numbers = {station: number for number, station in enumerate(places or stations)}
        self.at_first = tuple(stations)
        self.version = 0

    def weight(self, station: Station) -> float:
        """How much of the load the replica should get, relative to the others."""
        return self.weights.get(station, 1.0)

    @property
    def equal(self) -> bool:
        """Whether all replicas should get the same."""
        return len(set(self.weights.values())) < 2


class Balancing(OneKey):
    """How a balancer chooses the replica for a request."""

    @abstractmethod
    def picker(self, backends: Backends) -> Pick:
        """A function that chooses a replica for each request."""
