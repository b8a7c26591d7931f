"""Adaptive replacement: a cache that balances recency and frequency by itself."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any


class AdaptiveReplacement:
    """ARC: keys seen once and keys seen again, and the names of those sent away from either.

    A miss on a name sent away from one list moves the aim for the length of the first list in
    its favour. Source: Megiddo and Modha, "ARC: a self-tuning, low overhead replacement cache"
    (FAST 2003), figure 4.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._once: OrderedDict[Hashable, Any] = OrderedDict()
        self._again: OrderedDict[Hashable, Any] = OrderedDict()
        self._once_gone: OrderedDict[Hashable, None] = OrderedDict()
        self._again_gone: OrderedDict[Hashable, None] = OrderedDict()
        self._aim = 0.0

    def get(self, key: Hashable) -> Any:
        """What is kept under the key, or None; a use makes it a key seen again."""
        value = self._again.get(key)
        if value is not None:
            self._again.move_to_end(key)
            return value
        value = self._once.pop(key, None)
        if value is not None:
            self._again[key] = value
        return value

    def put(self, key: Hashable, value: Any) -> None:
        """Keep a value; a new key is seen once, unless its name is remembered."""
        for known in (self._once, self._again):
            if key in known:
                known[key] = value
                return
        once_gone, again_gone = self._once_gone, self._again_gone
        if key in once_gone:
            step = max(len(again_gone) / len(once_gone), 1.0)
            self._aim = min(self._aim + step, self._capacity)
            self._replace(False)
            del once_gone[key]
            self._again[key] = value
        elif key in again_gone:
            step = max(len(once_gone) / len(again_gone), 1.0)
            self._aim = max(self._aim - step, 0.0)
            self._replace(True)
            del again_gone[key]
            self._again[key] = value
        else:
            self._make_room()
            self._once[key] = value

    def drop(self, key: Hashable) -> None:
        """Forget a key, if it is there."""
        self._once.pop(key, None)
        self._again.pop(key, None)

    def __len__(self) -> int:
        return len(self._once) + len(self._again)

    def _make_room(self) -> None:
        capacity, seen_once = self._capacity, len(self._once) + len(self._once_gone)
        total = seen_once + len(self._again) + len(self._again_gone)
        if seen_once >= capacity:
            if not self._once_gone:
                self._once.popitem(last=False)
                return
            self._once_gone.popitem(last=False)
        elif total >= 2 * capacity:
            self._again_gone.popitem(last=False)
        self._replace(False)

    def _replace(self, again_gone: bool) -> None:
        """Send a key away if the cache is full, and remember its name."""
        if len(self) < self._capacity:
            return
        once = len(self._once)
        if once and (once > self._aim or (again_gone and once == self._aim) or not self._again):
            key, _ = self._once.popitem(last=False)
            self._once_gone[key] = None
        else:
            key, _ = self._again.popitem(last=False)
            self._again_gone[key] = None
