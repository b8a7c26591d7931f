"""The least loaded of all."""

from typing import Any, ClassVar

from simulator.kernel.request import Request
from simulator.kernel.station import Station
from simulator.policies.balancing.balancing import Backends, Balancing, Pick


class LeastRequest(Balancing):
    """The replica with the fewest requests, waiting ones included; ties at random.

    Join the shortest queue; HAProxy `leastconn`. With weights, load is divided by the weight.
    """

    key: ClassVar[str] = "least_request"

    @classmethod
    def from_value(cls, value: Any) -> Any:
        return value or {}

    def picker(self, backends: Backends) -> Pick:
        uniform = backends.uniform

        def least_loaded(request: Request) -> Station:
            stations, load = backends.stations, backends.load
            start = int(uniform() * len(stations))
            order = (*stations[start:], *stations[:start])
            if not backends.weights:
                return min(order, key=load)
            return min(order, key=lambda station: load(station) / backends.weight(station))

        return least_loaded
