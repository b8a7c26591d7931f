"""Caches that share nothing, and leases on fetches under way."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from simulator.engine.replicate import Experiment, run_replication
from simulator.recording.recording import Recording
from simulator.topology.model import Topology
from simulator.workload.arrival_process import Arrivals


def run(
    cache: dict[str, Any],
    *,
    rate: float = 100.0,
    horizon_s: float = 200.0,
    fetch: str = "10ms",
    keys: Any = 1,
    arrivals: str = "steady",
) -> Recording:
    """Look-ups of a keyed cache in front of an origin."""
    fields = {"lookup": "0s", "key": "item", "on_miss": [{"call": "origin"}], **cache}
    design = Topology.model_validate(
        {
            "name": "design",
            "rate": f"{rate} rps",
            "requests": {"look": {"entry": "cache", "attributes": {"item": keys}}},
            "components": {
                "cache": {"kind": "cache", **fields},
                "origin": {"kind": "delay", "latency": fetch},
            },
        }
    )
    process = Arrivals.pick({"kind": arrivals})
    return run_replication(Experiment(design, process, horizon_s, seed=9), 0)


def last(recording: Recording, meter: str) -> float:
    return float(recording.meters["cache"][meter][-1])


@pytest.mark.parametrize("nodes", [1, 10])
def test_each_node_learns_for_itself(nodes: int) -> None:
    # One key, 100 look-ups/s, forgotten after 5 s: every node misses at a rate of
    # r / (1 + r T) for the r = 100/n that it sees (fetches take no time to speak of).
    recording = run({"ttl": "5s", "nodes": nodes}, fetch="0s", horizon_s=2000.0)
    seen = 100.0 / nodes
    expected = nodes * seen / (1.0 + seen * 5.0) * 2000.0
    # A renewal process with little variation: a hundredth is many standard errors.
    assert last(recording, "misses_total") == pytest.approx(expected, rel=0.02)
    assert last(recording, "keys") == nodes


def test_capacity_is_that_of_one_node() -> None:
    recording = run({"capacity": 5, "nodes": 3}, keys={"zipf": {"items": 100, "exponent": 0.5}})
    assert last(recording, "keys") == 15


@pytest.mark.parametrize(("coalesce", "fetches"), [("none", 50), ("cache", 5), ("global", 1)])
def test_who_waits_for_whose_fetch(coalesce: str, fetches: int) -> None:
    # Fifty look-ups of one key within half a second, the fetch takes a second.
    recording = run(
        {"nodes": 5, "coalesce": coalesce},
        rate=100.0,
        horizon_s=0.505,
        fetch="1s",
        arrivals="constant",
    )
    assert recording.finals["cache"]["fetches_total"] == fetches


def test_a_lease_bounds_the_wait_for_a_fetch() -> None:
    # Look-ups at 1, 2, ... s, each fetch takes 10 s, a lease holds 3 s: those of 1, 2, 3 and 4 s
    # begin fetches at 1, 4, 7 and 10 s and wait for their own. The others have the answer of the
    # first one at 11 s.
    recording = run(
        {"coalesce": "cache", "lease": "3s"},
        rate=1.0,
        horizon_s=15.5,
        fetch="10s",
        arrivals="constant",
    )
    assert recording.finals["cache"]["fetches_total"] == 4
    order = np.argsort(recording.requests["index"])
    latency = recording.requests["latency"][order].tolist()
    assert latency[:10] == pytest.approx([10, 12, 14, 16, 6, 5, 4, 3, 2, 1])
    assert latency[11:] == [0.0] * 4
    assert Counter(recording.requests["outcome"].tolist()) == {0: 15}


def test_a_fetch_within_its_lease_is_the_only_one() -> None:
    with_lease = run({"coalesce": "cache", "ttl": "1s", "lease": "3s"}, fetch="200ms")
    without = run({"coalesce": "cache", "ttl": "1s"}, fetch="200ms")
    assert np.array_equal(with_lease.requests["latency"], without.requests["latency"])


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"lease": "1s"}, "nobody waits"),
        ({"nodes": 2, "key": None, "hit_ratio": "50%"}, "needs a `key`"),
    ],
)
def test_contradictions_are_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        run(fields)
