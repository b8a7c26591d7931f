"""How long the studies take and how much pairing narrows, on this machine.

``python benchmarks/studies.py`` prints a table and exits 1 if a limit is missed. Times
are of a whole study with two processes and an empty store; without a free machine they are upper
bounds. Pairing is measured on two variants of the gateway that share everything but the share of
answers from the cache. How often paired intervals hold the truth is measured by
``paired_coverage.py``.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simulator.metrics.confidence import paired_difference, t_quantile
from simulator.metrics.estimates import table_at
from simulator.studies.compare import compare
from simulator.studies.design import Design, load_design
from simulator.studies.planner import Bench
from simulator.studies.point import Point
from simulator.studies.pool import Pool
from simulator.studies.ranges import parse_range
from simulator.studies.run import RunOptions
from simulator.studies.size import size
from simulator.studies.sweep import plan_sweep, sweep

ROOT = Path(__file__).parents[1]
GATEWAY = str(ROOT / "topologies" / "llm_gateway.yaml")
PAIRED = ("latency.mean", "latency.p50", "latency.p99", "quality", "cost.per_hour")
"""What the two variants differ in. Overhead is not among them: it is the same in both to the
last digit, so that a paired interval has no width, and a ratio of widths says nothing."""


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


def narrowing(design: Design, other: Design, metrics: Sequence[str]) -> dict[str, float]:
    """Half-width of an unpaired interval over that of a paired one, for the same runs.

    Both are Student's, without the unequal arms of the product, so that the ratio is that of the
    scatter.
    """
    options = RunOptions(requests=30_000, replications=8)
    bench = Bench(Pool(jobs=2))
    found = bench.evaluate([Point(item.data, options, True) for item in (design, other)])
    cut_s = max(item["document"]["run"]["warmup_s"] for item in found)
    first, second = (table_at(item["estimates"], cut_s) for item in found)
    factors = {}
    for metric in metrics:
        tables = first[metric], second[metric]
        freedom = len(tables[0]["each"]) - 1
        spreads = [np.var(table["each"], ddof=1) / (freedom + 1) for table in tables]
        unpaired = t_quantile(2 * freedom, 0.95) * math.sqrt(sum(spreads))
        both = (table["each"] for table in tables)
        factors[metric] = unpaired / paired_difference(*both).half_width
    return factors


def main() -> int:
    """Measure, print, and say by the exit code whether every figure is in its range."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["times", "pairs"])
    asked = parser.parse_args()
    lines: list[Line] = []
    if asked.only in (None, "times"):
        lines += times()
    if asked.only in (None, "pairs"):
        gateway = load_design(GATEWAY)
        other = gateway.varied([("response_cache.hit_ratio", "8%")], name="cached")
        for metric, factor in narrowing(gateway, other, PAIRED).items():
            lines.append(Line(f"pairing narrows {metric}", factor, 2.0, math.inf, "x"))
    for line in lines:
        limit = f"{line.low:g} to {line.high:g}"
        print(f"{'ok  ' if line.holds else 'MISS'}  {line.name:<50} {line.value:8.2f}{line.unit}"
              f"   wanted {limit}")  # fmt: skip
    return 0 if all(line.holds for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
