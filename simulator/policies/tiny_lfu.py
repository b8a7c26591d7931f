"""Admission by frequency: a new key has to be asked for more often than the one it replaces."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

SAMPLE = 10
"""Uses after which counts are halved, as a multiple of the capacity."""
COUNT_MAX = 15


class WindowTinyLfu:
    """W-TinyLFU: a small window for new keys before a main part that only admits frequent ones.

    The window is LRU over 1 % of the capacity, the main part LRU in two segments, 20 % on
    probation and the rest for keys used there. Counts go up to 15 and are halved every ten times
    the capacity; they are exact here, where Caffeine estimates them by a sketch. Source: Einziger,
    Friedman and Manes, "TinyLFU: a highly efficient cache admission policy" (ACM ToS 2017).
    """

    def __init__(self, capacity: int) -> None:
        self._window_most = max(capacity // 100, 1)
        self._main_most = capacity - self._window_most
        self._protected_most = self._main_most * 4 // 5
        self._sample = SAMPLE * capacity
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._window: OrderedDict[Hashable, Any] = OrderedDict()
        self._probation: OrderedDict[Hashable, Any] = OrderedDict()
        self._protected: OrderedDict[Hashable, Any] = OrderedDict()
        self._counts: dict[Hashable, int] = {}
        self._uses = 0

    def get(self, key: Hashable) -> Any:
        """What is kept under the key, or None; counts as a use either way."""
        self._count(key)
        for segment in (self._protected, self._window):
            value = segment.get(key)
            if value is not None:
                segment.move_to_end(key)
                return value
        value = self._probation.pop(key, None)
        if value is not None:
            self._protected[key] = value
            if len(self._protected) > self._protected_most:
                demoted, kept = self._protected.popitem(last=False)
                self._probation[demoted] = kept
        return value

    def put(self, key: Hashable, value: Any) -> None:
        """Keep a value; a new key enters the window and pushes its oldest one on."""
        for segment in (self._protected, self._probation, self._window):
            if key in segment:
                segment[key] = value
                return
        self._window[key] = value
        if len(self._window) > self._window_most:
            candidate, kept = self._window.popitem(last=False)
            if self._admits(candidate):
                self._probation[candidate] = kept

    def drop(self, key: Hashable) -> None:
        """Forget a key, if it is there."""
        for segment in (self._protected, self._probation, self._window):
            segment.pop(key, None)

    def __len__(self) -> int:
        return len(self._window) + len(self._probation) + len(self._protected)

    def _admits(self, candidate: Hashable) -> bool:
        """Whether the candidate gets into the main part; makes room for it."""
        if len(self._probation) + len(self._protected) < self._main_most:
            return True
        segment = self._probation or self._protected
        if not segment:
            return False
        victim = next(iter(segment))
        counts = self._counts
        if counts.get(candidate, 0) <= counts.get(victim, 0):
            return False
        del segment[victim]
        return True

    def _count(self, key: Hashable) -> None:
        counts = self._counts
        counts[key] = min(counts.get(key, 0) + 1, COUNT_MAX)
        self._uses += 1
        if self._uses >= self._sample:
            self._uses //= 2
            self._counts = {one: count // 2 for one, count in counts.items() if count > 1}
