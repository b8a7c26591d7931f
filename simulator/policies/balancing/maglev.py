"""The same key to the same replica, by a look-up table."""

from typing import ClassVar

from pydantic import Field, field_validator

from simulator.kernel.references import Attribute
from simulator.kernel.request import Request
from simulator.kernel.station import Station
from simulator.policies.balancing.balancing import Backends, Balancing, Pick
from simulator.policies.balancing.ring_hash import hash_of


class Maglev(Balancing):
    """Consistent hashing by a table that replicas fill in turns: `maglev: {key: user}`.

    Shares are even to within one place of the table; when a replica leaves, some keys of the
    others move as well. Source: Eisenbud et al., "Maglev: a fast and reliable software network
    load balancer" (NSDI 2016), section 3.4; Envoy `maglev` (table of 65,537).
    """

    key: ClassVar[str] = "maglev"
    attribute: Attribute = Field(alias="key")
    """Attribute of the request that decides."""
    table_size: int = Field(65_537, ge=2, le=5_000_011)
    """Places in the table, a prime number."""

    @field_validator("table_size")
    @classmethod
    def _prime(cls, size: int) -> int:
        if any(size % divisor == 0 for divisor in range(2, int(size**0.5) + 1)):
            raise ValueError("the size of a Maglev table is a prime number, such as 65537")
        return size

    def picker(self, backends: Backends) -> Pick:
        return Table(self, backends)


class Taker:
    """A replica on its way through its preferences: from one place on by equal skips."""

    def __init__(self, station: Station, number: int, size: int, weight: float) -> None:
        self.station = station
        self.place = hash_of(f"{number}") % size
        self.skip = hash_of(f"{number} skip") % (size - 1) + 1
        self.weight = weight
        self.credit = 0.0


class Table:
    """Who owns each place, filled anew when the replicas that may be chosen change."""

    def __init__(self, spec: Maglev, backends: Backends) -> None:
        self.spec = spec
        self.backends = backends
        self.version = -1
        self.owners: list[Station] = []
        self.places: dict[object, int] = {}

    def __call__(self, request: Request) -> Station:
        if self.version != self.backends.version:
            self._fill()
        key = request.attributes[self.spec.attribute]
        place = self.places.get(key)
        if place is None:
            place = self.places[key] = hash_of(str(key)) % self.spec.table_size
        return self.owners[place]

    def _fill(self) -> None:
        """Let each replica take its next free preference, as often as its weight says."""
        backends, size = self.backends, self.spec.table_size
        self.version = backends.version
        table: list[Station | None] = [None] * size
        most = max(backends.weight(station) for station in backends.stations)
        takers = [
            Taker(station, backends.numbers[station], size, backends.weight(station) / most)
            for station in backends.stations
        ]
        left = size
        while left:
            for taker in takers:
                taker.credit += taker.weight
                if taker.credit < 1.0 - 1e-12 or not left:
                    continue
                taker.credit -= 1.0
                while table[taker.place] is not None:
                    taker.place = (taker.place + taker.skip) % size
                table[taker.place] = taker.station
                left -= 1
        self.owners = [owner for owner in table if owner is not None]
