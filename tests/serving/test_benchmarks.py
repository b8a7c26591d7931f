"""The figures the serving benchmarks must meet."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from simulator.serving.errors import ServingError

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "data" / "llmservingsim" / "RTXPRO6000" / "Llama-3.1-8B"


def load(name: str) -> ModuleType:
    """Return a benchmark script as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_served_replay_is_within_its_bar() -> None:
    """Mean absolute error of 15 metrics at most 5 %, worst at most 10 %, nothing fitted."""
    result = load("served_replay").compare(FOLDER)
    assert len(result["metrics"]) == 15
    assert result["mean_error"] <= 0.05
    assert result["worst_error"] <= 0.10
    assert result["outside_calibration"] == {}


def test_served_replay_does_not_look_at_served_times(tmp_path: Path) -> None:
    """Other measured times give the same simulated ones."""
    replay = load("served_replay")
    copy = tmp_path / "copy"
    shutil.copytree(FOLDER, copy)
    rows = replay.read_requests(copy / "vllm_requests.jsonl.gz")
    for row in rows:
        row["first_token_ts"] += 7.0
        row["last_token_ts"] += 70.0
    import gzip

    text = "\n".join(json.dumps(row) for row in rows)
    (copy / "vllm_requests.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    before, after = replay.compare(FOLDER)["metrics"], replay.compare(copy)["metrics"]
    assert {k: v["simulated"] for k, v in before.items()} == {
        k: v["simulated"] for k, v in after.items()
    }


def test_a_malformed_request_is_named_with_its_place(tmp_path: Path) -> None:
    """File, line and column; a missing file is named."""
    import gzip

    replay = load("served_replay")
    path = tmp_path / "vllm_requests.jsonl.gz"
    with pytest.raises(ValueError, match="this file is missing"):
        replay.read_requests(path)
    path.write_bytes(gzip.compress(b'{"input_toks": 3}\n{"x": }\n'))
    with pytest.raises(ValueError, match=r"gz:1:1: .*output_toks|gz:2:7") as caught:
        replay.read_requests(path)
    assert ":2:7" in str(caught.value)


def test_mooncake_prefix_hits() -> None:
    """36.6 % of the trace's blocks were seen before, counted directly and by the cache."""
    mooncake = load("mooncake_prefix")
    assert mooncake.direct() == pytest.approx(0.366, abs=0.0005)
    assert mooncake.through_pool() == pytest.approx(mooncake.direct(), abs=1e-12)


def test_concurrency_sweep_is_within_its_bar() -> None:
    """TPOT at 8, 32 and 128 clients from 4, 16 and 64: median error at most 5 %."""
    result = load("concurrency_sweep").run()
    assert result["points"] >= 150
    assert result["median"] <= 0.05


def variant(folder: Path, files: dict[str, str], settings: dict[str, Any]) -> Path:
    """Return a copy of the measured folder with files renamed (or left out) and other settings."""
    folder.mkdir()
    for path in FOLDER.iterdir():
        name = path.name
        for old, new in files.items():
            name = name.replace(old, new) if new or old not in name else ""
        if name:
            shutil.copy(path, folder / name)
    meta = json.loads((FOLDER / "vllm_meta.json").read_text())
    kwargs = {**meta["engine_kwargs"], **settings.pop("engine_kwargs", {})}
    (folder / "vllm_meta.json").write_text(
        json.dumps({**meta, **settings, "engine_kwargs": kwargs})
    )
    return folder


@pytest.mark.parametrize(
    "kwargs",
    [
        {"max_num_batched_tokens": 8192, "max_num_seqs": 256, "block_size": 32},
        {"enforce_eager": True, "enable_prefix_caching": False, "gpu_memory_utilization": 0.5},
        {"data_parallel_size": 2, "kv_cache_dtype": "fp8", "max_num_seqs": None},
        {
            "async_scheduling": False,
            "enable_chunked_prefill": True,
            "num_gpu_blocks_override": 9000,
        },
    ],
)
def test_other_engine_settings_are_heeded(tmp_path: Path, kwargs: dict[str, Any]) -> None:
    """Whatever vLLM was told, the same command runs, and what it was told makes a difference."""
    replay = load("served_replay")
    settings = {"engine_kwargs": kwargs, "vllm_version": "0.20.1rc2.dev3+cu130"}
    other = replay.compare(variant(tmp_path / "copy", {}, settings))
    assert len(other["metrics"]) == 15
    simulated = [metric["simulated"] for metric in other["metrics"].values()]
    usual = [metric["simulated"] for metric in replay.compare(FOLDER)["metrics"].values()]
    assert min(simulated) > 0.0 and simulated != usual


def test_two_gpus_pay_for_their_all_reduces(tmp_path: Path) -> None:
    """The same kernels on two GPUs: a step is longer by its collectives, and so is TPOT.

    A decode step of up to 128 sequences moves at most 128 * 4096 * 2 bytes 65 times, in 2 messages
    of half of it over 16 GB/s: 65 * (2 * 20 us + 1 MiB / 16 GB/s) = 6.9 ms at most, and at least
    the latency of 65 * 40 us = 2.6 ms; the logits add 20 us and 16 MB / 16 GB/s = 1 ms at most.
    """
    replay = load("served_replay")
    link = {"link_bw": 16, "link_latency": 20000}
    times = {}
    for gpus in (1, 2):
        settings = {"num_gpu_blocks": 35686, "engine_kwargs": {"tensor_parallel_size": gpus}}
        folder = variant(tmp_path / str(gpus), {"tp1": f"tp{gpus}"}, settings)
        (folder / "llmservingsim_config.json").write_text(json.dumps(link))
        times[gpus] = replay.compare(folder)["metrics"]["tpot.p50"]["simulated"]
    assert 2.6e-3 < times[2] - times[1] < 3 * 7.9e-3


def test_a_mixture_of_experts_says_where_its_experts_come_from(tmp_path: Path) -> None:
    """Measured, else from the data sheet (and said so), else a clear refusal."""
    replay = load("served_replay")
    folder = variant(tmp_path / "moe", {}, {})
    meta = folder / "profile_meta.yaml"
    text = meta.read_text()
    model = "model: meta-llama/Llama-3.1-8B"
    assert model in text
    text = text.replace(model, "model: Qwen/Qwen3-30B-A3B")
    meta.write_text(text)
    result = replay.compare(folder)
    assert "experts not measured, taken from the GPU's data sheet" in result["step_time_source"]
    meta.write_text(text.replace("RTXPRO6000", "home-made").replace("RTX PRO 6000", "home-made"))
    with pytest.raises(ValueError, match=r"profile_tp1_moe.csv.gz:1:1: .*mixture of experts"):
        replay.compare(folder)
    meta.write_text(text)
    rows = [f"{t},{a},{t + 5 * a}" for t in (1, 64, 4096) for a in (8, 64, 128)]
    lines = "\n".join(["tokens,activated_experts,time_us", *rows])
    (folder / "profile_tp1_moe.csv").write_text(lines)
    measured = replay.compare(folder)
    assert "experts" not in measured["step_time_source"]
    assert measured["metrics"] != result["metrics"]


def test_data_parallel_replicas_share_the_experts(tmp_path: Path) -> None:
    """Two replicas keep half of the experts each, so each has more blocks, and both pay the link.

    48 layers x 128 experts x 3 x 2048 x 768 weights of 2 bytes, half of them, are 28,991,029,248
    bytes; a block of 16 tokens of 98,304 bytes is 1.5 MiB: 18,432 blocks.
    """
    replay = load("served_replay")
    results = {}
    for replicas in (1, 2):
        kwargs = {"engine_kwargs": {"data_parallel_size": replicas}}
        folder = variant(tmp_path / str(replicas), {}, kwargs)
        meta = folder / "profile_meta.yaml"
        text = meta.read_text()
        meta.write_text(text.replace("meta-llama/Llama-3.1-8B", "Qwen/Qwen3-30B-A3B"))
        results[replicas] = replay.compare(folder)
    assert results[2]["num_gpu_blocks"] - results[1]["num_gpu_blocks"] in (18_432, 18_433)
    assert "link" in results[2]["settings"] and "link" not in results[1]["settings"]
    assert any("one copy of the experts" in note for note in results[2]["notes"])


def folder_without_names(folder: Path) -> None:
    """Let the folder's own name say what was measured."""
    meta = folder / "profile_meta.yaml"
    kept = [line for line in meta.read_text().splitlines() if line.split(":")[0] not in NAMES]
    meta.write_text("\n".join(kept))


NAMES = ("model", "gpu", "hardware")


def test_names_and_settings_have_fallbacks_that_are_said(tmp_path: Path) -> None:
    """Names from the folder; no settings at all; plain files instead of compressed ones."""
    import gzip

    replay = load("served_replay")
    (tmp_path / "RTX4090").mkdir()
    folder = variant(tmp_path / "RTX4090" / "Qwen3-8B", {"profile_tp1": "profile_tp2"}, {})
    folder_without_names(folder)
    (folder / "vllm_meta.json").unlink()
    for path in folder.glob("*.gz"):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    result = replay.compare(folder)
    settings = result["settings"]
    assert (result["gpu"], result["model"]) == ("RTX-4090", "qwen3-8b")
    assert settings["tensor_parallel_size"] == {
        "value": "2",
        "source": "smallest of the measured 2",
    }
    assert settings["max_num_seqs"]["value"] == "256"
    assert settings["vLLM"] == {"value": "0.19", "source": "assumed"}
    assert "23.64 of the RTX-4090" in settings["KV blocks"]["source"]
    assert settings["link"]["source"] == "GPU catalogue"
    assert "there is no vllm_meta.json" in result["notes"][0]
    text = replay.table(result)
    assert "tensor_parallel_size: 2 (smallest of the measured 2)" in text
    assert "note: there is no vllm_meta.json" in text


@pytest.mark.parametrize(
    "meta",
    [
        {"tensor_parallel_size": 1, "max_num_seqs": 64, "max_num_batched_tokens": 1024},
        {"engine_args": {"max-num-seqs": 64, "max-num-batched-tokens": 1024}},
    ],
)
def test_settings_are_found_where_other_tools_write_them(
    tmp_path: Path, meta: dict[str, Any]
) -> None:
    """At the top level, under another name, with hyphens."""
    replay = load("served_replay")
    folder = variant(tmp_path / "copy", {}, {})
    (folder / "vllm_meta.json").write_text(json.dumps(meta))
    settings = replay.compare(folder)["settings"]
    assert settings["max_num_seqs"] == {"value": "64", "source": "vllm_meta.json"}
    assert settings["max_num_batched_tokens"]["value"] == "1024"


def test_older_and_newer_versions_plan_memory_as_they_do(tmp_path: Path) -> None:
    """A sorting sampler before 0.17 leaves fewer blocks; from 0.21 on graphs count."""
    replay = load("served_replay")
    results = {
        version: replay.compare(variant(tmp_path / version, {}, {"vllm_version": version}))
        for version in ("0.16.0", "0.19.0", "0.21.0")
    }
    assert results["0.16.0"]["num_gpu_blocks"] < results["0.19.0"]["num_gpu_blocks"]
    assert results["0.19.0"]["notes"] == []
    assert "CUDA graphs" in results["0.21.0"]["notes"][0]


@pytest.mark.parametrize(
    ("files", "settings", "message"),
    [
        ({"profile_tp1_per_sequence": ""}, {}, "per_sequence.csv.gz:1:1: this file is missing"),
        ({"vllm_requests": ""}, {}, "vllm_requests.jsonl.gz:1:1: this file is missing"),
        ({}, {"engine_kwargs": {"tensor_parallel_size": 4}}, "tensor parallel 1, not 4"),
        ({}, {"engine_kwargs": {"pipeline_parallel_size": 2}}, "pipeline parallelism is not"),
        ({}, {"engine_kwargs": {"max_num_seqs": "many"}}, 'max_num_seqs is "many", not a whole'),
        ({}, {"engine_kwargs": {"gpu_memory_utilization": 0.1}}, "GiB more than the 9.5 GiB"),
        ({}, {"num_gpu_blocks": 20}, "KV blocks of 16 tokens; the GPU memory holds 20"),
        ({}, {"kv_cache": [1]}, "kv_cache is no mapping"),
        ({}, {"engine_kwargs": {"gpu_memory_utilization": "high"}}, '"high", not between 0 and 1'),
        ({}, {"vllm_version": "newest"}, "vllm_version is 'newest', not a version"),
    ],
)
def test_folders_that_cannot_be_used_are_explained(
    tmp_path: Path, files: dict[str, str], settings: dict[str, Any], message: str
) -> None:
    """A sentence to act on, never a traceback."""
    replay = load("served_replay")
    with pytest.raises(ServingError, match=message):
        replay.compare(variant(tmp_path / "copy", files, json.loads(json.dumps(settings))))
