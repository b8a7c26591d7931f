"""The same key to the same replica."""

from bisect import bisect_right
from hashlib import blake2b
from typing import ClassVar

from pydantic import Field

from simulator.kernel.references import Attribute
from simulator.kernel.request import Request
from simulator.kernel.station import Station
from simulator.policies.balancing.balancing import Backends, Balancing, Pick


def hash_of(text: str) -> int:
    """A number that depends on the text alone, the same in every run and on every machine."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


class RingHash(Balancing):
    """Consistent hashing: `ring_hash: {key: user}`.

    Replicas own points on a ring, in proportion to their weight; a key goes to the next point.
    When one of N replicas leaves, 1/N of the keys move. Source: Karger et al. (1997); Envoy
    `ring_hash` (`minimum_ring_size` 1024).
    """

    key: ClassVar[str] = "ring_hash"
    attribute: Attribute = Field(alias="key")
    """Attribute of the request that decides."""
    size: int = Field(1024, ge=1, le=1_000_000)
    """Points on the ring, at least one for each replica."""

    def picker(self, backends: Backends) -> Pick:
        return Ring(self, backends)


class Ring:
    """The points of the replicas that may be chosen, built anew when these change."""

    def __init__(self, spec: RingHash, backends: Backends) -> None:
        self.spec = spec
        self.backends = backends
        self.version = -1
        self.points: list[int] = []
        self.owners: list[Station] = []
        self.places: dict[object, int] = {}

    def __call__(self, request: Request) -> Station:
        if self.version != self.backends.version:
            self._build()
        key = request.attributes[self.spec.attribute]
        place = self.places.get(key)
        if place is None:
            place = self.places[key] = hash_of(str(key))
        return self.owners[bisect_right(self.points, place) % len(self.owners)]

    def _build(self) -> None:
        backends = self.backends
        self.version = backends.version
        total = sum(backends.weight(station) for station in backends.at_first)
        ring = []
        for station in backends.stations:
            share = backends.weight(station) / total
            number = backends.numbers[station]
            copies = range(max(1, round(share * self.spec.size)))
            ring += [(hash_of(f"{number}_{copy}"), number, station) for copy in copies]
        ring.sort(key=lambda point: point[:2])
        self.points = [place for place, _, _ in ring]
        self.owners = [station for _, _, station in ring]
