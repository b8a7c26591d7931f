"""The search for the cheapest configuration finds what trying every configuration finds.

Three designs of different kinds, two knobs each, with an answer in the middle of the grid. Their
bounds leave room: every configuration that is as cheap as the answer or cheaper either has no
steady state, or its estimate in the brute force is three times as far from the bound as the end
of its 95 % interval, more than seven standard errors. The test checks that first, as without it
brute force would not know the answer either. A Student variate of five degrees of freedom is
beyond seven with a probability of 0.0005, on one side; 17 configurations are judged by brute
force and by the search, so a correct search fails for less than one seed in fifty.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from simulator.studies.design import Design, load_design
from simulator.studies.planner import Bench
from simulator.studies.pool import Pool
from simulator.studies.ranges import Range, grid, parse_range
from simulator.studies.run import RunOptions, run
from simulator.studies.size import size
from simulator.topology.objectives import objectives_of

CLEAR = 3.0
"""How many times farther than the end of its interval the bound has to be from an estimate."""

TANDEM = """
name: tandem
rate: 35 rps
requests:
  all: {entry: web}
components:
  web:
    kind: service
    cost: $0.5/h
    steps: [{work: {exponential: {mean: 20ms}}}, {call: store}]
  store:
    kind: service
    cost: $0.3/h
    steps: [{work: {exponential: {mean: 22ms}}}]
objectives:
  latency: ["p(95)<140ms"]
"""

CACHED = """
name: cached
rate: 400 rps
requests:
  all:
    entry: cache
    attributes: {item: {zipf: {items: 2000, exponent: 1.0}}}
components:
  cache:
    kind: cache
    lookup: 1ms
    key: item
    capacity: 200
    on_miss: [{call: store}]
  store:
    kind: database
    query: {exponential: {mean: 20ms}}
    connections: 2
    cost: $1/h
objectives:
  latency: ["p(95)<60ms"]
"""

BATCHED = """
name: batched
rate: 300 rps
requests:
  all: {entry: pool}
components:
  pool:
    kind: gpu_pool
    gpu: t4
    replicas: 2
    batching: static
    max_batch_size: 8
    pass_time: {fixed: 16ms, per_item: 1ms}
    cost: $0.53/h
objectives:
  latency: ["p(95)<60ms"]
"""

# Text, requests of a run of the brute force, ranges.
SEARCHES = {
    "two stations in a row": (TANDEM, 40_000, ["web.replicas=1..3", "store.replicas=1..3"]),
    "a cache and its database": (
        CACHED,
        40_000,
        ["cache.capacity=50,100,1000", "store.read_replicas=0..3"],
    ),
    "full batches on GPUs": (BATCHED, 12_000, ["pool.replicas=1..3", "pool.max_batch_size=2,4,12"]),
}


@dataclass(frozen=True)
class Tried:
    """A configuration and what its run says."""

    settings: dict[str, Any]
    cost: float
    status: str
    value: float
    low: float
    high: float

    def is_clear(self, bound: float) -> bool:
        """Whether the run leaves no doubt on which side of the bound the configuration is."""
        if self.status == "unstable":
            return True
        nearer = self.high if self.value < bound else self.low
        return abs(bound - self.value) >= CLEAR * abs(nearer - self.value)


def every_configuration(design: Design, ranges: Sequence[Range], requests: int) -> list[Tried]:
    """All of the grid, run from the same seed."""
    tried = []
    for settings in grid(ranges):
        options = RunOptions(requests=requests, replications=6, seed=99, jobs=1)
        found = run(design.varied(settings).topology, options).document
        goal = found["objectives"][0]
        cost = found["metrics"]["cost"]["per_hour"]["value"]
        status = found["verdict"]["status"]
        ends = goal["value"], goal["low"], goal["high"]
        tried.append(Tried(dict(settings), cost, status, *ends))
    return tried


@pytest.mark.parametrize("name", SEARCHES)
def test_the_search_equals_brute_force(name: str, tmp_path: Path) -> None:
    text, requests, words = SEARCHES[name]
    path = tmp_path / "design.yaml"
    path.write_text(text, encoding="utf-8")
    design = load_design(str(path))
    ranges = [parse_range(word) for word in words]
    tried = every_configuration(design, ranges, requests)
    least = min(item.cost for item in tried if item.status == "pass")
    (goal,) = objectives_of(design.topology)
    bound = goal.threshold.bound
    assert all(item.is_clear(bound) for item in tried if item.cost <= least * 1.000001)
    best = [item.settings for item in tried if item.status == "pass" and item.cost <= least]
    found = size(design, ranges, RunOptions(replications=6), Bench(Pool(jobs=1))).document
    assert found["winner"]["settings"] in best
    assert found["winner"]["cost_per_hour"]["value"] == pytest.approx(least)
    assert found["check"]["status"] == "pass"
    assert found["check"]["seed"] != found["seed"]
