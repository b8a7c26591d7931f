"""Which class variants are compared by, and what a row of the table says beside the numbers."""

import copy
from typing import Any

import pytest

from simulator.interview.blocks import Table
from simulator.interview.material import gather
from simulator.interview.trade_offs import class_of_latency, trade_off_section
from simulator.topology.model import Topology
from tests.unit.test_interview import DESIGN

TWO_CLASSES: dict[str, Any] = {
    "visit": {"entry": "web", "share": 1},
    "order": {"entry": "web", "share": 3},
}


def two_classes(objectives: dict[str, Any]) -> dict[str, Any]:
    design = copy.deepcopy(DESIGN)
    return design | {"requests": TWO_CLASSES, "objectives": objectives}


@pytest.mark.parametrize(
    ("objectives", "expected"),
    [
        ({"order.latency": ["p(99)<1s"]}, "order"),
        ({"latency": ["p(99)<1s"], "order.latency": ["p(99)<1s"]}, None),
        ({"order.availability": ["rate>99%"]}, "order"),
        ({"availability": ["rate>99%"]}, "visit"),
    ],
)
def test_designs_are_compared_by_the_class_that_is_promised_a_latency(
    objectives: dict[str, Any], expected: str | None
) -> None:
    assert class_of_latency(Topology.model_validate(two_classes(objectives))) == expected


def test_of_one_class_there_is_nothing_to_choose() -> None:
    assert class_of_latency(Topology.model_validate(DESIGN)) is None


def test_a_row_says_the_class_the_rate_and_the_claim_that_decides() -> None:
    design = two_classes({"order.latency": ["p(99)<1s"]})
    design["variants"]["quiet"] = {"summary": "A quiet day", "rate": "25 rps"}
    design["claims"]["halved"] = {
        "text": "half the visits reach the store",
        "section": "Numbers",
        "metric": "components.store.throughput",
        "variant": "quiet",
        "versus": "base",
        "as": "ratio",
        "expect": "<0.7",
    }
    material = gather(Topology.model_validate(design), design, jobs=1)
    (table,) = [each for each in trade_off_section(material).blocks if isinstance(each, Table)]
    assert "p99 of order" in table.heads
    rows = {row[0]: row for row in table.rows}
    assert rows["quiet"][1] == "A quiet day (at 25 requests/s)"
    assert "requests/s" not in rows["big"][1]
    assert rows["quiet"][-1].startswith("half the visits reach the store: 0.5x the chosen one")
    assert rows["big"][-1] == rows["chosen"][-1] == "–"
