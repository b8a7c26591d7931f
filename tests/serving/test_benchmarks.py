"""The figures the serving benchmarks must meet."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

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
