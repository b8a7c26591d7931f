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
import gzip
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

from simulator.serving.all_reduce import Link
from simulator.serving.engine import ContinuousBatching
from simulator.serving.errors import Problem, ProfileError, ServingError
from simulator.serving.generation import Generation
from simulator.serving.memory import plan_memory
from simulator.serving.profile import Profile, calibrate
from simulator.serving.replay import replay
from simulator.serving.routing import LeastLoaded
from simulator.serving.settings import SYNCHRONOUS_HOST_S, EngineConfig

STATISTICS = ("mean", "p50", "p90", "p95", "p99")
FIELDS = (
    "input_toks",
    "output_toks",
    "arrival_time",
    "queued_ts",
    "first_token_ts",
    "last_token_ts",
)
COUNTS = {
    "block_size",
    "data_parallel_size",
    "max_num_batched_tokens",
    "max_num_seqs",
    "num_gpu_blocks",
    "num_gpu_blocks_override",
    "tensor_parallel_size",
}
REQUESTS = "vllm_requests.jsonl.gz"
ASYNC_SINCE = (0, 14)
GRAPH_TOKENS_MAX = 512


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
    settings = read_settings(folder / "vllm_meta.json")
    requests = read_requests(folder / REQUESTS)
    config, step_time, replicas = build(profile, settings, folder, blocks, host_s)
    engines = [ContinuousBatching(step_time, config) for _ in range(replicas)]
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
        "num_gpu_blocks": config.num_gpu_blocks,
        "preemptions": sum(engine.batch.preemptions for engine in engines),
        "step_time": step_time.provenance.kind,
        "held_out_error": step_time.provenance.held_out_error,
        "outside_calibration": reach,
        "metrics": metrics,
        "mean_error": float(np.mean(errors)),
        "worst_error": float(np.max(errors)),
    }


def build(
    profile: Profile,
    settings: dict[str, Any],
    folder: Path,
    blocks: int | None,
    host_s: float | None,
) -> tuple[EngineConfig, Any, int]:
    """Return the engine's settings, its step times and the number of replicas."""
    kwargs, resolved = settings["engine_kwargs"], settings["kv_cache"]
    gpus = kwargs.get("tensor_parallel_size") or 1
    gpu = profile.catalogue_gpu
    # vLLM's defaults (EngineArgs): large GPUs except the A100 get larger batches.
    large = gpu is not None and gpu.memory_bytes >= 70 * 2**30 and "A100" not in gpu.name
    sequences = kwargs.get("max_num_seqs") or (1024 if large else 256)
    batched = kwargs.get("max_num_batched_tokens") or (8192 if large else 2048)
    batched = max(batched, sequences)
    size = resolved.get("block_size") or kwargs.get("block_size") or 16
    blocks = (
        blocks
        or resolved.get("num_gpu_blocks")
        or settings.get("num_gpu_blocks")
        or kwargs.get("num_gpu_blocks_override")
    )
    if not blocks:
        if gpu is None:
            raise ServingError(
                f"{profile.gpu} is not in the catalogue and vllm_meta.json names no "
                "num_gpu_blocks; give --blocks"
            )
        blocks = plan_memory(
            profile.catalogue_model,
            gpu,
            tensor_parallel=gpus,
            gpu_memory_utilization=float(kwargs.get("gpu_memory_utilization") or 0.9),
            weight_bytes=1.0 if "fp8" in str(kwargs.get("quantization")) else 2.0,
            kv_bytes=1.0 if "fp8" in str(kwargs.get("kv_cache_dtype")) else 2.0,
            max_num_batched_tokens=batched,
            max_num_seqs=sequences,
            block_size=size,
        ).num_gpu_blocks
    asynchronous = kwargs.get("async_scheduling")
    if asynchronous is None:
        version = re.search(r"(\d+)\.(\d+)", str(settings.get("vllm_version") or "0.19"))
        assert version is not None, "checked when the settings were read"
        asynchronous = (int(version[1]), int(version[2])) >= ASYNC_SINCE
    config = EngineConfig(
        max_num_seqs=sequences,
        max_num_batched_tokens=batched,
        num_gpu_blocks=blocks,
        block_size=size,
        prefix_caching=kwargs.get("enable_prefix_caching") is not False,
        chunked_prefill=kwargs.get("enable_chunked_prefill") is not False,
        lookahead=int(asynchronous),
        step_overhead_s=0.0 if asynchronous or host_s is not None else SYNCHRONOUS_HOST_S,
        prompt_overhead_s=host_s or 0.0,
    )
    graph_max = 0 if kwargs.get("enforce_eager") else min(2 * sequences, GRAPH_TOKENS_MAX)
    step_time = profile.step_time(gpus, link=declared_link(folder), graph_max=graph_max)
    return config, step_time, kwargs.get("data_parallel_size") or 1


