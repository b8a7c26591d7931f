"""A study on a Dask cluster: from one worker to two, and what a task costs beyond its computation.

    python benchmarks/cluster.py [--points 40] [--requests 40000] [--json]

Real worker processes on this machine, one thread each. The scaling is that of one set of points,
in three rounds of one worker and two; the median of the ratios is reported. The overhead of a task
is the real time of many short points on one worker beyond the time that the worker itself needs
for them, which it is asked to measure. Takes about two minutes on two cores, which have to be free.
"""

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from simulator.asked import design_of
from simulator.studies.planner import Bench
from simulator.studies.point import Point, compute
from simulator.studies.pool import Pool
from simulator.studies.run import RunOptions

DESIGN = """
name: desk
rate: 50 rps
requests:
  all: {entry: counter}
components:
  counter:
    kind: service
    workers: 4
    steps: [{work: {exponential: {mean: 50ms}}}]
"""
SHORT_POINTS = 100
SHORT_REQUESTS = 1_000


def points_of(count: int, requests: int) -> list[Point]:
    """So many rates of an M/M/4 station, each with its own seed."""
    data = design_of(DESIGN).data
    options = RunOptions(requests=requests, replications=4)
    return [
        Point(data, replace(options, rps=20.0 + 40.0 * n / count, seed=n)) for n in range(count)
    ]


def timed(address: str, points: Sequence[Point]) -> float:
    """Real seconds until all points are back."""
    began = time.perf_counter()
    Bench(Pool("dask", address)).evaluate(points)
    return time.perf_counter() - began


def computed_s(points: Sequence[Point]) -> float:
    """Real seconds that a worker needs for the points, measured by itself."""
    began = time.perf_counter()
    for point in points:
        compute(point)
    return time.perf_counter() - began


def measured(points: int, requests: int, rounds: int = 3) -> dict[str, float]:
    """Times with one worker and with two, their ratio, and the overhead of a task."""
    from importlib import import_module

    distributed: Any = import_module("distributed")

    def cluster(workers: int) -> Any:
        return distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=None, processes=True
        )

    work = points_of(points, requests)
    times: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for workers in times:
            with cluster(workers) as found:
                timed(found.scheduler_address, points_of(2 * workers, 100))  # imports, once
                times[workers].append(timed(found.scheduler_address, work))
    short = points_of(SHORT_POINTS, SHORT_REQUESTS)
    with cluster(1) as found, distributed.Client(found) as client:
        timed(found.scheduler_address, short[:2])
        whole_s = timed(found.scheduler_address, short)
        own_s = client.submit(computed_s, short).result()
    return {
        "points": points,
        "requests": requests,
        "one_worker_s": statistics.median(times[1]),
        "two_workers_s": statistics.median(times[2]),
        "scaling": statistics.median(
            one / two for one, two in zip(times[1], times[2], strict=True)
        ),
        "short_task_s": own_s / SHORT_POINTS,
        "overhead_s": (whole_s - own_s) / SHORT_POINTS,
    }


def main() -> None:
    """Measure and print a few lines, or JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--points", type=int, default=40)
    parser.add_argument("--requests", type=int, default=40_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    found = measured(options.points, options.requests)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    print(f"1 worker   {found['one_worker_s']:.1f} s")
    print(f"2 workers  {found['two_workers_s']:.1f} s, {found['scaling']:.2f} times as fast")
    print(
        f"overhead   {1e3 * found['overhead_s']:.1f} ms a task, over {SHORT_POINTS} tasks of "
        f"{1e3 * found['short_task_s']:.0f} ms"
    )


if __name__ == "__main__":
    main()
