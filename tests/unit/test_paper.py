"""What is certain on paper: loads that no hit, refusal or further server can lower."""

from typing import Any

import pytest

import simulator.components
import simulator.steps
import simulator.workload.arrivals  # noqa: F401  (registers the kinds)
from simulator.topology.model import Topology
from simulator.topology.paper import PaperPlan, on_paper

WORK = {"work": "100ms"}


def plan(components: dict[str, Any]) -> PaperPlan:
    """Five requests a second into the first of the components."""
    topology = {
        "name": "shop",
        "rate": "5 rps",
        "requests": {
            "buy": {"entry": next(iter(components)), "attributes": {"user": {"constant": 1}}}
        },
        "components": components,
    }
    return on_paper(Topology.model_validate(topology))


def test_a_plain_chain_is_certain() -> None:
    found = plan(
        {
            "web": {"kind": "service", "workers": 2, "steps": [WORK, {"call": "store"}]},
            "store": {"kind": "service", "steps": [WORK]},
        }
    )
    assert found.utilizations() == pytest.approx({"web": 0.25, "store": 0.5})
    assert found.least_utilizations() == pytest.approx(found.utilizations())
    assert found.saturation_rps == found.capacity_rps == pytest.approx(10.0)


def test_what_a_keyed_cache_may_answer_is_not_certain() -> None:
    cache = {"kind": "cache", "key": "user", "lookup": "1ms", "on_miss": [{"call": "store"}]}
    found = plan({"cache": cache, "store": {"kind": "service", "steps": [WORK]}})
    assert found.capacity_rps == pytest.approx(10.0)
    assert found.least_utilizations() == {"store": 0.0}
    assert found.saturation_rps is None


def test_a_stated_hit_ratio_is_certain() -> None:
    cache = {"kind": "cache", "hit_ratio": "50%", "lookup": "1ms", "on_miss": [{"call": "store"}]}
    found = plan({"cache": cache, "store": {"kind": "service", "steps": [WORK]}})
    assert found.saturation_rps == pytest.approx(20.0)


def test_servers_that_may_be_added_are_counted() -> None:
    web = {"kind": "service", "steps": [WORK], "autoscale": {"max_replicas": 4}}
    found = plan({"web": web})
    assert found.capacity_rps == pytest.approx(10.0)
    assert found.saturation_rps == pytest.approx(40.0)


@pytest.mark.parametrize(
    "door",
    [
        {"limit": {"kind": "rate_limiter", "rate": "1 rps"}},
        {"limit": {"kind": "service", "queue": {"capacity": 3}, "steps": [WORK]}},
    ],
)
def test_what_comes_after_a_door_is_not_certain(door: dict[str, Any]) -> None:
    steps = [{"call": "limit"}, {"call": "store"}]
    components = {"web": {"kind": "service", "steps": [WORK, *steps]}, **door}
    found = plan({**components, "store": {"kind": "service", "steps": [WORK]}})
    assert found.utilizations()["store"] == pytest.approx(0.5)
    assert found.least_utilizations()["store"] == 0.0
    assert found.least_utilizations()["web"] == pytest.approx(0.5)


def test_what_an_open_breaker_keeps_away_is_not_certain() -> None:
    call = {"call": {"to": "store", "breaker": {}}}
    found = plan(
        {
            "web": {"kind": "service", "steps": [call]},
            "store": {"kind": "service", "steps": [WORK]},
        }
    )
    assert found.least_utilizations()["store"] == 0.0


@pytest.mark.parametrize(
    ("limits", "quota"),
    [
        ({"requests": "600/min"}, 0.5),
        ({"tokens": "6k/min"}, 0.05),
        ({"requests": "600/min", "tokens": "300/min"}, 1.0),
    ],
)
def test_a_provider_is_full_at_its_limits(limits: dict[str, str], quota: float) -> None:
    """5 calls/s of one token (no attribute says more) against 10 calls/s, 100 or 5 tokens/s."""
    model = {"kind": "llm_api", "first_token": "1s", "per_token": "0ms", "limits": limits}
    found = plan({"model": model})
    assert found.utilizations() == pytest.approx({"model": quota})
    assert found.saturation_rps is None, "what is too much is refused"


def test_a_consumer_is_busy_while_it_waits_but_not_certainly() -> None:
    found = plan({"log": {"kind": "queue", "consumers": 2, "steps": [WORK, {"wait": "300ms"}]}})
    row = found.rows[0]
    assert (row.service_s, row.delay_s) == pytest.approx((0.4, 0.0))
    assert row.utilization == pytest.approx(1.0)
    assert row.utilization_least == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ({}, (100 + 250 + 400 + 550) / 4),
        ({"at_most": 300}, (100 + 250 + 300 + 300) / 4),
        # Full in the third turn: 120 are left, to which the fourth adds its own and what the
        # third answered.
        ({"at_most": 300, "falls_to": 120}, (100 + 250 + 120 + 270) / 4),
    ],
)
def test_what_grows_in_a_session_counts_by_its_mean_over_the_turns(
    window: dict[str, float], expected: float
) -> None:
    growth = {"attribute": "tokens", "by": ["tokens", "answer"], **window}
    topology = Topology.model_validate(
        {
            "name": "talk",
            "rate": "1 rps",
            "requests": {
                "turn": {"entry": "model", "attributes": {"tokens": 100, "answer": 50}},
                "summary": {"entry": "model", "rate": "1 rps", "attributes": {"tokens": 7}},
            },
            "components": {
                "model": {
                    "kind": "service",
                    "steps": [{"work": {"per": {"attribute": "tokens", "each": "1ms"}}}],
                }
            },
            "run": {"workload": {"kind": "sessions", "turns": 4, "grows": [growth]}},
        }
    )
    (row,) = on_paper(topology).rows
    assert row.service_s == pytest.approx((expected + 7) / 2 * 1e-3)


def test_groups_do_not_help_each_other_and_what_calls_keep_is_told() -> None:
    """Five messages a second for each group: two consumers of 300 ms are busy for 75 %."""
    call = {"call": "store"}
    found = plan(
        {
            "log": {
                "kind": "broker",
                "groups": {
                    "quick": {"consumers": 10, "steps": [WORK]},
                    "slow": {"consumers": 2, "steps": [{"work": "300ms"}, call]},
                },
            },
            "store": {"kind": "delay", "latency": "50ms"},
        }
    )
    log = next(row for row in found.rows if row.name == "log")
    assert log.utilization == pytest.approx(0.75) and log.servers == 2.0
    assert log.kept == "consumers" and "kept through calls" in log.notes[0]
    store = next(row for row in found.rows if row.name == "store")
    assert store.rate == pytest.approx(5.0) and not store.kept


def test_clients_of_regions_are_shared_out_in_per_cent_or_by_weight() -> None:
    part = {"kind": "delay", "latency": "1ms"}
    for one, other in (("75%", "25%"), (3, 1)):
        shares = {"east": one, "west": other}
        regions = {name: {"target": name, "share": share} for name, share in shares.items()}
        found = plan({"dns": {"kind": "geo_dns", "regions": regions}, "east": part, "west": part})
        rates = {row.name: row.rate for row in found.rows}
        assert rates["east"] == pytest.approx(3.75) and rates["west"] == pytest.approx(1.25)