def declared_link(folder: Path) -> Link | None:
    """Return the link that the folder declares, if any (GB/s and ns)."""
    path = folder / "llmservingsim_config.json"
    document = read_json(path) if path.is_file() else {}
    if "link_bw" not in document:
        return None
    try:
        bandwidth, latency = float(document["link_bw"]), float(document.get("link_latency") or 0)
    except (TypeError, ValueError):
        bandwidth = latency = 0.0
    if bandwidth <= 0.0 or latency < 0.0:
        raise ProfileError([Problem(str(path), 1, 1, "link_bw is no number of GB/s above zero")])
    return Link(bandwidth * 1e9, latency * 1e-9)


def read_json(path: Path) -> dict[str, Any]:
    """Return the mapping in a JSON file, or say where it is malformed."""
    try:
        document = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise ProfileError([Problem(str(path), error.lineno, error.colno, error.msg)]) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError([Problem(str(path), 1, 1, f"cannot be read: {error}")]) from error
    if not isinstance(document, dict):
        raise ProfileError([Problem(str(path), 1, 1, "a mapping is expected here")])
    return document


def read_settings(path: Path) -> dict[str, Any]:
    """Return the measured engine's settings; without the file, vLLM's defaults."""
    settings = read_json(path) if path.is_file() else {}
    problems = []
    for name in ("engine_kwargs", "kv_cache"):
        settings[name] = settings.get(name) or {}
        if not isinstance(settings[name], dict):
            problems.append(f"{name} is no mapping")
            settings[name] = {}
    for part in (settings, settings["engine_kwargs"], settings["kv_cache"]):
        problems += [
            f"{name} is {json.dumps(part[name])}, not a whole number above 0"
            for name in sorted(COUNTS & part.keys())
            if part[name] is not None and not (type(part[name]) is int and part[name] > 0)
        ]
    if (settings["engine_kwargs"].get("pipeline_parallel_size") or 1) != 1:
        problems.append("pipeline parallelism is not simulated")
    version = settings.get("vllm_version")
    if version is not None and not re.search(r"\d+\.\d+", str(version)):
        problems.append(f"vllm_version is {version!r}, not a version such as 0.19.0")
    if problems:
        raise ProfileError([Problem(str(path), 1, 1, problem) for problem in problems])
    return settings


def read_requests(path: Path) -> list[dict[str, float]]:
    """Return the measured requests, or every malformed row."""
    if not path.is_file():
        raise ProfileError([Problem(str(path), 1, 1, "this file is missing")])
    rows, problems = [], []
    try:
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ProfileError([Problem(str(path), 1, 1, f"cannot be read: {error}")]) from error
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            rows.append({name: float(row[name]) for name in FIELDS})
            if not (row["input_toks"] >= 1 and row["output_toks"] >= 1):
                problems.append(Problem(str(path), number, 1, "a request without tokens"))
        except json.JSONDecodeError as error:
            problems.append(Problem(str(path), number, error.colno, error.msg))
        except (KeyError, TypeError, ValueError) as error:
            problems.append(Problem(str(path), number, 1, f"missing or no number: {error}"))
    if problems or not rows:
        raise ProfileError(problems or [Problem(str(path), 1, 1, "no requests")])
    return rows


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
        f"{'':12}{'measured':>12}{'simulated':>12}{'error':>9}",
    ]
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
