"""Cache policies against small models of their own, and against libcachesim where it is there."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.policies.eviction import EvictionName, Store, store_of
from simulator.theory.che import fifo_hit_ratio, zipf_popularity

POLICIES: tuple[EvictionName, ...] = (
    "lru", "fifo", "lfu", "clock", "sieve", "s3fifo", "arc", "w_tinylfu", "random"
)  # fmt: skip


def empty(policy: EvictionName, capacity: int) -> Store:
    return store_of(policy, capacity, np.random.default_rng(3).random)


def hits(policy: EvictionName, capacity: int, keys: list[int]) -> int:
    store, found = empty(policy, capacity), 0
    for key in keys:
        if store.get(key) is None:
            store.put(key, True)
        else:
            found += 1
    return found


@pytest.mark.parametrize("policy", POLICIES)
@given(
    keys=st.lists(st.integers(0, 30), max_size=300),
    capacity=st.integers(1, 20),
    dropped=st.sets(st.integers(0, 300), max_size=20),
)
def test_a_store_never_holds_more_than_its_capacity(
    policy: EvictionName, keys: list[int], capacity: int, dropped: set[int]
) -> None:
    store = empty(policy, capacity)
    for number, key in enumerate(keys):
        if number in dropped:
            store.drop(key)
            assert store.get(key) is None
        if store.get(key) is None:
            store.put(key, key + 1)
        assert store.get(key) == key + 1, "what was just written is there"
        assert len(store) <= capacity
    store.clear()
    assert len(store) == 0


@given(keys=st.lists(st.integers(0, 12), max_size=200), capacity=st.integers(1, 8))
def test_lru_and_fifo_agree_with_lists(keys: list[int], capacity: int) -> None:
    recent: list[int] = []
    oldest: list[int] = []
    recent_hits = oldest_hits = 0
    for key in keys:
        if key in recent:
            recent_hits += 1
            recent.remove(key)
        recent = [*recent, key][-capacity:]
        if key in oldest:
            oldest_hits += 1
        else:
            oldest = [*oldest, key][-capacity:]
    assert hits("lru", capacity, keys) == recent_hits
    assert hits("fifo", capacity, keys) == oldest_hits


@given(keys=st.lists(st.integers(0, 12), max_size=200), capacity=st.integers(1, 8))
def test_lfu_evicts_a_key_with_the_fewest_uses(keys: list[int], capacity: int) -> None:
    store, uses = store_of("lfu", capacity), Counter[int]()
    for key in keys:
        if store.get(key) is not None:
            uses[key] += 1
            continue
        before = set(uses)
        store.put(key, True)
        # Looking inside would count as a use, so the length says who is gone.
        evicted = {one for one in before if one not in store._items}  # type: ignore[attr-defined]
        for one in evicted:
            assert uses[one] == min(uses[other] for other in before)
            del uses[one]
        uses[key] = 1


@pytest.mark.parametrize("policy", [policy for policy in POLICIES if policy != "random"])
def test_policies_agree_with_libcachesim(policy: EvictionName) -> None:
    library = pytest.importorskip("libcachesim")
    oracles = {"lru": "LRU", "fifo": "FIFO", "lfu": "LFU", "clock": "Clock", "sieve": "Sieve",
               "s3fifo": "S3FIFO", "arc": "ARC", "w_tinylfu": "WTinyLFU"}  # fmt: skip
    weights = np.arange(1, 5001) ** -1.0
    rng = np.random.default_rng(7)
    keys = rng.choice(5000, size=60_000, p=weights / weights.sum()).tolist()
    capacity = 300
    cache = getattr(library, oracles[policy])(cache_size=capacity)
    expected = 0
    for key in keys:
        request = library.Request()
        request.obj_id = key
        request.obj_size = 1
        expected += bool(cache.get(request))
    found = hits(policy, capacity, keys)
    # The policies are deterministic. LRU and FIFO leave nothing open; the others differ between
    # implementations in how ties are broken, which the guide of the library itself allows.
    # W-TinyLFU counts uses exactly here and by a sketch there, which costs it some hits.
    allowed = 0 if policy in ("lru", "fifo", "lfu", "arc") else 0.002 * len(keys)
    if policy == "w_tinylfu":
        assert found >= expected
        allowed = 0.01 * len(keys)
    assert abs(found - expected) <= allowed, f"{found} hits, libcachesim has {expected}"


def test_random_eviction_has_the_hit_ratio_of_first_in_first_out() -> None:
    weights = np.arange(1.0, 5001.0) ** -1.0
    weights /= weights.sum()
    keys = np.random.default_rng(7).choice(5000, size=60_000, p=weights).tolist()
    # 40 000 look-ups of a warm cache, nearly independent: a standard error of 0.0025.
    warm = hits("random", 300, keys) - hits("random", 300, keys[:20_000])
    assert warm / 40_000 == pytest.approx(
        fifo_hit_ratio(zipf_popularity(5000, 1.0), 300), abs=0.012
    )
