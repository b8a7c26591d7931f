"""Which replica serves a request."""

from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Literal

from simulator.kernel.request import Request
from simulator.kernel.site import Site
from simulator.kernel.station import Station

BalancingName = Literal["round_robin", "random", "power_of_two", "least_request"]
Pick = Callable[[Request], Station]


def picker(name: BalancingName, stations: Sequence[Station], site: Site, owner: str) -> Pick:
    """A function that chooses a replica for each request.

    ``round_robin`` takes turns. ``random`` is uniform. ``power_of_two`` takes the less loaded of
    two drawn at random (Mitzenmacher 2001; Envoy's least request with two choices).
    ``least_request`` looks at all of them (join the shortest queue), ties broken by rotation.
    Load is the number of requests in service and waiting, known without delay.
    """
    if len(stations) == 1:
        only = stations[0]
        return lambda request: only
    if name == "round_robin":
        turn = cycle(stations).__next__
        return lambda request: turn()
    uniform, number = site.uniforms(owner, "balancing"), len(stations)
    if name == "random":
        return lambda request: stations[int(uniform() * number)]
    if name == "power_of_two":

        def better_of_two(request: Request) -> Station:
            first = int(uniform() * number)
            second = (first + 1 + int(uniform() * (number - 1))) % number
            one, other = stations[first], stations[second]
            return one if one.in_system <= other.in_system else other

        return better_of_two

    def least_loaded(request: Request) -> Station:
        start = int(uniform() * number)
        order = (*stations[start:], *stations[:start])
        return min(order, key=lambda station: station.in_system)

    return least_loaded
