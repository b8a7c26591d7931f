"""Chance."""

from bisect import bisect_right
from itertools import accumulate
from typing import Any, ClassVar

from simulator.kernel.request import Request
from simulator.kernel.station import Station
from simulator.policies.balancing.balancing import Backends, Balancing, Pick


class Random(Balancing):
    """Any replica with equal probability, or in proportion to its weight."""

    key: ClassVar[str] = "random"

    @classmethod
    def from_value(cls, value: Any) -> Any:
        return value or {}

    def picker(self, backends: Backends) -> Pick:
        uniform = backends.uniform

        def anyone(request: Request) -> Station:
            stations = backends.stations
            return stations[int(uniform() * len(stations))]

        def in_proportion(request: Request) -> Station:
            bounds = list(accumulate(backends.weight(station) for station in backends.stations))
            return backends.stations[
                bisect_right(bounds, uniform() * bounds[-1], hi=len(bounds) - 1)
            ]

        return anyone if backends.equal else in_proportion
