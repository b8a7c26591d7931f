"""How replicas are chosen: weights, and what moves when a replica leaves."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from simulator.engine.replicate import Experiment, run_replication
from simulator.kernel.clock import Clock
from simulator.kernel.request import Request
from simulator.kernel.station import Station
from simulator.policies.balancing import Backends, Balancing
from simulator.policies.tiers import Tiers, by_priority, subset_of
from simulator.recording.recording import Recording
from simulator.topology.model import Topology
from simulator.workload.arrivals.constant import Constant


def backends(number: int, weights: tuple[float, ...] = ()) -> Backends:
    clock = Clock()
    found = Backends([Station(clock, 1) for _ in range(number)], np.random.default_rng(1).random)
    found.weights = dict(zip(found.stations, weights, strict=False))
    return found


def request(**attributes: Any) -> Request:
    return Request(Clock(), 0, 0, attributes)


def choices(policy: Any, of: Backends, keys: range) -> list[int]:
    pick = Balancing.pick(policy).picker(of)
    return [of.numbers[pick(request(user=key))] for key in keys]


def test_weighted_round_robin_takes_its_turns_in_proportion() -> None:
    # Earliest virtual deadline first with weights 3, 2, 1: deadlines 1/3, 2/3, 1; 1/2, 1; 1.
    # In every six turns each has its share, and the heaviest is never served three times in a row.
    turns = choices("round_robin", backends(3, (3.0, 2.0, 1.0)), range(600))
    assert turns[:2] == [0, 1]
    for first in range(0, 600, 6):
        assert Counter(turns[first : first + 6]) == {0: 3, 1: 2, 2: 1}
    runs = "".join(map(str, turns))
    assert "000" not in runs and "11" not in runs


@pytest.mark.parametrize("policy", ["random", {"choices": 1}])
def test_chance_keeps_to_the_weights_or_ignores_them(policy: Any) -> None:
    counts = Counter(choices(policy, backends(2, (3.0, 1.0)), range(20_000)))
    expected = 0.75 if policy == "random" else 0.5
    # Five standard deviations of a share among 20 000.
    assert counts[0] / 20_000 == pytest.approx(expected, abs=0.018)


def test_maglev_is_even_to_within_one_place() -> None:
    pick: Any = Balancing.pick({"maglev": {"key": "user", "table_size": 65537}}).picker(
        backends(10)
    )
    pick(request(user=1))
    owned = Counter(pick.backends.numbers[owner] for owner in pick.owners)
    assert sum(owned.values()) == 65537
    assert max(owned.values()) - min(owned.values()) <= 1


def test_maglev_heeds_weights() -> None:
    pick: Any = Balancing.pick({"maglev": {"key": "user", "table_size": 4099}}).picker(
        backends(3, (2.0, 1.0, 1.0))
    )
    pick(request(user=1))
    owned = Counter(pick.backends.numbers[owner] for owner in pick.owners)
    assert [owned[number] / 4099 for number in range(3)] == pytest.approx(
        [0.5, 0.25, 0.25], abs=0.001
    )


@pytest.mark.parametrize(
    ("policy", "most"), [({"ring_hash": {"key": "user"}}, 0.0), ({"maglev": {"key": "user"}}, 0.1)]
)
def test_a_replica_that_leaves_moves_its_own_keys_and_few_others(policy: Any, most: float) -> None:
    farm, keys = backends(10), range(4000)
    pick = Balancing.pick(policy).picker(farm)
    before = [farm.numbers[pick(request(user=key))] for key in keys]
    gone = farm.stations.pop(3)
    farm.version += 1
    after = [farm.numbers[pick(request(user=key))] for key in keys]
    assert farm.numbers[gone] not in after
    moved = [old for old, new in zip(before, after, strict=True) if old != new]
    own = before.count(3)
    # The ring moves nothing else; a Maglev table of 65,537 places a little.
    assert own == moved.count(3)
    assert len(moved) - own <= most * len(keys)
    assert 0.05 < own / len(keys) < 0.2


def test_a_maglev_table_has_a_prime_size() -> None:
    with pytest.raises(ValidationError, match="prime"):
        Balancing.pick({"maglev": {"key": "user", "table_size": 65536}})


@pytest.mark.parametrize(
    ("good", "first"),
    # Envoy's own example: the share of good replicas in the first level, and of the traffic that
    # stays there while all of the second is good.
    [(100, 1.0), (72, 1.0), (71, 0.994), (50, 0.7), (25, 0.35), (0, 0.0)],
)
def test_traffic_spills_over_as_a_level_gets_ill(good: int, first: float) -> None:
    levels = by_priority(backends(200).stations, [0] * 100 + [1] * 100)
    tiers = levelled(levels, 0.5)
    tiers.refresh({*levels[0][:good], *levels[1]})
    assert tiers.bounds == pytest.approx([first, 1.0], abs=1e-9)
    # Both levels together are well: nobody panics, and ill replicas get nothing.
    assert len(tiers.views[0].stations) == (good or 100)


def test_levels_that_are_both_ill_share_and_panic() -> None:
    # A quarter of each is good: health 0.35 of 0.7 each, and below the threshold of a half.
    levels = by_priority(backends(40).stations, [0] * 20 + [1] * 20)
    tiers = levelled(levels, 0.5)
    tiers.refresh({*levels[0][:5], *levels[1][:5]})
    assert tiers.bounds == pytest.approx([0.5, 1.0])
    assert [len(view.stations) for view in tiers.views] == [20, 20]
    calm = levelled(levels, 0.2)
    calm.refresh({*levels[0][:5], *levels[1][:5]})
    assert [len(view.stations) for view in calm.views] == [5, 5]


def levelled(levels: list[list[Station]], panic: float) -> Tiers:
    uniform = np.random.default_rng(2).random
    policy = Balancing.pick("round_robin")
    return Tiers(levels, policy, lambda usable: Backends(usable, uniform), uniform, panic)


def test_subsets_use_every_replica_equally() -> None:
    # 12 replicas, three to a balancer: every four balancers share them out once.
    counts = Counter[int]()
    for balancer in range(20):
        chosen = subset_of(12, 3, balancer, np.random.default_rng)
        assert len(chosen) == 3
        counts.update(chosen)
        if balancer % 4 == 3:
            assert set(counts.values()) == {balancer // 4 + 1}
    different = {
        frozenset(subset_of(12, 3, balancer, np.random.default_rng)) for balancer in range(20)
    }
    assert len(different) > 15


def test_a_balancer_keeps_to_its_subset_and_levels() -> None:
    web = {
        "queue_at": "replica",
        "replicas": 6,
        "workers": 9,
        "backends": {"balancers": 2, "subset": 3, "priorities": [0, 0, 0, 1, 1, 1]},
        "steps": [{"work": "10ms"}],
    }
    recording = served(web)
    # Two subsets of three make six; within each, the first level gets everything.
    assert recording.meters["web"]["served_total"][-1] == pytest.approx(1000, abs=2)
    assert set(recording.requests["outcome"].tolist()) == {recording.outcomes.index("ok")}


def served(service: dict[str, Any], *faults: dict[str, Any], **classes: Any) -> Recording:
    """Evenly spaced requests to a service behind a balancer with a queue of its own."""
    design = Topology.model_validate(
        {
            "name": "design",
            "rate": "10 rps",
            "requests": classes or {"ask": {"entry": "web"}},
            "components": {"web": {"kind": "service", "queue_at": "balancer", **service}},
            "faults": {"all": list(faults)},
        }
    )
    experiment = Experiment(design, Constant(), 100.0, seed=1, faults=tuple(design.faults["all"]))
    return run_replication(experiment, 0)


def test_a_queue_at_the_balancer_heeds_priorities() -> None:
    # Two replicas do 8 requests a second, 10 come: the urgent ones, 5, never wait longer than
    # for the next free replica, and the others pile up.
    web = {"replicas": 2, "queue": {"discipline": "priority"}, "steps": [{"work": "250ms"}]}
    recording = served(
        web,
        urgent={"entry": "web", "rate": "5 rps", "priority": 0},
        other={"entry": "web", "rate": "5 rps", "priority": 9},
    )
    table = recording.requests
    assert table["latency"][table["kind"] == 0].max() <= 0.25 + 0.25 + 1e-9
    assert table["latency"][table["kind"] == 1].max() > 10.0


def test_a_queue_at_the_balancer_gives_nothing_to_a_replica_found_ill() -> None:
    # A replica that is down answers at once and would take every request from the queue. It is
    # found ill after two probes, so errors end within 2 s; two replicas carry the rest.
    web = {
        "replicas": 3,
        "balancing": "least_request",
        "backends": {"health_check": {"interval": "1s", "fall": 2}},
        "steps": [{"work": "150ms"}],
    }
    down = {"at": "20s", "for": "50s", "target": "web", "replica": {"number": 1, "down": True}}
    recording = served(web, down)
    failed = recording.requests["arrived"][
        recording.requests["outcome"] != recording.outcomes.index("ok")
    ]
    assert len(failed) > 0
    assert failed.min() >= 20.0 and failed.max() <= 22.0


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"queue_at": "shared", "balancing": "random"}, "no balancer"),
        ({"backends": {"balancers": 2}, "replicas": 2}, "`balancers` needs"),
        ({"backends": {"subset": 2}, "replicas": 4, "queue_at": "replica"}, "several `balancers`"),
        ({"backends": {"priorities": [0]}, "replicas": 4, "queue_at": "replica"}, "1 priorities"),
    ],
)
def test_fields_without_effect_are_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        served({"steps": [{"work": "1ms"}], **fields})
