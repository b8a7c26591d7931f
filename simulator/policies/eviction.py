"""Which item a full cache gives up: one small class per policy, all with the same face.

Own code rather than a library: see docs/decisions/0005-cache-policies.md.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from typing import Any, Literal, Protocol

from simulator.policies.adaptive_replacement import AdaptiveReplacement
from simulator.policies.random_replacement import RandomReplacement
from simulator.policies.tiny_lfu import WindowTinyLfu

EvictionName = Literal[
    "lru", "fifo", "lfu", "clock", "sieve", "s3fifo", "arc", "w_tinylfu", "random"
]


class Store(Protocol):
    """A bounded mapping from keys to whatever the cache keeps about them."""

    def get(self, key: Hashable) -> Any:
        """What is kept under the key, or None; counts as a use."""

    def put(self, key: Hashable, value: Any) -> None:
        """Keep a value, evicting another key if the store is full and this one is new."""

    def drop(self, key: Hashable) -> None:
        """Forget a key, if it is there."""

    def clear(self) -> None:
        """Forget everything."""

    def __len__(self) -> int: ...


class FirstInFirstOut:
    """Evicts the key that was inserted first."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._items: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, key: Hashable) -> Any:
        """What is kept under the key, or None."""
        return self._items.get(key)

    def put(self, key: Hashable, value: Any) -> None:
        """Keep a value; a new key may push the oldest out."""
        items = self._items
        if key not in items and len(items) >= self._capacity:
            self._evict()
        items[key] = value

    def drop(self, key: Hashable) -> None:
        """Forget a key, if it is there."""
        self._items.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._items.clear()

    def __len__(self) -> int:
        return len(self._items)

    def _evict(self) -> None:
        self._items.popitem(last=False)


class LeastRecentlyUsed(FirstInFirstOut):
    """Evicts the key that was not used for the longest time."""

    def get(self, key: Hashable) -> Any:
        """What is kept under the key, or None; moves it to the safe end."""
        value = self._items.get(key)
        if value is not None:
            self._items.move_to_end(key)
        return value

    def put(self, key: Hashable, value: Any) -> None:
        """Keep a value at the safe end."""
        super().put(key, value)
        self._items.move_to_end(key)


class LeastFrequentlyUsed:
    """Evicts the key with the fewest uses since it came, the longest unused among equals.

    Keys with the same number of uses share an ordered bucket, so every operation is O(1) (Shah,
    Mitra, Matani 2010).
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._items: dict[Hashable, Any] = {}
        self._uses: dict[Hashable, int] = {}
        self._buckets: dict[int, OrderedDict[Hashable, None]] = {}
        self._fewest = 1

    def get(self, key: Hashable) -> Any:
        """What is kept under the key, or None; counts as a use."""
        value = self._items.get(key)
        if value is not None:
            self._use(key)
        return value

    def put(self, key: Hashable, value: Any) -> None:
        """Keep a value; a new key starts with one use."""
        if key in self._items:
            self._items[key] = value
            return
        if len(self._items) >= self._capacity:
            while self._fewest not in self._buckets:
                self._fewest += 1
            victim = next(iter(self._buckets[self._fewest]))
            self.drop(victim)
        self._items[key] = value
        self._uses[key] = self._fewest = 1
        self._buckets.setdefault(1, OrderedDict())[key] = None

    def drop(self, key: Hashable) -> None:
        """Forget a key, if it is there."""
        if key in self._items:
            del self._items[key]
            self._leave(key, self._uses.pop(key))

    def clear(self) -> None:
        """Forget everything."""
        self._items.clear()
        self._uses.clear()
        self._buckets.clear()

    def __len__(self) -> int:
        return len(self._items)

    def _use(self, key: Hashable) -> None:
        uses = self._uses[key]
        self._leave(key, uses)
        self._uses[key] = uses + 1
        self._buckets.setdefault(uses + 1, OrderedDict())[key] = None

    def _leave(self, key: Hashable, uses: int) -> None:
        bucket = self._buckets[uses]
        del bucket[key]
        if not bucket:
            del self._buckets[uses]


class Clock(FirstInFirstOut):
    """First in, first out with a second chance: a used key goes back to the end, unmarked.

    Corbato 1968; also called FIFO with reinsertion.
    """

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)
        self._used: set[Hashable] = set()

    def get(self, key: Hashable) -> Any:
        """What is kept under the key, or None; marks it as used."""
        value = self._items.get(key)
        if value is not None:
            self._used.add(key)
        return value

    def drop(self, key: Hashable) -> None:
        """Forget a key, if it is there."""
        super().drop(key)
        self._used.discard(key)

    def clear(self) -> None:
        """Forget everything."""
        super().clear()
        self._used.clear()

    def _evict(self) -> None:
        items, used = self._items, self._used
        while True:
            key = next(iter(items))
            if key not in used:
                del items[key]
                return
            used.discard(key)
            items.move_to_end(key)


class Sieve:
    """A hand walks from the oldest key to the newest, spares used keys once, and stays in place.

    Unlike in CLOCK, survivors are not moved, so that new keys are sifted out quickly (Zhang et
    al., NSDI 2024). A doubly linked list of cells ``[older, newer, key, value, used]``.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._cells: dict[Hashable, list[Any]] = {}
        self._oldest: list[Any] | None = None
        self._newest: list[Any] | None = None
        self._hand: list[Any] | None = None

    def get(self, key: Hashable) -> Any:
        """What is kept under the key, or None; marks it as used."""
        cell = self._cells.get(key)
        if cell is None:
            return None
        cell[4] = True
        return cell[3]

    def put(self, key: Hashable, value: Any) -> None:
        """Keep a value; a new key comes in at the newest end."""
        cell = self._cells.get(key)
        if cell is not None:
            cell[3] = value
            return
        if len(self._cells) >= self._capacity:
            self._evict()
        cell = [self._newest, None, key, value, False]
        if self._newest is not None:
            self._newest[1] = cell
        else:
            self._oldest = cell
        self._newest = self._cells[key] = cell

    def drop(self, key: Hashable) -> None:
        """Forget a key, if it is there."""
        cell = self._cells.pop(key, None)
        if cell is None:
            return
        older, newer = cell[0], cell[1]
        if older is not None:
            older[1] = newer
        else:
            self._oldest = newer
        if newer is not None:
            newer[0] = older
        else:
            self._newest = older
        if self._hand is cell:
            self._hand = newer

    def __len__(self) -> int:
        return len(self._cells)

    def _evict(self) -> None:
        cell: Any = self._hand or self._oldest
        while cell[4]:
            cell[4] = False
            cell = cell[1] or self._oldest
        self._hand = cell[1]
        key = cell[2]
        if self._hand is None:
            self.drop(key)
        else:
            hand = self._hand
            self.drop(key)
            self._hand = hand


