"""A cache that gives up any key."""

from collections.abc import Callable, Hashable
from typing import Any


class RandomReplacement:
    """Evicts a key drawn at random; its hit ratio is that of first in, first out (Gelenbe 1973)."""

    def __init__(self, capacity: int, uniform: Callable[[], float]) -> None:
        self._capacity = capacity
        self._uniform = uniform
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._items: dict[Hashable, Any] = {}
        self._order: list[Hashable] = []
        self._places: dict[Hashable, int] = {}

    def get(self, key: Hashable) -> Any:
        """What is kept under the key, or None."""
        return self._items.get(key)

    def put(self, key: Hashable, value: Any) -> None:
        """Keep a value; a new key may push any other out."""
        if key not in self._items:
            if len(self._order) >= self._capacity:
                self.drop(self._order[int(self._uniform() * len(self._order))])
            self._places[key] = len(self._order)
            self._order.append(key)
        self._items[key] = value

    def drop(self, key: Hashable) -> None:
        """Forget a key, if it is there; the last one takes its place in the order."""
        place = self._places.pop(key, None)
        if place is None:
            return
        del self._items[key]
        moved = self._order.pop()
        if moved != key:
            self._order[place] = moved
            self._places[moved] = place

    def __len__(self) -> int:
        return len(self._items)
