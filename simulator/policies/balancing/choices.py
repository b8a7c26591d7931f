"""The least loaded of a few."""

from typing import Any, ClassVar

from pydantic import Field

from simulator.kernel.request import Request
from simulator.kernel.station import Station
from simulator.policies.balancing.balancing import Backends, Balancing, Pick


class Choices(Balancing):
    """The least loaded of a few replicas drawn at random, all different: `choices: 3`.

    Load is divided by the weight. Sources: M. Mitzenmacher, The power of two choices (2001);
    Envoy least request with `choice_count`; HAProxy `random(draws)`.
    """

    key: ClassVar[str] = "choices"
    of: int = Field(2, ge=1, le=1000)
    """How many are looked at."""

    def picker(self, backends: Backends) -> Pick:
        uniform, wanted = backends.uniform, self.of

        def better_of_two(request: Request) -> Station:
            stations, load = backends.stations, backends.load
            number = len(stations)
            first = int(uniform() * number)
            if number == 1:
                return stations[0]
            second = (first + 1 + int(uniform() * (number - 1))) % number
            one, other = stations[first], stations[second]
            return one if load(one) <= load(other) else other

        def best_of_several(request: Request) -> Station:
            stations, load = backends.stations, backends.load
            drawn: list[int] = []
            for taken in range(min(wanted, len(stations))):
                # Floyd's way to draw without repetition.
                upper = len(stations) - min(wanted, len(stations)) + taken
                number = int(uniform() * (upper + 1))
                drawn.append(upper if number in drawn else number)
            found = [stations[number] for number in drawn]
            return min(found, key=lambda station: load(station) / backends.weight(station))

        return better_of_two if wanted == 2 and backends.equal else best_of_several


class PowerOfTwo(Choices):
    """The less loaded of two replicas drawn at random (Mitzenmacher 2001)."""

    key: ClassVar[str] = "power_of_two"

    @classmethod
    def from_value(cls, value: Any) -> Any:
        return value or {}
