"""A sensitivity study varies what paper says matters, and only what may be varied together."""

from simulator.studies.design import Design
from simulator.studies.parameters import Parameter, found_parameters, scaled
from simulator.studies.screening import screened

ORDER = ["web", "store"]


def chosen(design: Design, most: int) -> list[str]:
    found, _ = screened(design, found_parameters(design.data, ORDER, 0.25), most)
    return [item.path for item in found]


def test_what_moves_latency_or_cost_on_paper_comes_first(shop: Design) -> None:
    """The web takes 20 ms of 30 and costs $1.5/h of 2.7; the store has the higher utilization."""
    assert chosen(shop, 4) == [
        "rate",
        "components.web.steps.0.work",
        "components.web.replicas",
        "components.store.steps.0.work",
    ]


def test_what_cannot_go_together_is_not_varied_together(shop: Design) -> None:
    """Each of two limits may change by one, but then the lower one may be above the upper one."""
    scale = {"min_replicas": 3, "max_replicas": 4, "metric": "utilization", "target": "60%"}
    found = chosen(shop.varied([("components.web.autoscale", scale)]), 30)
    assert sum(path.endswith(("min_replicas", "max_replicas")) for path in found) == 1


def test_a_single_server_is_varied_too(shop: Design) -> None:
    assert [Parameter("a", 1, 0.75, 1.25).at(share)[1] for share in (0.0, 0.4, 1.0)] == [1, 1, 2]
    assert [Parameter("a", 8, 0.75, 1.25).at(share)[1] for share in (0.0, 1.0)] == [6, 10]
    assert "components.store.workers" in chosen(shop, 30)


def test_nothing_is_lost(shop: Design) -> None:
    every = found_parameters(shop.data, ORDER, 0.25)
    found, rest = screened(shop, every, 3)
    assert len(found) == 3
    assert {item.path for item in [*found, *rest]} <= {item.path for item in every}


def test_a_distribution_keeps_its_shape() -> None:
    before = {"lognormal": {"mean": "10ms", "cv": 0.5}}
    assert scaled(before, 1.5) == {"lognormal": {"mean": "15ms", "cv": 0.5}}
    assert scaled(0.3, 0.75) == 0.225
