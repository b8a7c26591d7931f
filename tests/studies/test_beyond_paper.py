"""Searches do not take for a limit what is only a cautious figure on paper."""

import math

import pytest

from simulator.cli.studying import json_text
from simulator.present.html.study import verdict_of
from simulator.present.studies.capacity import capacity_lines, reasons_of
from simulator.studies.capacity import capacity
from simulator.studies.design import Design, design_of_text
from simulator.studies.planner import Bench
from simulator.studies.pool import Pool
from simulator.studies.ranges import parse_range
from simulator.studies.run import RunOptions
from simulator.studies.size import size

HERE = Pool(jobs=1)

DESIGN = """
name: hits
rate: 5 rps
requests: {read: {entry: web, attributes: {key: {constant: 1}}}}
components:
  web: {kind: service, steps: [{work: {exponential: {mean: 20ms}}}, {call: cache}]}
  cache: {kind: cache, key: key, lookup: 0ms, on_miss: [{call: store}]}
  store: {kind: service, workers: 1, cost: $1/h, steps: [{work: 100ms}]}
objectives: {latency: ["p(95)<250ms"]}
"""
ENDLESS = """
name: endless
rate: 5 rps
requests: {get: {entry: far}}
components:
  far: {kind: delay, latency: 5ms}
objectives: {latency: ["p(95)<20ms"]}
"""

SHEDDING = """
name: door
rate: 20 rps
requests: {get: {entry: web}}
components:
  web: {kind: service, workers: 4, admission: {limit: {fixed: 4}}, steps: [{work: 10ms}]}
objectives: {latency: ["p(95)<20ms"]}
"""

EXACT = 50.0 - math.log(20.0) / 0.25
"""All but the first request hit, so `web` is M/M/1: p95 = ln 20 / (mu - lambda)."""


def design() -> Design:
    return design_of_text(DESIGN, "hits.yaml")


def test_capacity_is_searched_beyond_what_paper_says_without_hits() -> None:
    """On paper the store saturates at 10 rps. The estimate has a standard error of about 1 %: a
    correct search is off by more than 4 % for one seed in 15,000."""
    found = capacity(design(), RunOptions(seed=5), Bench(HERE)).document
    assert found["capacity"]["value"] == pytest.approx(EXACT, rel=0.04)
    assert found["limited_by"]["component"] == "web"
    assert found["ceiling_on_paper"] == pytest.approx(50.0)


def test_a_configuration_is_not_dropped_for_what_hits_may_spare() -> None:
    """At 30 rps one replica of the store is overloaded threefold on paper and idle in truth."""
    options = RunOptions(rps=30.0, requests=20_000)
    found = size(design(), [parse_range("store.replicas=1,4")], options, Bench(HERE)).document
    assert found["winner"]["settings"] == {"store.replicas": 1}


def test_a_design_without_a_limit_says_how_far_it_was_tried() -> None:
    """Nothing that is no number is printed, in words or as JSON."""
    endless = design_of_text(ENDLESS, "endless.yaml")
    options = RunOptions(rps=5.0, requests=200, replications=2)
    found = capacity(endless, options, Bench(HERE)).document
    assert found["capacity"] == {"value": None, "low": None, "high": None}
    assert found["no_limit_up_to"] == found["curve"][-1]["rate"] > 1000.0
    assert "Infinity" not in json_text(found)
    lines = "\n".join(line for _, line in capacity_lines(found, "again", None))
    assert "no limit found up to" in lines
    assert " inf" not in lines
    assert verdict_of(found)[0] == "pass"


def test_what_is_turned_away_is_not_a_lack_of_stability() -> None:
    """Four workers of 10 ms and no queue: M/D/4/4 refuses, and is full at 400 rps."""
    shedding = design_of_text(SHEDDING, "door.yaml")
    options = RunOptions(requests=4000, replications=2)
    found = capacity(shedding, options, Bench(HERE)).document
    assert found["capacity"]["value"] == pytest.approx(400.0, rel=0.05)
    assert found["limited_by"]["objective"] == "refusals"
    said = reasons_of(found)
    assert "the rest is turned away; web is then at" in said[0]
    assert said[-1] == "on paper web saturates at 400 rps unless hits or refusals spare it"


def test_paper_says_both_where_it_may_and_where_it_must_saturate() -> None:
    found = capacity(design(), RunOptions(requests=2000, replications=2), Bench(HERE)).document
    assert reasons_of(found)[-1] == (
        "on paper store saturates at 10 rps unless hits or refusals spare it, and web at 50 rps "
        "in any case"
    )


def test_a_rate_that_failed_bounds_the_interval() -> None:
    """Of few requests no interval is known, so the lowest rate that failed is the upper end."""
    found = capacity(design(), RunOptions(requests=2000, replications=4), Bench(HERE)).document
    value, high = found["capacity"]["value"], found["capacity"]["high"]
    failed = [line["rate"] for line in found["curve"] if line["status"] in ("fail", "unstable")]
    assert high <= min(rate for rate in failed if rate > value)
