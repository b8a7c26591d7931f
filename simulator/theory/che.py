"""Hit ratios of caches from the popularity of their keys.

Model: independent references, each to key i with probability ``popularity[i]`` (the independent
reference model). Sources: H. Che, Y. Tung and Z. Wang, IEEE JSAC 20 (2002); C. Fricker, P. Robert
and J. Roberts, ITC 24 (2012) for why it is so accurate, and for FIFO and RANDOM.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def zipf_popularity(items: int, exponent: float) -> Floats:
    """Probabilities of ``items`` keys, the k-th proportional to k^-exponent."""
    weights = np.arange(1, items + 1, dtype=float) ** -exponent
    return np.asarray(weights / weights.sum(), dtype=float)


def ideal_hit_ratio(popularity: Floats, capacity: int) -> float:
    """Hit ratio of a cache that always holds the most popular keys: no policy beats it here."""
    return float(np.sort(popularity)[::-1][:capacity].sum())


def lru_hit_ratio(popularity: Floats, capacity: int) -> float:
    """Che's approximation for a cache of ``capacity`` keys that evicts the least recently used."""
    return _hit_ratio(popularity, capacity, lambda scaled: -np.expm1(-scaled))


def fifo_hit_ratio(popularity: Floats, capacity: int) -> float:
    """Che's approximation for a cache that evicts the oldest, or a random, key."""
    return _hit_ratio(popularity, capacity, lambda scaled: scaled / (1.0 + scaled))


def ttl_hit_ratio(rate: float, ttl_s: float, *, expire_after_access: bool = False) -> float:
    """Hit ratio of one key asked for ``rate`` times a second (Poisson), kept for ``ttl_s``.

    The time counts from the insertion, or from the last access. Filling takes no time.
    """
    expected = rate * ttl_s
    return -math.expm1(-expected) if expire_after_access else expected / (1.0 + expected)


def ttl_origin_rate(rate: float, ttl_s: float, fetch_s: float, *, coalesced: bool) -> float:
    """Fetches per second from the origin of one expiring key, each taking ``fetch_s``.

    One cycle is the life of the entry, the wait for the next request and its fetch. Without
    coalescing every request during the fetch goes to the origin too (a cache stampede).
    """
    cycle_s = ttl_s + 1.0 / rate + fetch_s
    fetches = 1.0 if coalesced else 1.0 + rate * fetch_s
    return fetches / cycle_s


def _hit_ratio(popularity: Floats, capacity: int, inside: Callable[[Floats], Floats]) -> float:
    """Mean presence of a key, at the characteristic time that fills the cache exactly."""
    if capacity <= 0:
        return 0.0
    if capacity >= np.count_nonzero(popularity):
        return 1.0
    low, high = 0.0, float(capacity)
    while inside(popularity * high).sum() < capacity:
        low, high = high, 2.0 * high
    for _ in range(200):
        middle = 0.5 * (low + high)
        if inside(popularity * middle).sum() < capacity:
            low = middle
        else:
            high = middle
    return float(popularity @ inside(popularity * high))
