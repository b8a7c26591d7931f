"""A measured run of vLLM as a folder holds it: its requests, and the settings of its engine.

`vllm_requests.jsonl[.gz]` holds one request a line, `vllm_meta.json` what the engine was started
with, `llmservingsim_config.json` the link that was declared. `Started` turns the settings into an
`EngineConfig` and step times and keeps, for every setting, where it comes from.
"""

from __future__ import annotations

import gzip
import json
import re
from typing import TYPE_CHECKING, Any

from simulator.serving.all_reduce import Link
from simulator.serving.errors import Problem, ProfileError, ServingError
from simulator.serving.memory import GIB, QUANTIZATIONS, plan_memory
from simulator.serving.settings import SYNCHRONOUS_HOST_S, EngineConfig

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.serving.kernel_table import TableStepTime
    from simulator.serving.profile import Profile

__all__ = ["META", "Started", "declared_link", "read_requests", "read_settings"]

META = "vllm_meta.json"
LINK = "llmservingsim_config.json"
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
ARGUMENTS = ("engine_kwargs", "engine_args", "args")
TOP_LEVEL = COUNTS | {
    "async_scheduling",
    "enable_expert_parallel",
    "enforce_eager",
    "gpu_memory_utilization",
    "kv_cache_dtype",
    "quantization",
}
ASYNC_SINCE = (0, 14)
MASKED_SAMPLING_SINCE = (0, 17)
GRAPHS_COUNTED_SINCE = (0, 21)
VERSION_ASSUMED = "0.19"
GRAPH_TOKENS_MAX = 512
LARGE_BYTES = 70 * GIB
BITS = {"fp8": "fp8", "w8a8": "int8", "int8": "int8"}
FOUR_BITS = ("awq", "gptq", "int4", "w4a16", "bitsandbytes", "bnb")


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
    """Return the measured engine's settings; without the file, none: vLLM's defaults hold.

    The arguments are read from `engine_kwargs` (or `engine_args`, `args`), else from the top level,
    with underscores or hyphens.
    """
    settings = read_json(path) if path.is_file() else {}
    problems = []
    kwargs: dict[str, Any] = {}
    for part in (settings, *(settings.get(name) or {} for name in ARGUMENTS)):
        if not isinstance(part, dict):
            problems.append("engine_kwargs is no mapping")
            continue
        plain = {str(key).replace("-", "_"): value for key, value in part.items()}
        kwargs |= plain if part is not settings else {k: plain[k] for k in TOP_LEVEL & plain.keys()}
    settings["engine_kwargs"] = kwargs
    settings["kv_cache"] = settings.get("kv_cache") or {}
    if not isinstance(settings["kv_cache"], dict):
        problems.append("kv_cache is no mapping")
        settings["kv_cache"] = {}
    for part in (kwargs, settings["kv_cache"]):
        problems += [
            f"{name} is {json.dumps(part[name])}, not a whole number above 0"
            for name in sorted(COUNTS & part.keys())
            if part[name] is not None and not (type(part[name]) is int and part[name] > 0)
        ]
    share = kwargs.get("gpu_memory_utilization")
    if share is not None and not (isinstance(share, float | int) and 0.0 < share <= 1.0):
        problems.append(f"gpu_memory_utilization is {json.dumps(share)}, not between 0 and 1")
    if (kwargs.get("pipeline_parallel_size") or 1) != 1:
        problems.append("pipeline parallelism is not simulated")
    version = settings.get("vllm_version")
    if version is not None and not re.search(r"\d+\.\d+", str(version)):
        problems.append(f"vllm_version is {version!r}, not a version such as 0.19.0")
    if problems:
        raise ProfileError([Problem(str(path), 1, 1, problem) for problem in problems])
    return settings


def declared_link(folder: Path) -> Link | None:
    """Return the link that the folder declares, if any (GB/s and ns)."""
    path = folder / LINK
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


def read_requests(path: Path) -> list[dict[str, float]]:
    """Return the measured requests, gzipped or not, or every malformed row."""
    if not path.is_file() and path.suffix == ".gz" and path.with_suffix("").is_file():
        path = path.with_suffix("")
    if not path.is_file():
        raise ProfileError([Problem(str(path), 1, 1, "this file is missing")])
    rows, problems = [], []
    try:
        content = path.read_bytes()
        lines = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ProfileError([Problem(str(path), 1, 1, f"cannot be read: {error}")]) from error
    for number, line in enumerate(lines.splitlines(), start=1):
        if not line.strip():
            continue
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


