"""Cost grows with work and nothing else: time and memory at n and 10 n requests.

    python benchmarks/scaling.py [--requests 40000] [--json]

Each size runs in a process of its own, the two sizes in turn, three times over. Reported are the
median ratio of the times (at most 11 is asked for) and the growth of peak memory per request (at
most 200 bytes is asked for), on M/M/8 at 0.85 and on the LLM gateway at 500 rps.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
MODELS = {
    "mm8": (ROOT / "benchmarks" / "topologies" / "mm8.yaml", 6.8),
    "llm_gateway": (ROOT / "topologies" / "llm_gateway.yaml", 500.0),
}
CHILD = """
import json, resource, sys, time
sys.path.insert(0, sys.argv[1])
from simulator.engine.budget import Budget
from simulator.engine.replicate import Experiment, run_replication
from simulator.topology.reading import load_topology
from simulator.workload.arrivals.steady import Steady
path, rate, requests = sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
topology = load_topology(path).topology.model_copy(update={"rate": rate})
experiment = Experiment(topology, Steady(), requests / rate, seed=1, budget=Budget(wall_s=1e4))
began = time.perf_counter()
recording = run_replication(experiment, 0)
spent = time.perf_counter() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"seconds": spent, "bytes": peak, "requests": sum(recording.issued)}))
"""


def once(path: Path, rate: float, requests: int) -> dict[str, float]:
    """Seconds, peak bytes and requests of one run in a fresh process."""
    words = [sys.executable, "-c", CHILD, str(ROOT), str(path), str(rate), str(requests)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def grown(name: str, requests: int, rounds: int = 3) -> dict[str, float]:
    """Ratio of the times and bytes per further request between n and 10 n."""
    path, rate = MODELS[name]
    ratios, per_request = [], []
    for _ in range(rounds):
        small, large = once(path, rate, requests), once(path, rate, 10 * requests)
        ratios.append(large["seconds"] / small["seconds"])
        more = large["requests"] - small["requests"]
        per_request.append((large["bytes"] - small["bytes"]) / more)
    return {
        "time_ratio_at_10x": statistics.median(ratios),
        "bytes_per_request": statistics.median(per_request),
    }


def main() -> None:
    """Run both models and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--requests", type=int, default=40_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = {name: grown(name, options.requests) for name in MODELS}
    if options.json:
        print(json.dumps(results, indent=2))
        return
    for name, found in results.items():
        print(
            f"{name:<12} 10x the requests: {found['time_ratio_at_10x']:.2f}x the time, "
            f"{found['bytes_per_request']:.0f} bytes a request"
        )


if __name__ == "__main__":
    main()
