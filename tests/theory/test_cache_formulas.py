"""Che's approximation and keys that expire, against published numbers."""

import math

import pytest

from simulator.theory.che import (
    fifo_hit_ratio,
    ideal_hit_ratio,
    lru_hit_ratio,
    ttl_hit_ratio,
    ttl_origin_rate,
    zipf_popularity,
)
from tests.theory.printed import rounded


@pytest.mark.parametrize(
    ("exponent", "capacity", "ideal", "lru", "fifo"),
    [
        (0.8, 100, 0.3000, 0.1566, 0.1336),
        (0.8, 1000, 0.5706, 0.4367, 0.3942),
        (1.0, 100, 0.5300, 0.3905, 0.3423),
        (1.0, 1000, 0.7648, 0.6756, 0.6309),
        (1.2, 100, 0.7508, 0.6563, 0.6033),
    ],
)
def test_che(exponent: float, capacity: int, ideal: float, lru: float, fifo: float) -> None:
    popularity = zipf_popularity(10_000, exponent)
    assert ideal_hit_ratio(popularity, capacity) == rounded(ideal, 4)
    assert lru_hit_ratio(popularity, capacity) == rounded(lru, 4)
    assert fifo_hit_ratio(popularity, capacity) == rounded(fifo, 4)


def test_che_at_the_ends() -> None:
    popularity = zipf_popularity(100, 1.0)
    assert lru_hit_ratio(popularity, 0) == 0.0
    assert lru_hit_ratio(popularity, 100) == 1.0


def test_expiring_key() -> None:
    assert ttl_hit_ratio(100.0, 10.0) == rounded(0.9990, 4)
    assert ttl_hit_ratio(0.1, 10.0, expire_after_access=True) == pytest.approx(1 - math.exp(-1))
    assert ttl_origin_rate(100.0, 10.0, 0.2, coalesced=False) == rounded(2.057, 3)
    assert ttl_origin_rate(100.0, 10.0, 0.2, coalesced=True) == rounded(0.09794, 5)
