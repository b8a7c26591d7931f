"""Which data-parallel replica a request goes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from simulator.serving.errors import ServingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.serving.generation import Generation

__all__ = ["ROUTERS", "LeastLoaded", "PrefixAffine", "Replica", "RoundRobin", "Router", "router"]


class Replica(Protocol):
    """What a router looks at."""

    @property
    def load(self) -> int:
        """Requests waiting or running."""
        ...


class Router(Protocol):
    """Chooses the index of a replica for each request."""

    def choose(self, request: Generation, replicas: Sequence[Replica]) -> int:
        """Return the index of the replica that gets `request`."""
        ...


class RoundRobin:
    """Each replica in turn."""

    def __init__(self) -> None:
        self._next = 0

    def choose(self, request: Generation, replicas: Sequence[Replica]) -> int:
        """Return the next index."""
        index = self._next % len(replicas)
        self._next = index + 1
        return index


class LeastLoaded:
    """The replica with the fewest requests, the first of equals."""

    def choose(self, request: Generation, replicas: Sequence[Replica]) -> int:
        """Return the index of the shortest."""
        best = 0
        least = replicas[0].load
        for index in range(1, len(replicas)):
            load = replicas[index].load
            if load < least:
                best, least = index, load
        return best


class PrefixAffine:
    """The replica that saw the longest beginning of the prompt, unless it is far busier.

    Each replica is remembered for the prefixes it was given (an upper bound of what it still
    caches, as in vLLM's production stack and SGLang's router). When its load exceeds the least
    load by more than `slack` and by the factor `imbalance`, the least loaded replica is taken.
    """

    def __init__(self, slack: int = 8, imbalance: float = 1.5) -> None:
        self._seen: dict[int, int] = {}
        self._slack = slack
        self._imbalance = imbalance
        self._least = LeastLoaded()

    def choose(self, request: Generation, replicas: Sequence[Replica]) -> int:
        """Return the index of the replica and remember the prefix there."""
        least = self._least.choose(request, replicas)
        chosen = least
        key = 0
        keys = []
        for part, _ in request.prefix:
            key = hash((key, part))
            keys.append(key)
        for key in reversed(keys):
            index = self._seen.get(key)
            if index is not None and index < len(replicas):
                load, shortest = replicas[index].load, replicas[least].load
                if load <= shortest + self._slack or load <= shortest * self._imbalance:
                    chosen = index
                break
        for key in keys:
            self._seen[key] = chosen
        return chosen


ROUTERS: dict[str, type[Router]] = {
    "round_robin": RoundRobin,
    "least_loaded": LeastLoaded,
    "prefix_affine": PrefixAffine,
}


def router(name: str) -> Router:
    """Return a new router by its name."""
    if name not in ROUTERS:
        raise ServingError(f"unknown router {name!r}; there are {', '.join(ROUTERS)}")
    return ROUTERS[name]()
