"""Replays a measured vLLM run from kernel measurements alone and compares 15 metrics.

    python benchmarks/served_replay.py data/llmservingsim/RTXPRO6000/Llama-3.1-8B [--json]

The folder holds `profile_*` (kernel times), `vllm_requests.jsonl.gz` (the measured requests) and
`vllm_meta.json` (the engine's settings). The step times come from the kernel times, the number of
KV blocks from the settings or from the memory of the GPU, everything else from vLLM's defaults;
the measured latencies are only compared with. Host time counts only where scheduling is not
asynchronous (`SYNCHRONOUS_HOST_S`, as published) unless `--host-ms` says otherwise. With tensor
parallelism the link is the one declared in `llmservingsim_config.json` if that file is there,
else the GPU catalogue's.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from simulator.serving.engine import ContinuousBatching
from simulator.serving.errors import ServingError
from simulator.serving.generation import Generation
from simulator.serving.profile import calibrate
from simulator.serving.replay import replay
from simulator.serving.routing import LeastLoaded
from simulator.serving.served_run import META, Started, read_requests, read_settings

STATISTICS = ("mean", "p50", "p90", "p95", "p99")
REQUESTS = "vllm_requests.jsonl.gz"


def main() -> int:
    """Print the comparison of one folder; 0 unless the folder cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--blocks", type=int, help="KV blocks of each replica, if known")
    parser.add_argument("--host-ms", type=float, help="host time of a step with a prompt")
    arguments = parser.parse_args()
    try:
        host_s = None if arguments.host_ms is None else arguments.host_ms * 1e-3
        result = compare(arguments.folder, arguments.blocks, host_s)
    except ServingError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(result) if arguments.json else table(result))
    return 0


def compare(folder: Path, blocks: int | None = None, host_s: float | None = None) -> dict[str, Any]:
    """Return the 15 metrics of the run in `folder` as measured, simulated and relative error."""
    profile = calibrate(folder)
    settings = read_settings(folder / META)
    requests = read_requests(folder / REQUESTS)
    server = Started(profile, settings, folder, blocks, host_s)
    config, step_time = server.config, server.step_time
    engines = [ContinuousBatching(step_time, config) for _ in range(server.replicas)]
    start = min(row["arrival_time"] for row in requests)
    arrivals = [
        (row["arrival_time"] - start, Generation(int(row["input_toks"]), int(row["output_toks"])))
        for row in sorted(requests, key=lambda row: row["arrival_time"])
    ]
    replay(engines, arrivals, LeastLoaded())
    simulated = [(r.ttft_s, r.tpot_s, r.latency_s) for _, r in arrivals]
    metrics = {
        name: {"measured": real, "simulated": value, "error": value / real - 1.0}
        for (name, real), value in zip(
            summary(measured(requests)).items(), summary(simulated).values(), strict=True
        )
    }
    errors = [abs(metric["error"]) for metric in metrics.values()]
    reach = {
        name: pair for engine in engines for name, pair in engine.outside_calibration().items()
    }
    return {
        "folder": folder.name,
        "gpu": profile.gpu,
        "model": profile.model,
        "requests": len(requests),
        "settings": {
            name: {"value": value, "source": source}
            for name, (value, source) in server.facts.items()
        },
        "notes": server.notes,
        "num_gpu_blocks": config.num_gpu_blocks,
        "preemptions": sum(engine.batch.preemptions for engine in engines),
        "step_time": step_time.provenance.kind,
        "step_time_source": step_time.provenance.source,
        "held_out_error": step_time.provenance.held_out_error,
        "outside_calibration": reach,
        "metrics": metrics,
        "mean_error": float(np.mean(errors)),
        "worst_error": float(np.max(errors)),
    }


def measured(rows: list[dict[str, float]]) -> list[tuple[float, float, float]]:
    """Return (TTFT, TPOT, end to end) of each request, from its arrival.

    Arrivals carry another clock than tokens: the smallest queued - arrival aligns them.
    """
    offset = min(row["queued_ts"] - row["arrival_time"] for row in rows)
    result = []
    for row in rows:
        arrival = row["arrival_time"] + offset
        span = row["last_token_ts"] - row["first_token_ts"]
        result.append(
            (
                row["first_token_ts"] - arrival,
                span / max(1.0, row["output_toks"] - 1),
                row["last_token_ts"] - arrival,
            )
        )
    return result


def summary(rows: list[tuple[float, float, float]]) -> dict[str, float]:
    """Return mean and percentiles of the three times, in seconds."""
    values = np.asarray(rows)
    result = {}
    for column, name in enumerate(("ttft", "tpot", "e2e")):
        numbers = [values[:, column].mean(), *np.percentile(values[:, column], (50, 90, 95, 99))]
        for statistic, number in zip(STATISTICS, numbers, strict=True):
            result[f"{name}.{statistic}"] = float(number)
    return result


def table(result: dict[str, Any]) -> str:
    """Return the comparison as text, times in milliseconds."""
    lines = [
        f"{result['model']} on {result['gpu']}: {result['requests']} requests, "
        f"{result['num_gpu_blocks']} KV blocks, {result['preemptions']} preemptions",
        f"  step times: {result['step_time']}, {result['step_time_source']}",
    ]
    lines += [
        f"  {name}: {fact['value']} ({fact['source']})" for name, fact in result["settings"].items()
    ]
    lines += [f"  note: {note}" for note in result["notes"]]
    lines += [
        f"  note: {name} reached {seen:g}, measured up to {reach:g}: extrapolated"
        for name, (seen, reach) in result["outside_calibration"].items()
    ]
    lines.append(f"{'':12}{'measured':>12}{'simulated':>12}{'error':>9}")
    for name, metric in result["metrics"].items():
        lines.append(
            f"{name:12}{metric['measured'] * 1e3:12.1f}{metric['simulated'] * 1e3:12.1f}"
            f"{metric['error']:9.1%}"
        )
    lines.append(
        f"mean absolute error {result['mean_error']:.1%}, worst {result['worst_error']:.1%}; "
        f"kernel table held-out error {result['held_out_error']:.1%}"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
