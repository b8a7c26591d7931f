"""How fast the engine is, beside plain SimPy and the peers that are installed, in one run.

    python benchmarks/engine.py [--requests 60000] [--rounds 5] [--json]

Every model is run by every program in turn, round after round, in this one process, so a machine
that slows down slows all of them; the figures are medians over the rounds, the ratio is the
median of the ratios of the rounds. The product runs its normal path (document, recording of every
request, traced visits, meters on a time grid) and sorts out p99 inside the timed part; SimPy runs
the idiomatic program: a `Resource` per station, a process per request, and a list of latencies.
"""

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import simpy

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.peers import queueing_peers
from simulator.engine.replicate import Experiment, run_replication
from simulator.topology.reading import load_topology
from simulator.workload.arrivals.steady import Steady

FOLDER = Path(__file__).parent / "topologies"


@dataclass(frozen=True)
class Model:
    """A line of M/M/c stations: arrival rate (per s), and (servers, mean service in s) of each."""

    name: str
    rate: float
    stations: tuple[tuple[int, float], ...]


MODELS = (
    Model("chain", 800.0, ((12, 0.012),) * 5),
    Model("mm1", 0.8, ((1, 1.0),)),
    Model("mm8", 6.8, ((8, 1.0),)),
    Model("three_tiers", 400.0, ((1, 0.0005), (8, 0.016), (4, 0.008))),
)


def simpy_latencies(model: Model, requests: int, seed: int) -> list[float]:
    """The model as a SimPy user writes it, without a thought about speed or a trick."""
    env = simpy.Environment()
    draw = random.Random(seed)
    resources = [simpy.Resource(env, capacity=servers) for servers, _ in model.stations]
    latencies: list[float] = []

    def request(env: simpy.Environment):
        arrived = env.now
        for resource, (_, mean) in zip(resources, model.stations, strict=True):
            with resource.request() as turn:
                yield turn
                yield env.timeout(draw.expovariate(1.0 / mean))
        latencies.append(env.now - arrived)

    def source(env: simpy.Environment):
        for _ in range(requests):
            yield env.timeout(draw.expovariate(model.rate))
            env.process(request(env))

    env.process(source(env))
    env.run()
    return latencies


def simpy_p99(model: Model, requests: int, seed: int) -> float:
    """p99 of the SimPy program."""
    return float(np.quantile(simpy_latencies(model, requests, seed), 0.99))


def product_p99(file: str) -> Callable[[Model, int, int], float]:
    """p99 of the product, from a topology file."""
    topology = load_topology(FOLDER / f"{file}.yaml").topology

    def measure(model: Model, requests: int, seed: int) -> float:
        experiment = Experiment(topology, Steady(), requests / model.rate, seed=seed)
        recording = run_replication(experiment, 0)
        return float(np.quantile(recording.requests["latency"], 0.99))

    return measure


def timed(program: Callable[[Model, int, int], float], model: Model, n: int, seed: int) -> float:
    """Hops per second of wall time."""
    began = time.perf_counter()
    program(model, n, seed)
    return n * len(model.stations) / (time.perf_counter() - began)


def side_by_side(model: Model, requests: int, rounds: int) -> dict[str, float]:
    """Hops per second of every program on the model, and the product's ratio to SimPy."""
    programs: dict[str, Callable[[Model, int, int], float]] = {
        "simpy": simpy_p99,
        "product": product_p99(model.name),
    }
    if model.name == "chain":
        programs["product_with_retries"] = product_p99("chain_with_retries")
    programs |= queueing_peers.installed()
    speeds: dict[str, list[float]] = {name: [] for name in programs}
    for turn in range(rounds):
        for name, program in programs.items():
            speeds[name].append(timed(program, model, requests, seed=turn + 1))
    result = {name: statistics.median(values) for name, values in speeds.items()}
    ratios = [a / b for a, b in zip(speeds["product"], speeds["simpy"], strict=True)]
    result["ratio"] = statistics.median(ratios)
    if "product_with_retries" in speeds:
        with_retries = zip(speeds["product_with_retries"], speeds["simpy"], strict=True)
        result["ratio_with_retries"] = statistics.median([a / b for a, b in with_retries])
    return result


def seconds_to_precision(precision: float = 0.02) -> dict[str, float]:
    """Seconds to a +-2 % interval on p99 of M/M/8 at 0.85: what a user waits for.

    The product is asked for the precision and stops by itself. The SimPy program gets what it
    lacks, a loop that adds replications of 35 000 requests (a tenth cut as warm-up) until the same
    interval is as narrow; both use every core they know of: the product all, SimPy one.
    """
    from simulator.metrics.confidence import quantile_interval
    from simulator.studies.run import RunOptions, run

    model = next(model for model in MODELS if model.name == "mm8")
    topology = load_topology(FOLDER / "mm8.yaml").topology
    began = time.perf_counter()
    result = run(topology, RunOptions(precision=precision, wall_s=300.0))
    product_s = time.perf_counter() - began
    began = time.perf_counter()
    samples: list[np.ndarray] = []
    while True:
        latencies = np.array(simpy_latencies(model, 35_000, len(samples) + 1))
        samples.append(latencies[len(latencies) // 10 :])
        enough = len(samples) >= 4
        if enough and quantile_interval(samples, 0.99).relative <= precision:
            break
    simpy_s = time.perf_counter() - began
    p99 = result.document["metrics"]["latency"]["p99"]
    return {
        "simpy": simpy_s,
        "product": product_s,
        "product_replications": float(len(result.recordings)),
        "simpy_replications": float(len(samples)),
        "product_half_width": (p99["high"] - p99["low"]) / 2 / p99["value"],
    }


def main() -> None:
    """Run everything and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--requests", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--no-precision", action="store_true", help="leave out the last part")
    options = parser.parse_args()
    results: dict[str, dict[str, float]] = {}
    for model in MODELS:
        results[model.name] = side_by_side(model, options.requests, options.rounds)
        if not options.json:
            _print(model, results[model.name])
    if not options.no_precision:
        results["seconds_to_2_percent_on_p99_of_mm8"] = found = seconds_to_precision()
        if not options.json:
            print("\nseconds to ±2 % on p99 of M/M/8 at 0.85")
            for name, value in found.items():
                print(f"  {name:<22} {value:10.3g}")
    if options.json:
        print(json.dumps(results, indent=2))


def _print(model: Model, found: dict[str, float]) -> None:
    print(f"\n{model.name}: {len(model.stations)} stations, hops per second")
    for name, value in found.items():
        if name.startswith("ratio"):
            print(f"  {name:<22} {value:10.2f} x SimPy")
        else:
            print(f"  {name:<22} {value:10,.0f}   {value / found['simpy']:6.2f} x")


if __name__ == "__main__":
    main()