class S3Fifo:
    """Three queues: a small one on probation, a main one, and the names of those sent away.

    A tenth of the capacity is on probation; whoever was used more than once there moves to the
    main queue, others leave a ghost, and a ghost that comes back goes straight to the main
    queue, which is first in, first out with reinsertion and counts up to three uses (Yang et
    al., SOSP 2023; details as in libCacheSim).
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._probation = max(capacity // 10, 1)
        self._reach = max(capacity - self._probation, 1)
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._items: dict[Hashable, list[Any]] = {}
        self._small: deque[Hashable] = deque()
        self._main: deque[Hashable] = deque()
        self._ghosts: OrderedDict[Hashable, None] = OrderedDict()
        self._small_count = 0
        self._warm = False

    def get(self, key: Hashable) -> Any:
        """What is kept under the key, or None; counts up to three uses."""
        item = self._items.get(key)
        if item is None:
            return None
        if item[1] < 3:
            item[1] += 1
        return item[0]

    def put(self, key: Hashable, value: Any) -> None:
        """Keep a value; a new key goes on probation unless its ghost is remembered."""
        item = self._items.get(key)
        if item is not None:
            item[0] = value
            return
        known = key in self._ghosts
        if known:
            del self._ghosts[key]
        while len(self._items) >= self._capacity:
            self._evict()
        full = not self._warm and self._small_count >= self._probation
        to_main = known or full
        self._items[key] = [value, 0, to_main]
        if to_main:
            self._main.append(key)
        else:
            self._small.append(key)
            self._small_count += 1

    def drop(self, key: Hashable) -> None:
        """Forget a key, if it is there."""
        item = self._items.pop(key, None)
        if item is None:
            return
        if item[2]:
            self._main.remove(key)
        else:
            self._small.remove(key)
            self._small_count -= 1

    def __len__(self) -> int:
        return len(self._items)

    def _evict(self) -> None:
        self._warm = True
        if len(self._main) > self._reach or not self._small_count:
            self._evict_main()
            return
        small, items = self._small, self._items
        while small:
            key = small.popleft()
            self._small_count -= 1
            item = items[key]
            if item[1] > 1:
                item[1], item[2] = 0, True
                self._main.append(key)
                continue
            del items[key]
            self._ghosts[key] = None
            if len(self._ghosts) > self._reach:
                self._ghosts.popitem(last=False)
            return
        self._evict_main()

    def _evict_main(self) -> None:
        while self._main:
            key = self._main.popleft()
            item = self._items[key]
            if item[1] == 0:
                del self._items[key]
                return
            item[1] -= 1
            self._main.append(key)


_STORES: dict[str, Callable[[int], Store]] = {
    "lru": LeastRecentlyUsed,
    "fifo": FirstInFirstOut,
    "lfu": LeastFrequentlyUsed,
    "clock": Clock,
    "sieve": Sieve,
    "s3fifo": S3Fifo,
    "arc": AdaptiveReplacement,
    "w_tinylfu": WindowTinyLfu,
}


def store_of(
    name: EvictionName, capacity: int, uniform: Callable[[], float] | None = None
) -> Store:
    """An empty store with this policy; ``random`` needs draws between 0 and 1."""
    if name == "random":
        assert uniform is not None, "random eviction draws"
        return RandomReplacement(capacity, uniform)
    return _STORES[name](capacity)
