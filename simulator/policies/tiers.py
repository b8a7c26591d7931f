"""Which replicas a balancer may choose from: a subset of them, by levels of priority."""

from collections.abc import Callable, Sequence

from numpy.random import Generator

from simulator.kernel.request import Request
from simulator.kernel.site import Draw
from simulator.kernel.station import Station
from simulator.policies.balancing import Backends, Balancing, Pick

OVERPROVISIONING = 1.4
"""A level is fully healthy while 1/1.4 = 71 % of its replicas are good (Envoy)."""

Levels = list[list[Station]]


class Tiers:
    """The levels of one balancer; traffic goes to the first and spills over as that gets ill.

    The health of a level is 1.4 times the share of good replicas, at most 1. The first level gets
    its health, the next one what is left up to its own, and so on; if all together are less than
    1, in proportion. Only then may a level fall back on replicas that are not good: when less
    than the panic threshold of it is. Source: Envoy, "Priority levels" and "Panic threshold".
    """

    def __init__(
        self,
        levels: Levels,
        policy: Balancing,
        view: Callable[[list[Station]], Backends],
        uniform: Draw,
        panic: float,
    ) -> None:
        self.levels = levels
        self.uniform = uniform
        self.panic = panic
        self.views = [view(list(level)) for level in levels]
        self.picks: list[Pick] = [policy.picker(backends) for backends in self.views]
        self.bounds: list[float] = []
        self.refresh({station for level in levels for station in level})

    def refresh(self, good: set[Station]) -> None:
        """Share the traffic out anew, now that these replicas are good."""
        shares = [sum(one in good for one in level) / len(level) for level in self.levels]
        health = [min(1.0, OVERPROVISIONING * share) for share in shares]
        whole = min(1.0, sum(health))
        passed, self.bounds = 0.0, []
        for level_health in health:
            # With no good replica at all, the first level takes everything, in panic.
            part = level_health / whole if whole > 0.0 else 1.0
            passed = min(1.0, passed + part)
            self.bounds.append(passed)
        self.bounds[-1] = 1.0
        for level, share, view in zip(self.levels, shares, self.views, strict=True):
            panics = whole < 1.0 and share < self.panic
            usable = [one for one in level if one in good]
            view.stations[:] = level if panics or not usable else usable
            view.version += 1

    def __call__(self, request: Request) -> Station:
        point = self.uniform() if len(self.bounds) > 1 else 0.0
        at = next((at for at, bound in enumerate(self.bounds) if point < bound), -1)
        return self.picks[at](request)


def by_priority(stations: Sequence[Station], priorities: Sequence[int] | None) -> Levels:
    """The replicas in levels, the smallest number first; one level without priorities."""
    if priorities is None:
        return [list(stations)]
    return [
        [one for one, priority in zip(stations, priorities, strict=True) if priority == level]
        for level in sorted(set(priorities))
    ]


def subset_of(
    number: int, size: int, balancer: int, shuffles: Callable[[int], Generator]
) -> set[int]:
    """The replicas that one of several balancers talks to.

    Every ``number // size`` balancers share the replicas out among them in an order of their own,
    so that each replica is in about as many subsets as any. Source: Site Reliability Engineering,
    chapter 20, "Deterministic subsetting".
    """
    count = max(number // size, 1)
    order = shuffles(balancer // count).permutation(number)
    first = balancer % count * size
    return {int(one) for one in order[first : first + size]}