class Started:
    """The engine that a folder's settings start: `config`, `step_time` and `replicas`.

    `facts` maps what was decided to (value, where it comes from); `notes` are things to know.
    """

    def __init__(
        self,
        profile: Profile,
        settings: dict[str, Any],
        folder: Path,
        blocks: int | None = None,
        host_s: float | None = None,
    ) -> None:
        self.facts: dict[str, tuple[str, str]] = {}
        self.notes: list[str] = []
        self._kwargs = settings["engine_kwargs"]
        self._profile = profile
        if not (folder / META).is_file():
            self.notes.append(f"there is no {META}: the defaults of vLLM's server are taken")
        self.gpus = self._degree()
        self.replicas = int(self._given("data_parallel_size", 1, "vLLM's default"))
        model = profile.catalogue_model
        self.expert_shards = self.replicas if model.experts > 1 else 1
        if self.expert_shards > 1:
            self.notes.append(
                f"{self.replicas} replicas keep one copy of the experts; the time for which one "
                "waits for the other's longer step is not simulated"
            )
        version = str(settings.get("vllm_version") or VERSION_ASSUMED)
        match = re.search(r"(\d+)\.(\d+)", version)
        assert match is not None, "checked when the settings were read"
        self._version = (int(match[1]), int(match[2]))
        self._fact("vLLM", version, META if settings.get("vllm_version") else "assumed")
        self.config = self._config(settings, blocks, host_s)
        self.step_time = self._times(folder)

    def _fact(self, name: str, value: object, source: str) -> None:
        self.facts[name] = (str(value), source)

    def _given(self, name: str, default: Any, source: str) -> Any:
        """Return the setting `name` or its default, and note where it comes from."""
        given = self._kwargs.get(name)
        value = default if given is None else given
        self._fact(name, value, source if given is None else META)
        return value

    def _degree(self) -> int:
        """Return the tensor-parallel degree: as told, else the smallest one measured."""
        degrees = sorted(self._profile.tables)
        smallest = f"smallest of the measured {', '.join(map(str, degrees))}"
        return int(self._given("tensor_parallel_size", degrees[0], smallest))

    def _config(
        self, settings: dict[str, Any], blocks: int | None, host_s: float | None
    ) -> EngineConfig:
        kwargs, resolved, gpu = self._kwargs, settings["kv_cache"], self._profile.catalogue_gpu
        # vLLM's defaults (EngineArgs): large GPUs except the A100 get larger batches.
        large = gpu is not None and gpu.memory_bytes >= LARGE_BYTES and "A100" not in gpu.name
        default = f"vLLM's default for {'a large GPU' if large else 'this GPU'}"
        sequences = self._given("max_num_seqs", 1024 if large else 256, default)
        tokens = 8192 if large else 2048
        batched = max(self._given("max_num_batched_tokens", tokens, default), sequences)
        size = resolved.get("block_size") or kwargs.get("block_size") or 16
        blocks = self._blocks(resolved, blocks, sequences, batched, size)
        asynchronous = kwargs.get("async_scheduling")
        if asynchronous is None:
            asynchronous = self._version >= ASYNC_SINCE
        return EngineConfig(
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

    def _blocks(
        self, resolved: dict[str, Any], told: int | None, sequences: int, batched: int, size: int
    ) -> int:
        """Return the KV blocks: as told, as the engine reported, else from the GPU's memory."""
        kwargs, gpu = self._kwargs, self._profile.catalogue_gpu
        named = kwargs.get("num_gpu_blocks_override") or kwargs.get("num_gpu_blocks")
        for value, source in (
            (told, "--blocks"),
            (resolved.get("num_gpu_blocks"), f"kv_cache in {META}"),
            (named, META),
        ):
            if value:
                self._fact("KV blocks", f"{value} of {size} tokens", source)
                return int(value)
        if gpu is None:
            raise ServingError(
                f"{self._profile.gpu} is not in the catalogue and {META} names no "
                "num_gpu_blocks; give --blocks"
            )
        scheme = str(kwargs.get("quantization") or "").lower()
        bits = next((bits for name, bits in BITS.items() if name in scheme), "bf16")
        if any(name in scheme for name in FOUR_BITS):
            bits = "int4"
        if scheme:
            self.notes.append(f"quantization {scheme}: the kernels must have been measured with it")
        share = float(self._given("gpu_memory_utilization", 0.9, "vLLM's default"))
        plan = plan_memory(
            self._profile.catalogue_model,
            gpu,
            tensor_parallel=self.gpus,
            gpu_memory_utilization=share,
            weight_bytes=QUANTIZATIONS[bits].weight_bytes,
            kv_bytes=1.0 if "fp8" in str(kwargs.get("kv_cache_dtype")) else 2.0,
            max_num_batched_tokens=batched,
            max_num_seqs=sequences,
            block_size=size,
            expert_shards=self.expert_shards,
            sorted_sampling=self._version < MASKED_SAMPLING_SINCE,
        )
        if self._version >= GRAPHS_COUNTED_SINCE:
            self.notes.append("this vLLM also puts memory of CUDA graphs aside: give --blocks")
        each = (plan.kv_cache, plan.usable, plan.weights, plan.activations, plan.reserved)
        left, usable, weights, activations, reserved = (part / GIB for part in each)
        self._fact(
            "KV blocks",
            f"{plan.num_gpu_blocks} of {size} tokens",
            f"{left:.2f} GiB: {share:g} x {usable / share:.2f} of the {gpu.name} - {weights:.2f} "
            f"weights - {activations:.2f} activations - {reserved:.2f} driver",
        )
        return plan.num_gpu_blocks

    def _times(self, folder: Path) -> TableStepTime:
        link, gpu = declared_link(folder), self._profile.catalogue_gpu
        if self.gpus * self.expert_shards > 1:
            source = LINK if link is not None else "GPU catalogue"
            if link is None:
                if gpu is None:
                    raise ServingError(f"{self._profile.gpu} is not in the catalogue; add {LINK}")
                link = Link(gpu.link_bytes_per_s, gpu.link_latency_s)
            value = f"{link.bytes_per_s / 1e9:g} GB/s, {link.latency_s * 1e6:g} us"
            self._fact("link", value, source)
        graph_max = min(2 * self.config.max_num_seqs, GRAPH_TOKENS_MAX)
        return self._profile.step_time(
            self.gpus,
            link=link,
            graph_max=0 if self._kwargs.get("enforce_eager") else graph_max,
            expert_shards=self.expert_shards,
        )
