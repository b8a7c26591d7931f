"""Feeds the same keys to the eviction policies and to libcachesim.

    pip install libcachesim
    python benchmarks/cache_policies.py [--policy lfu] [--seeds 42 1] [--zipf 0.8] [--items 1000]

A million look-ups of unit-sized items, Zipf over 10,000 keys, the first 200,000 not counted: the
settings of V30 in docs/validation.md. Prints the hit ratio of both for every
policy and seed, so that what differs between seeds can be told from what differs between programs.
"""

from __future__ import annotations

import argparse
from typing import Any, get_args

import numpy as np

from simulator.policies.eviction import EvictionName, store_of

KEYS, REQUESTS, UNCOUNTED = 10_000, 1_000_000, 200_000

THEIR_NAMES = {
    "lru": "LRU", "fifo": "FIFO", "lfu": "LFU", "clock": "Clock", "sieve": "Sieve",
    "s3fifo": "S3FIFO", "arc": "ARC", "w_tinylfu": "WTinyLFU",
}  # fmt: skip


def keys(seed: int, exponent: float) -> list[int]:
    """Return the keys of all look-ups, the most popular being 0."""
    weights = np.arange(1, KEYS + 1) ** -exponent
    draws = np.random.default_rng(seed).choice(KEYS, size=REQUESTS, p=weights / weights.sum())
    return [int(key) for key in draws]


def ours(policy: EvictionName, capacity: int, looked_up: list[int]) -> float:
    """Return the hit ratio of this package's policy."""
    store, hits = store_of(policy, capacity), 0
    for number, key in enumerate(looked_up):
        if store.get(key) is None:
            store.put(key, True)
        elif number >= UNCOUNTED:
            hits += 1
    return hits / (REQUESTS - UNCOUNTED)


def theirs(library: Any, policy: EvictionName, capacity: int, looked_up: list[int]) -> float:
    """Return the hit ratio of libcachesim."""
    cache, hits = getattr(library, THEIR_NAMES[policy])(cache_size=capacity), 0
    request = library.Request()
    request.obj_size = 1
    for number, key in enumerate(looked_up):
        request.obj_id = key
        if cache.get(request) and number >= UNCOUNTED:
            hits += 1
    return hits / (REQUESTS - UNCOUNTED)


def main() -> None:
    """Print a row for each policy and seed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    named = [name for name in get_args(EvictionName) if name in THEIR_NAMES]
    parser.add_argument("--policy", nargs="+", choices=named, default=named)
    parser.add_argument("--seeds", nargs="+", type=int, default=[42, 1])
    parser.add_argument("--zipf", type=float, default=0.8)
    parser.add_argument("--items", type=int, default=1000)
    options = parser.parse_args()
    try:
        import libcachesim
    except ImportError:
        raise SystemExit("libcachesim is not installed: pip install libcachesim") from None
    print(f"{'policy':10} {'seed':>5} {'here':>9} {'libcachesim':>12}")
    for seed in options.seeds:
        looked_up = keys(seed, options.zipf)
        for policy in options.policy:
            here = ours(policy, options.items, looked_up)
            there = theirs(libcachesim, policy, options.items, looked_up)
            print(f"{policy:10} {seed:5d} {here:9.5f} {there:12.5f}")


if __name__ == "__main__":
    main()
