"""Measures how fast serving simulators replay the Azure conversation trace on one core.

    python benchmarks/serving_speed.py [--peer-python PYTHON] [--peer-requests N] [--json]

Ours replays all 19,366 requests over four replicas of Llama-3.1-8B; one warm-up, the median of
five runs. `vidur` and `sched-sim` run in the same session on the first N requests of the trace if
they are installed (`pip install vidur sched-sim`, best in an environment of their own named by
`--peer-python`); only their simulation loop is timed, without imports, parsing or reports.
Vidur's trained execution-time models need a download, so its predictor is replaced by one that
returns a constant at once: its speed here is an upper bound. sched-sim simulates one replica; the
trace is dealt to four of them in turn and their times are added.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import gzip
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
DATA = HERE.parent / "data"
TRACE = DATA / "azure_llm_2023" / "AzureLLMInferenceTrace_conv.csv.gz"
PROFILE = DATA / "llmservingsim" / "RTXPRO6000" / "Llama-3.1-8B"
REPLICAS = 4
PEER_TIMEOUT_S = 600


def main() -> None:
    """Print requests per second of each simulator."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--peer-python", default=sys.executable)
    parser.add_argument("--peer-requests", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result: dict[str, Any] = {"ours": ours(arguments.runs)}
    for name in ("vidur", "sched-sim"):
        result[name] = peer(name, arguments.peer_python, arguments.peer_requests)
    if arguments.json:
        print(json.dumps(result))
        return
    for name, part in result.items():
        if "requests_per_s" in part:
            factor = result["ours"]["requests_per_s"] / part["requests_per_s"]
            beside = "" if name == "ours" else f"  ({factor:,.0f}x slower than ours)"
            print(f"{name:10}{part['requests_per_s']:12,.0f} requests/s{beside}")
        else:
            print(f"{name:10} not run: {part['reason']}")


def read_trace(limit: int | None = None) -> list[tuple[float, int, int]]:
    """Return (arrival, prompt tokens, output tokens) of the trace."""
    rows = []
    with gzip.open(TRACE, "rt") as file:
        for line in csv.DictReader(file):
            at = datetime.datetime.fromisoformat(line["TIMESTAMP"][:26]).timestamp()
            rows.append((at, int(line["ContextTokens"]), max(1, int(line["GeneratedTokens"]))))
            if limit and len(rows) == limit:
                break
    start = rows[0][0]
    return [(at - start, prompt, output) for at, prompt, output in rows]


def ours(runs: int) -> dict[str, Any]:
    """Return the median speed of the engines in this package."""
    from simulator.serving.engine import ContinuousBatching
    from simulator.serving.generation import Generation
    from simulator.serving.profile import calibrate
    from simulator.serving.replay import replay
    from simulator.serving.routing import LeastLoaded
    from simulator.serving.settings import EngineConfig

    step_time = calibrate(PROFILE).step_time()
    config = EngineConfig(max_num_seqs=256, num_gpu_blocks=35_000)
    trace = read_trace()
    speeds, steps = [], 0
    for _ in range(runs + 1):
        arrivals = [(at, Generation(prompt, output)) for at, prompt, output in trace]
        engines = [ContinuousBatching(step_time, config) for _ in range(REPLICAS)]
        start = time.perf_counter()
        replay(engines, arrivals, LeastLoaded())
        speeds.append(len(trace) / (time.perf_counter() - start))
        steps = sum(engine.steps for engine in engines)
    return {
        "requests_per_s": statistics.median(speeds[1:]),
        "requests": len(trace),
        "steps": steps,
        "runs": [round(speed) for speed in speeds[1:]],
    }


def peer(name: str, python: str, requests: int) -> dict[str, Any]:
    """Return the speed of another simulator, run in its own process, or why it did not run."""
    script = HERE / "peers" / f"{name.replace('-', '_')}_speed.py"
    trace = json.dumps(read_trace(requests))
    try:
        done = subprocess.run(
            [python, str(script), str(REPLICAS)],
            input=trace,
            capture_output=True,
            text=True,
            timeout=PEER_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"reason": str(error)}
    if done.returncode:
        return {"reason": (done.stderr.strip().splitlines() or ["failed"])[-1]}
    seconds = float(done.stdout.strip().splitlines()[-1])
    return {"requests_per_s": requests / seconds, "requests": requests, "seconds": seconds}


if __name__ == "__main__":
    main()
