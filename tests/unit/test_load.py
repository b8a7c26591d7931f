"""The load in words, wherever it is told."""

from pathlib import Path
from typing import Any

import pytest

from simulator.cli.advice import next_lines
from simulator.interview.card import card, card_document
from simulator.interview.material import gather
from simulator.metrics.load import said_load
from simulator.present.drill import drill_lines
from simulator.present.html.report import head_of
from simulator.present.html.study import render_study
from simulator.present.studies.compare import comparison_markdown
from simulator.present.studies.compare import head_of as compared_head
from simulator.present.terminal import summary_lines
from simulator.studies.compare import compare
from simulator.studies.design import load_design
from simulator.studies.drill import drill
from simulator.studies.errors import StudyError
from simulator.studies.planner import Bench
from simulator.studies.pool import Pool
from simulator.studies.ranges import parse_range
from simulator.studies.run import RunOptions, run
from simulator.studies.sensitivity import sensitivity
from simulator.studies.size import size
from simulator.studies.sweep import sweep
from simulator.topology.load import load_of
from simulator.topology.model import Topology
from simulator.topology.paper import offered_when_full, on_paper
from simulator.workload.arrival_process import Arrivals

SHOP: dict[str, Any] = {
    "name": "shop",
    "rate": "30 rps",
    "requests": {"page": {"entry": "web"}, "crawl": {"entry": "web", "rate": "18 rps"}},
    "components": {
        "web": {"kind": "service", "workers": 4, "cost": "$1/h",
                "steps": [{"work": {"exponential": "20ms"}}]},
    },
    "objectives": {"latency": ["p(99)<1s"]},
}  # fmt: skip
USERS = {"kind": "closed", "users": 20, "think_time": "1s"}
WAITING = SHOP | {
    "rate": "500 rps",
    "requests": {"page": {"entry": "web"}},
    "run": {"workload": USERS},
}
SHORT = RunOptions(requests=400, replications=2, jobs=1)


def _design(tmp_path: Path, data: dict[str, Any]) -> Any:
    import yaml

    path = tmp_path / "design.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return load_design(str(path))


@pytest.mark.parametrize(
    ("requests", "workload", "told", "per_s"),
    [
        ({"page": {"entry": "web"}}, None, "60 rps", 60.0),
        (SHOP["requests"], None, "60 rps and 36/s of crawl", 96.0),
        ({"crawl": {"entry": "web", "rate": "18 rps"}}, None, "36/s of crawl", 36.0),
        ({"page": {"entry": "web"}}, USERS, "20 closed users", None),
        (
            {"page": {"entry": "web"},
             "edit": {"entry": "web", "rate": "1 rps", "arrivals": USERS}},
            None, "60 rps and 20 closed users of edit", None,
        ),
        (
            {name: {"entry": "web", "rate": "1 rps"} for name in "abc"},
            None, "6/s of 3 classes of their own", 6.0,
        ),
    ],
)  # fmt: skip
def test_the_load_of_all_cells_in_words(
    requests: dict[str, Any], workload: dict[str, Any] | None, told: str, per_s: float | None
) -> None:
    topology = Topology.model_validate(SHOP | {"requests": requests, "cells": 2})
    load = load_of(topology, Arrivals.pick(workload or {"kind": "steady"}))
    assert said_load(load) == told
    assert load["load_per_s"] == per_s


def test_heads_and_verdicts_tell_the_whole_load(tmp_path: Path) -> None:
    design = _design(tmp_path, SHOP)
    document = run(design.topology, SHORT).document
    whole = "30 rps poisson and 18/s of crawl"
    assert whole in next(summary_lines(document, [], []))[1]
    assert whole in head_of(document).facts
    assert "holds 30 rps and 18/s of crawl" in document["verdict"]["sentence"]
    found = drill(design.topology, RunOptions(requests=400, jobs=1)).document
    assert "· 30 rps and 18/s of crawl ·" in next(iter(drill_lines(found)))[1]
    other = design.varied([("web.workers", 6)])
    compared = compare([design, other], SHORT, Bench(Pool(jobs=1)), flips=False).document
    assert "30 rps steady and 18/s of crawl" in compared_head(compared)
    assert "30 rps steady and 18/s of crawl" in comparison_markdown(compared)
    assert "30 rps and 18/s of crawl" in render_study(compared)


