"""Engines on GPUs that come and go behind their router."""

from collections.abc import Callable
from functools import partial
from typing import Any

from simulator.kernel.site import Draw
from simulator.policies.engine_pool import EnginePool
from simulator.policies.fleet import Gone
from simulator.policies.spot import Spot


class EngineFleet:
    """Lets replicas of a pool serve and leave; the latest place is given up first.

    A replica that leaves gets no new requests and is gone when it has none. Where the provider
    takes it and the notice ends before that, its requests go to the others, which compute their
    prompts and tokens again.
    """

    def __init__(
        self, pool: EnginePool, new_engine: Callable[[], Any], spot: Spot | None, uniform: Draw
    ) -> None:
        self.pool = pool
        self.new_engine = new_engine
        self.uniform = uniform
        self.notice_s = None if spot is None else spot.notice

    def grow(self, over_s: float) -> None:
        """One more replica serves, with the model loaded and an empty cache."""
        pool = self.pool
        vacant = pool.vacant
        pool.open([vacant[0] if vacant else pool.add(self.new_engine())])

    def shrink(self, count: int, gone: Gone) -> None:
        """The last replicas take no more requests."""
        leaving = self.pool.serving[-count:]
        for index in leaving:
            self.pool.close(index, gone)
        # Replicas that a fault has taken have nothing to finish.
        for _ in range(count - len(leaving)):
            gone()

    def take_back(self, count: int, gone: Gone) -> None:
        """The provider takes any replicas."""
        pool = self.pool
        for _ in range(count):
            serving = pool.serving
            if not serving:
                gone()
                continue
            index = serving[int(self.uniform() * len(serving))]
            pool.close(index, gone)
            if self.notice_s is not None:
                due = pool.clock.now + self.notice_s
                pool.clock.call_at(due, partial(pool.end_notice, index, gone))

    def load(self) -> float:
        """Requests waiting and running."""
        meters = self.pool.meters()
        return meters["queue"]() + meters["busy"]()

    def load_area(self) -> float:
        """Integral of the requests inside."""
        return self.pool.area(0) + self.pool.area(1)

    def busy_area(self) -> float:
        """Integral of the requests that run."""
        return self.pool.area(0)

    def servers_area(self) -> float:
        """Integral of the room for them."""
        return self.pool.area(2)
