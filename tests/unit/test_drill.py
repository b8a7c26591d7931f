"""The drill finds what recovers, what does not, and what nobody notices."""

from typing import Any

import pytest

from simulator.studies.drill import Drill, drill
from simulator.studies.run import RunOptions
from simulator.topology.model import Topology

SHOP: dict[str, Any] = {
    "name": "shop",
    "rate": "100 rps",
    "requests": {"view": {"entry": "web", "timeout": "5s"}},
    "components": {
        "web": {
            "kind": "service",
            "workers": 20,
            "steps": [
                {"work": {"exponential": "5ms"}},
                {"call": {"to": "db", "per_try_timeout": "200ms", "max_attempts": 3}},
                {"call": {"to": "hints", "optional": True}},
            ],
        },
        "db": {"kind": "service", "workers": 2, "steps": [{"work": {"exponential": "12ms"}}]},
        "hints": {"kind": "delay", "latency": "1ms"},
    },
}


@pytest.fixture(scope="module")
def result() -> Drill:
    return drill(Topology.model_validate(SHOP), RunOptions(duration_s=100.0, jobs=1, seed=1))


def row(result: Drill, component: str, fault: str) -> dict[str, Any]:
    return result.table()[component][fault]


def test_every_component_goes_through_every_fault(result: Drill) -> None:
    table = result.table()
    for name in ("web", "db", "hints"):
        assert set(table[name]) == {"down", "10x slow", "50% errors"}
    assert set(table["(traffic)"]) == {"3x spike"}
    assert result.document["runs"] == 11


def test_retries_without_cancellation_make_it_stay_broken(result: Drill) -> None:
    # Utilization 0.6, three tries: once every try comes too late, the load is 1.8 of capacity,
    # so the failed state feeds itself after the cause is gone.
    slow = row(result, "db", "10x slow")
    assert slow["stays_broken"]
    assert slow["availability_after"] < 0.2
    assert "stays broken" in slow["sentence"]
    assert "cancel_on_timeout" in slow["remedy"] and "retry_budget" in slow["remedy"]


def test_an_outage_that_fails_fast_recovers_at_once(result: Drill) -> None:
    down = row(result, "web", "down")
    assert down["availability_during"] < 0.01
    assert down["availability_after"] > 0.99
    assert not down["stays_broken"]
    assert down["recovery_s"] <= 4.0


def test_an_optional_call_is_not_noticed(result: Drill) -> None:
    assert row(result, "hints", "down")["status"] == "unaffected"
    assert row(result, "hints", "down")["remedy"] == ""


def test_the_worst_comes_first(result: Drill) -> None:
    rows = result.document["rows"]
    broken = [row["stays_broken"] for row in rows]
    assert broken == sorted(broken, reverse=True)
    assert rows[-1]["status"] == "unaffected"


def test_the_matrix_does_not_depend_on_the_number_of_processes(result: Drill) -> None:
    options = RunOptions(duration_s=100.0, jobs=2, seed=1)
    again = drill(Topology.model_validate(SHOP), options)
    assert again.document == result.document