def test_studies_of_users_who_wait_tell_these_and_turn_no_rate(tmp_path: Path) -> None:
    design = _design(tmp_path, WAITING)
    bench = Bench(Pool(jobs=1))
    other = design.varied([("web.workers", 6)])
    compared = compare([design, other], SHORT, bench, flips=True).document
    assert "20 closed users ·" in compared_head(compared)
    assert "rps" not in compared_head(compared)
    assert compared["flips_tried_at"] == []
    assert "no other rates were tried: the load is that of the workload" in comparison_markdown(
        compared
    )
    drilled = drill(design.topology, RunOptions(requests=400, jobs=1)).document
    assert "· 20 closed users ·" in next(iter(drill_lines(drilled)))[1]
    with pytest.raises(StudyError, match="there is no rate to sweep"):
        sweep(design, [[("rps", 10)], [("rps", 20)]], SHORT, bench)
    with pytest.raises(StudyError, match="there is no rate to vary"):
        sensitivity(design, SHORT, [parse_range("rate=10..20", "--vary")], bench)


def test_what_paper_overloads_is_no_reason_against_users_who_wait(tmp_path: Path) -> None:
    """At most 20 are there: one worker of 20 ms is asked for 4 times what it can on paper."""
    users = USERS | {"think_time": "5ms"}
    design = _design(tmp_path, WAITING | {"run": {"workload": users}})
    found = size(design, [parse_range("web.workers=1..3", "--vary")], SHORT, Bench(Pool(jobs=1)))
    assert found.document["counts"]["overloaded"] == 0
    assert found.document["winner"] is not None
    assert all(item["utilization_on_paper"] <= 1.0 for item in found.document["candidates"])
    assert found.document["load"] == "20 closed users"


def test_a_card_multiplies_no_rate_that_plays_no_part() -> None:
    data = WAITING | {"run": {"workload": USERS, "requests": 400}}
    topology = Topology.model_validate(data)
    material = gather(topology, data, jobs=1, drilled=False)
    sections = card(material)
    text = str(card_document(material, sections))
    assert "headroom" not in text and "500" not in text and "20 closed users" in text
    assert "--over run.workload.users=20,40,200" in text


def test_more_replicas_are_not_counted_by_what_users_might_ask_for() -> None:
    """20 users without thoughts could ask for 20 000/s, which is 400 servers; they never do."""
    workload = USERS | {"think_time": "0s"}
    topology = Topology.model_validate(WAITING | {"run": {"workload": workload}})
    lines = dict(next_lines(run(topology, SHORT), "shop", "simulate shop", None))
    assert lines["try"] == "simulate shop --set web.replicas=2"
    assert "busy, +$1.00/h" in lines[""]


def test_where_classes_bring_their_own_rates_saturation_is_told_as_a_share_of_all() -> None:
    """48/s of 200 ms want 9.6 of 4 workers, which are full at 4/9.6 of that."""
    web = {"kind": "service", "workers": 4, "steps": [{"work": "200ms"}]}
    topology = Topology.model_validate(SHOP | {"components": {"web": web}})
    verdict = run(topology, SHORT).document["verdict"]["sentence"]
    assert "does not hold 30 rps and 18/s of crawl: web saturates at 0.417 times that" in verdict


def test_classes_with_rates_of_their_own_take_their_part_of_what_is_there() -> None:
    """4 workers of 20 ms do 200/s; 18 of them are taken by the crawler."""
    topology = Topology.model_validate(SHOP)
    assert offered_when_full(topology, lambda row: row.strain) == pytest.approx(182.0)
    every = topology.model_copy(update={"requests": {"page": topology.requests["page"]}})
    full = on_paper(every).full_rps
    assert offered_when_full(every, lambda row: row.strain) == pytest.approx(full) == 200.0
