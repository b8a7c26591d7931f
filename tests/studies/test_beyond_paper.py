"""Searches do not take for a limit what is only a cautious figure on paper."""

import math

import pytest

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
