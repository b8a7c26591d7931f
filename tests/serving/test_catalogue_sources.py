"""Every figure of the catalogues names its source, and what was not looked up is counted."""

from __future__ import annotations

import re
from dataclasses import fields
from math import log
from pathlib import Path

import pytest

from simulator.cli.explain import explain
from simulator.cli.hardware import hardware_lines, hardware_names
from simulator.cli.listing import list_names
from simulator.components.gpu_pool import GpuPool
from simulator.serving.all_reduce import Link
from simulator.serving.catalogue import GPUS, MODELS, Gpu, Model, Source, find_gpu, find_model
from simulator.serving.catalogue.shapes import COPIES, OTHERS, REPEATED
from simulator.serving.catalogue.sources import GpuSources

DOCS = Path(__file__).parents[2] / "docs" / "serving.md"

# Which source covers which field; what is no figure is left out.
COVERED = {
    "memory_bytes": "memory",
    "bandwidth_bytes_per_s": "bandwidth",
    "bf16_flops": "arithmetic",
    "fp8_flops": "arithmetic",
    "link_bytes_per_s": "link",
    "link_latency_s": "link",
    "multiprocessors": "multiprocessors",
    "mig_slices": "slices",
    "price_usd_per_hour": "price",
}
NO_FIGURE = {"name", "sources", "aliases", "balanced_attention"}

# All-reduces as NVIDIA measured them (ai-dynamo/aiconfigurator at 095f58a, systems/data/*/comm):
# GPUs, bytes, microseconds.
MEASURED = {
    "H100": [
        (2, 131072, 4.8), (2, 1048576, 8.3), (2, 8388608, 45.0),
        (4, 131072, 5.8), (4, 1048576, 12.8), (4, 8388608, 53.5),
        (8, 131072, 7.9), (8, 1048576, 15.0), (8, 8388608, 50.7),
    ],
    "RTX-PRO-6000": [
        (2, 131072, 8.2), (2, 1048576, 30.1), (2, 8388608, 244.5),
        (4, 131072, 24.9), (4, 1048576, 86.1), (4, 8388608, 508.6),
        (8, 131072, 47.8), (8, 1048576, 131.5), (8, 8388608, 661.4),
    ],
}  # fmt: skip


def unverified() -> list[tuple[str, str]]:
    """The entries that rest on a source nobody opened: GPU or model, and figure."""
    gpus = [
        (gpu.name, figure)
        for gpu in GPUS
        for figure, source in gpu.sources.named().items()
        if not source.opened
    ]
    return gpus + [(model.name, "shape") for model in MODELS if not model.shape_source.opened]


def test_each_figure_of_a_gpu_is_covered_by_a_source() -> None:
    """A new field needs a source, and a source needs a field."""
    assert {field.name for field in fields(Gpu)} == COVERED.keys() | NO_FIGURE
    assert {field.name for field in fields(GpuSources)} == set(COVERED.values())


@pytest.mark.parametrize("gpu", GPUS, ids=lambda gpu: gpu.name)
def test_a_gpu_names_where_each_figure_stands(gpu: Gpu) -> None:
    """A place that can be found again; unverified only where the source says so."""
    for figure, source in gpu.sources.named().items():
        assert isinstance(source, Source) and len(source.where) > 10, figure
        assert str(source).startswith("unverified: ") is not source.opened, figure
        assert "from memory" not in str(source), figure
    assert gpu.price_source == str(gpu.sources.price)
    assert all(str(part) in gpu.source for part in (gpu.sources.bandwidth, gpu.sources.link))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_model_names_where_its_shape_stands(model: Model) -> None:
    """Once, among the copies, the repetitions or the others."""
    named = [table for table in (COPIES, REPEATED, OTHERS) if model.name in table]
    assert len(named) == 1
    assert model.shape_source.opened and str(model.shape_source) == model.source


def test_the_documentation_counts_what_is_unverified() -> None:
    """The sentence under Limits gives the true number and names the GPUs."""
    text = " ".join(DOCS.read_text().split("## Limits")[1].split())
    entries = len(GPUS) * len(fields(GpuSources)) + len(MODELS)
    found = re.search(r"(\d+) of the (\d+) entries .*? are unverified: ([^.]*)\.", text)
    assert found is not None
    assert (int(found[1]), int(found[2])) == (len(unverified()), entries)
    assert all(name in found[3] for name, _ in unverified())
    assert {figure for _, figure in unverified()} == {"link"}


def test_the_links_meet_measured_all_reduces() -> None:
    """Mean error of log time at most 0.35; five microseconds a message would be three times off."""
    for name, points in MEASURED.items():
        gpu = find_gpu(name)
        link = Link(gpu.link_bytes_per_s, gpu.link_latency_s)
        errors = [abs(log(link.all_reduce_s(size, n) * 1e6 / us)) for n, size, us in points]
        assert sum(errors) / len(errors) <= 0.35, name


def test_a_pool_tells_where_its_step_times_and_its_price_come_from() -> None:
    """In the notes, which the report, `--plan` and `run.json` show."""
    pool = GpuPool(gpu="l4", model="llama-3-8b")
    notes = " ".join(pool.on_paper({"input_tokens": 100.0, "output_tokens": 10.0}).notes)
    gpu, model = find_gpu("l4"), find_model("llama-3-8b")
    assert gpu.source in notes and model.source in notes and gpu.price_source in notes
    assert "step times are roofline" in notes and "unverified" in notes


def test_gpus_and_models_can_be_listed_and_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """With every source; nothing for an unknown name."""
    assert set(hardware_names("gpus")) == {gpu.name for gpu in GPUS}
    assert set(hardware_names("models")) == {model.name for model in MODELS}
    for gpu in GPUS:
        text = "\n".join(hardware_lines(gpu.name))
        assert all(str(source) in text for source in gpu.sources.named().values())
    assert any(find_model("qwen3-8b").source in line for line in hardware_lines("Qwen/Qwen3-8B"))
    assert hardware_lines("no such thing") == []
    explain("h100")
    assert "$6.88/h" in capsys.readouterr().out
    list_names("gpus")
    assert "RTX-PRO-6000" in capsys.readouterr().out
