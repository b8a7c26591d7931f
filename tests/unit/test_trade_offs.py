"""Which class variants are compared by, and what a row of the table says beside the numbers."""

import copy
from typing import Any

import pytest

from simulator.interview.blocks import Table
from simulator.interview.card import _kept, _meaning, promised
from simulator.interview.failures import _p99, failure_section
from simulator.interview.growth import growth_section
from simulator.interview.material import gather
from simulator.interview.numbers import Figure, spaced
from simulator.interview.trade_offs import _said, _settles, class_of_latency, trade_off_section
from simulator.studies.claims import Checked
from simulator.topology.claims import Claim
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
    design["variants"]["same"] = {"summary": "Two again", "components": {"web": {"replicas": 2}}}
    # Of two cells; the variant is one whole, so its 30 requests a second are not to be doubled.
    design["cells"], design["variants"]["whole"] = 2, {"summary": "One whole", "cells": 1}
    at_thirty = {"text": "t", "own": True, "metric": "availability", "rps": "30 rps"}
    at_thirty |= {"requests": "2k", "expect": ">90%"}
    design["claims"]["holds"] = at_thirty | {"variant": "whole"}
    design["claims"]["in_cells"] = at_thirty
    material = gather(Topology.model_validate(design), design, jobs=1, drilled=False)
    conditions = {claim.name: claim.conditions for claim in material.claims}
    assert conditions["holds"] == "whole, at 30 rps"
    assert conditions["in_cells"] == "at 60 rps (30 in each of 2 cells)"
    (table,) = [each for each in trade_off_section(material).blocks if isinstance(each, Table)]
    assert "p99 of order" in table.heads
    rows = {row[0]: row for row in table.rows}
    assert rows["quiet"][1] == "A quiet day (at 50 requests/s)"
    assert " at 30 requests/s ✓" in rows["whole"][-1]
    assert "requests/s" not in rows["big"][1]
    halved = "half the visits reach the store: throughput of store 0.5x the chosen one"
    assert rows["quiet"][-1].startswith(halved)
    assert rows["big"][-1] == rows["chosen"][-1] == "–"
    assert rows["same"][2:-1] == rows["chosen"][2:-1]
    assert rows["same"][-1] == "no column differs while nothing fails"
    failures = [each for each in failure_section(material).blocks if isinstance(each, Table)]
    assert "p99 of all requests before" in failures[0].heads
    assert "p99 of order" in failures[1].heads
    assert failures[1].rows[0][0] == "nothing fails"
    assert _p99({"p99_s": None}, material).endswith("s without it")
    assert _p99({"p99_s": None}) == "–"
    (growth,) = [each for each in growth_section(material).blocks if isinstance(each, Table)]
    assert "p99 of order " in growth.rows[0][-1]


def test_durations_of_the_drill_are_written_as_on_the_rest_of_the_card() -> None:
    drilled = "from 20.3ms to 2m (1s is promised), 10x slower, and it takes 1m30s to recover"
    written = "from 20.3 ms to 2 min (1 s is promised), 10x slower, and it takes 1m30s to recover"
    assert spaced(drilled) == written


@pytest.mark.parametrize(
    ("threshold", "said"),
    [
        ("p(99)<50ms", "p99 < 50 ms"),
        ("avg<2s", "mean < 2 s"),
        ("rate>=99.95%", ">= 99.95%"),
        ("mean>98%", "mean > 98%"),
        ("p(95)<15m", "p95 < 15 min"),
    ],
)
def test_a_promise_is_written_as_one_says_it(threshold: str, said: str) -> None:
    assert promised(threshold) == said


def test_a_promise_without_a_failure_wants_more_requests_not_another_design() -> None:
    row = {"metric": "availability", "status": "unsure", "value": 1.0}
    assert _kept(row) == "? too few requests"
    assert _kept(row | {"value": 0.9999}) == _kept(row | {"metric": "latency"}) == "?"
    assert _kept(row | {"status": "pass"}) == "✓"


def test_the_ends_of_a_wide_interval_are_counted_each_in_its_unit() -> None:
    assert Figure(0.6288, "s", 0.03485, 430.4).exact == "628.8 ms [34.85 ms, 7.173 min]"
    assert Figure(4.7e-6, "calls").both == "0 calls (0.0000047 calls)"


def test_the_card_says_what_its_measures_are() -> None:
    own = {"lookup": {"inside": ["store"]}, "rest": {"outside": ["store"]}}
    said = _meaning(Topology.model_validate({**DESIGN, "metrics": own}), streamed=False)
    assert "Lookup is the time in store. Rest is the latency less the time in store." in said
    assert "counts as 0 s" in said and "first token" not in said
    assert "first token" in _meaning(Topology.model_validate(DESIGN), streamed=True)


def test_a_difference_says_to_which_side() -> None:
    metric = {"metric": "latency.mean", "variant": "v", "versus": "base", "as": "difference"}
    found = Claim.model_validate({"text": "quick", "own": True, "expect": "<1s", **metric})
    checked = Checked(
        "shop", "quick", "quick", "metric", "holds", -0.2034, None, None, "s", "<1s", "", "",
        None, "own", None, None,
    )  # fmt: skip
    said = "quick: mean latency 200 ms (203.4 ms) less than the chosen one ✓"
    assert _said(found, checked, 1.0) == said


@pytest.mark.parametrize(
    ("claim", "measured"),
    [
        ({"metric": "components.store.service.mean"}, "mean service time of store"),
        ({"metric": "latency.p(99.9)", "class": "visit"}, "p99.9 of visit"),
        ({"metric": "paper.web.utilization"}, "utilization of web on paper"),
        ({"metric": "stable"}, ""),
        ({"metric": "throughput * 2"}, ""),
    ],
)
def test_the_value_that_decides_is_said_with_what_it_is_of(
    claim: dict[str, Any], measured: str
) -> None:
    found = Claim.model_validate({"text": "quick", "own": True, "expect": "<1", **claim})
    checked = Checked(
        "shop", "quick", "quick", "metric", "fails", 0.202, None, None, "s", "<=200ms", "", "",
        None, "own", None, None,
    )  # fmt: skip
    # Rounded, 202 ms would look like the 200 ms that it misses.
    assert _said(found, checked, 1.0) == f"quick: {measured}{measured and ' '}202 ms ✗"


@pytest.mark.parametrize(
    ("word", "settles"),
    [
        ("latency.p99", False),
        ("classes.order.latency.p99", False),
        ("classes.visit.latency.p99", True),
        ("components.web.span.p99", False),
        ("availability", True),
    ],
)
def test_a_time_behind_a_backlog_has_no_value(word: str, settles: bool) -> None:
    document = {"stable": False, "sheds": False, "delayed": ["order"]}
    assert _settles(document, word) is settles
    assert _settles({**document, "stable": True}, word)
