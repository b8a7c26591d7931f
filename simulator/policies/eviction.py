"""Which item a full cache gives up."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Literal, Protocol

EvictionName = Literal["lru", "fifo"]


class Store(Protocol):
    """A bounded set of keys with the time each was written."""

    def get(self, key: Hashable) -> float | None:
        """When the key was written, or None; counts as a use."""

    def put(self, key: Hashable, now: float) -> None:
        """Write the key, evicting another one if the store is full."""

    def clear(self) -> None:
        """Drop everything."""

    def __len__(self) -> int: ...


class LeastRecentlyUsed:
    """Evicts the key that was not used for the longest time."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._written: OrderedDict[Hashable, float] = OrderedDict()

    def get(self, key: Hashable) -> float | None:
        """When the key was written, or None; counts as a use."""
        written = self._written.get(key)
        if written is not None:
            self._written.move_to_end(key)
        return written

    def put(self, key: Hashable, now: float) -> None:
        """Write the key, evicting another one if the store is full."""
        items = self._written
        if key in items:
            items.move_to_end(key)
        elif len(items) >= self._capacity:
            items.popitem(last=False)
        items[key] = now

    def clear(self) -> None:
        """Drop everything."""
        self._written.clear()

    def __len__(self) -> int:
        return len(self._written)


class FirstInFirstOut(LeastRecentlyUsed):
    """Evicts the key that was inserted first."""

    def get(self, key: Hashable) -> float | None:
        """When the key was written, or None."""
        return self._written.get(key)

    def put(self, key: Hashable, now: float) -> None:
        """Write the key, evicting another one if the store is full."""
        items = self._written
        if key not in items and len(items) >= self._capacity:
            items.popitem(last=False)
        items[key] = now


def store_of(policy: EvictionName, capacity: int) -> Store:
    """An empty store with this policy."""
    return FirstInFirstOut(capacity) if policy == "fifo" else LeastRecentlyUsed(capacity)
