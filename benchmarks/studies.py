"""How long the studies take and how much pairing narrows, on this machine.

``python benchmarks/studies.py [--quick]`` prints a table and exits 1 if a limit is missed. Times
are of a whole study with two processes and an empty store; without a free machine they are upper
bounds. Coverage is that of paired differences between two M/M/1 queues, whose true difference is
known: the share of intervals, over independent seeds, that hold it.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from simulator.metrics.estimates import difference, table_at
from simulator.studies.compare import compare
from simulator.studies.design import Design, load_design
from simulator.studies.planner import Bench
from simulator.studies.point import Point
from simulator.studies.pool import Pool
from simulator.studies.ranges import parse_range
from simulator.studies.run import RunOptions
from simulator.studies.size import size
from simulator.studies.sweep import plan_sweep, sweep
from simulator.theory.erlang import MMc

ROOT = Path(__file__).parents[1]
GATEWAY = str(ROOT / "topologies" / "llm_gateway.yaml")
QUEUE = """
name: queue
rate: 6 rps
requests:
  all: {entry: desk}
components:
  desk: {kind: service, workers: 1, steps: [{work: {exponential: {mean: 100ms}}}]}
"""


@dataclass(frozen=True)
class Line:
    """One measured figure and the range it should be in."""

    name: str
    value: float
    low: float
    high: float
    unit: str = ""

    @property
    def holds(self) -> bool:
        """Whether the figure is in its range."""
        return self.low <= self.value <= self.high


def timed(question: Callable[[], object]) -> float:
    """Real seconds of a study."""
    began = time.perf_counter()
    question()
    return time.perf_counter() - began


def times() -> list[Line]:
    """Compare, sweep and size of the gateway."""
    gateway = load_design(GATEWAY)
    other = gateway.varied([("response_cache.hit_ratio", "20%")], name="cached")
    pool = Pool(jobs=2)
    over = plan_sweep([parse_range("rps=50..400:20")])
    vary = [
        parse_range("api_gateway.replicas=1..4"),
        parse_range("usage_store.connections=8..32:4"),
    ]
    return [
        Line("compare two variants", timed(lambda: compare([gateway, other], RunOptions(),
             Bench(pool))), 0.0, 15.0, "s"),
        Line("sweep of 20 points", timed(lambda: sweep(gateway, over, RunOptions(),
             Bench(pool))), 0.0, 60.0, "s"),
        Line("size over two knobs", timed(lambda: size(gateway, vary, RunOptions(),
             Bench(pool))), 0.0, 60.0, "s"),
    ]  # fmt: skip


def narrowing(design: Design, other: Design, metric: str) -> float:
    """Half-width of an unpaired interval over that of a paired one, for the same runs."""
    options = RunOptions(requests=30_000, replications=8)
    bench = Bench(Pool(jobs=2))
    found = bench.evaluate([Point(item.data, options, True) for item in (design, other)])
    cut_s = max(item["document"]["run"]["warmup_s"] for item in found)
    first, second = (table_at(item["estimates"], cut_s)[metric] for item in found)
    paired = difference(first, second).half_width
    spreads = [np.var(table["each"], ddof=1) / len(table["each"]) for table in (first, second)]
    from simulator.metrics.confidence import t_quantile

    freedom = len(first["each"]) - 1
    return t_quantile(2 * freedom, 0.95) * math.sqrt(sum(spreads)) / paired


def coverage(seeds: int, metric: str) -> tuple[float, float]:
    """Share of paired intervals that hold the true difference, and its standard error."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "queue.yaml"
        path.write_text(QUEUE, encoding="utf-8")
        slow = load_design(str(path))
    quick = slow.varied([("desk.steps.0.work.exponential.mean", "95ms")])
    truths = []
    for service_s in (0.1, 0.095):
        queue = MMc(6.0, 1.0 / service_s, 1)
        mean = metric == "latency.mean"
        truths.append(queue.mean_response_s if mean else queue.response_quantile(0.95))
    exact = truths[1] - truths[0]
    points = [
        Point(item.data, RunOptions(requests=40_000, replications=8, seed=seed), True)
        for seed in range(seeds)
        for item in (slow, quick)
    ]
    found = Bench(Pool(jobs=2)).evaluate(points)
    hits = 0
    for place in range(0, len(found), 2):
        pair = found[place : place + 2]
        cut_s = max(item["document"]["run"]["warmup_s"] for item in pair)
        change = difference(*(table_at(item["estimates"], cut_s)[metric] for item in pair))
        hits += change.low <= exact <= change.high
    share = hits / seeds
    return share, math.sqrt(max(share * (1.0 - share), 0.25 / seeds) / seeds)


def main() -> int:
    """Measure, print, and say by the exit code whether every figure is in its range."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer seeds")
    parser.add_argument("--only", choices=["times", "pairs", "coverage"])
    asked = parser.parse_args()
    lines: list[Line] = []
    if asked.only in (None, "times"):
        lines += times()
    if asked.only in (None, "pairs"):
        gateway = load_design(GATEWAY)
        other = gateway.varied([("response_cache.hit_ratio", "8%")], name="cached")
        for metric in ("latency.mean", "overhead.p99", "cost.per_hour"):
            factor = narrowing(gateway, other, metric)
            lines.append(Line(f"pairing narrows {metric}", factor, 2.0, math.inf, "x"))
    if asked.only in (None, "coverage"):
        seeds = 60 if asked.quick else 400
        for metric in ("latency.mean", "latency.p95"):
            share, error = coverage(seeds, metric)
            name = f"coverage of {metric}, {seeds} seeds (± {100 * error:.1f})"
            lines.append(Line(name, 100.0 * share, 92.0, 98.0, "%"))
    for line in lines:
        limit = f"{line.low:g} to {line.high:g}"
        print(f"{'ok  ' if line.holds else 'MISS'}  {line.name:<50} {line.value:8.2f}{line.unit}"
              f"   wanted {limit}")  # fmt: skip
    return 0 if all(line.holds for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
