"""Where in the document a mistake about a GPU pool is shown: at the field, by line and column."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from simulator.serving.profile import calibrate
from simulator.topology.diagnostics import Diagnostic, DocumentError
from simulator.topology.model import Topology
from simulator.topology.reading import load_topology

FOLDER = Path(__file__).parents[2] / "data" / "llmservingsim" / "RTXPRO6000" / "Llama-3.1-8B"
DESIGN = """\
name: pool
rate: 1 rps
requests:
  chat: {{entry: llm, attributes: {{input_tokens: 1000, output_tokens: 200, long_answer: 4000}}}}
components:
  llm:
    kind: gpu_pool
    cost: $1/h
{fields}
"""
FIRST_LINE = 9


def pool_file(folder: Path, fields: list[str]) -> Path:
    """Return a document with a pool of these fields, one a line."""
    path = folder / "pool.yaml"
    path.write_text(DESIGN.format(fields="\n".join(f"    {field}" for field in fields)))
    return path


def mistakes(folder: Path, fields: list[str]) -> list[Diagnostic]:
    """Return what is wrong with a pool of these fields."""
    with pytest.raises(DocumentError) as caught:
        load_topology(pool_file(folder, fields))
    return caught.value.diagnostics.errors


def mistake(folder: Path, fields: list[str]) -> tuple[str, int, int, str]:
    """Return the code, line, column and message of the one mistake in a pool of these fields."""
    (found,) = mistakes(folder, fields)
    assert found.span is not None
    return found.code, found.span.line, found.span.column, found.message


@pytest.mark.parametrize(
    ("fields", "at", "message"),
    [
        (["gpu: h1000", "model: llama-3-8b"], 0, "unknown GPU 'h1000'; did you mean H100"),
        (["gpu: h100", "model: lama-3-8b"], 1, "unknown model 'lama-3-8b'; did you mean llama"),
        (
            ["gpu: h100", "tensor_parallel: 3", "model: llama-3-8b"],
            1,
            "tensor_parallel 3 does not divide the 32 attention heads",
        ),
        (["gpu: h100", "model: llama-3-70b"], 1, "62.3 GiB more than the 71.2 GiB"),
        (
            ["gpu: a100", "model: llama-3-8b", "quantization: fp8"],
            2,
            "A100-80GB has no FP8 arithmetic",
        ),
        (
            ["gpu: h100", "model: llama-3-8b", "max_num_seqs: 600", "max_num_batched_tokens: 512"],
            3,
            "below one token for each of 600 sequences",
        ),
        (["gpu: l4", "mig: {compute: 1, memory: 1}", "model: llama-3-8b"], 1, "MIG slices"),
        (
            ["gpu: h100", "model: llama-3-8b", "mig: {compute: 5, memory: 3}"],
            2,
            "no MIG slice of H100 has 5 compute and 3 memory slices; the nearest has 4 and 4",
        ),
        (
            [
                "gpu: h100",
                "model: llama-3-8b",
                "tensor_parallel: 2",
                "mig: {compute: 3, memory: 4}",
            ],
            3,
            "MIG slices cannot share a model: tensor_parallel 2 needs whole GPUs",
        ),
        (["gpu: h100", "model: llama-3-8b", "profile: none.json"], 2, "none.json:1:1: there is no"),
    ],
)
def test_the_caret_stands_at_the_field(
    tmp_path: Path, fields: list[str], at: int, message: str
) -> None:
    """Not at the component: at the value of the field that has to change."""
    code, line, column, said = mistake(tmp_path, fields)
    assert message in said
    assert (code, line) == ("E106", FIRST_LINE + at)
    assert column == 4 + fields[at].index(": ") + 3
    assert f"`{fields[at].split(':')[0]}` in gpu_pool `llm`" in said


def test_a_profile_tells_what_is_wrong_with_it(tmp_path: Path) -> None:
    """A malformed file with its own place; another model; a degree that was not measured."""
    pool = ["gpu: rtx-pro-6000", "model: llama-3.1-8b"]
    broken = tmp_path / "broken.json"
    broken.write_text('{"format": 1,\n "gpu": }')
    _, line, column, said = mistake(tmp_path, [*pool, f"profile: {broken}"])
    assert (line, column) == (FIRST_LINE + 2, 14)
    assert f"{broken}:2:9: " in said
    calibrate(FOLDER).save(tmp_path / "good.json.gz")
    _, line, _, said = mistake(
        tmp_path, ["gpu: rtx-pro-6000", "model: llama-3-8b", f"profile: {tmp_path}/good.json.gz"]
    )
    assert line == FIRST_LINE + 2 and "was measured with meta-llama/Llama-3.1-8B" in said
    _, line, column, said = mistake(
        tmp_path, [*pool, "tensor_parallel: 2", f"profile: {tmp_path}/good.json.gz"]
    )
    assert (line, column) == (FIRST_LINE + 2, 22)
    assert "measured with tensor parallel 1, not 2" in said
    wrong = ["gpu: h100", "model: llama-3.1-8b", f"profile: {tmp_path}/good.json.gz"]
    _, line, column, said = mistake(tmp_path, wrong)
    assert (line, column) == (FIRST_LINE, 10)
    assert "good.json.gz was measured on RTX-PRO-6000, not on H100" in said
    sliced = [*pool, "mig: {compute: 2, memory: 2}", f"profile: {tmp_path}/good.json.gz"]
    _, line, _, said = mistake(tmp_path, sliced)
    assert line == FIRST_LINE + 3 and "was measured on a whole RTX-PRO-6000, not on a slice" in said
    document = json.loads(gzip.decompress((tmp_path / "good.json.gz").read_bytes()))
    del document["tables"]
    (tmp_path / "cut.json").write_text(json.dumps(document))
    _, line, _, said = mistake(tmp_path, [*pool, f"profile: {tmp_path}/cut.json"])
    assert line == FIRST_LINE + 2 and "cut.json:1:1: " in said and "tables" in said


def test_a_profile_is_looked_for_beside_the_document_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then in the current folder, by variants too; where it is nowhere, the error says where."""
    home, current = tmp_path / "home", tmp_path / "current"
    home.mkdir()
    current.mkdir()
    monkeypatch.chdir(current)
    pool = ["gpu: rtx-pro-6000", "model: llama-3.1-8b", "profile: mine.json"]
    (found,) = mistakes(home, pool)
    assert "mine.json:1:1: there is no such file" in found.message
    assert found.hint == f"looked in {home} and in {current}"
    calibrate(FOLDER).save(current / "mine.json")
    loaded = load_topology(pool_file(home, pool))
    assert loaded.data["components"]["llm"]["profile"] == "mine.json"
    (current / "mine.json").rename(home / "mine.json")
    for path in (pool_file(home, pool), Path("../home/pool.yaml")):
        loaded = load_topology(path)
        beside = Path(loaded.data["components"]["llm"]["profile"])
        assert beside.resolve() == home / "mine.json"
        # What studies and other processes make of the data finds it too.
        Topology.model_validate(loaded.data)
    varied = pool_file(home, pool[:2])
    with varied.open("a") as text:
        text.write("variants: {measured: {components: {llm: {profile: mine.json}}}}\n")
    llm = load_topology(varied, variant="measured").topology.components["llm"]
    assert llm.profile == str(home / "mine.json")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (
            ["gpu: t4", "batching: dynamic", "preferred_batch_size: [99]", "router: prefix_affine"],
            {1: "needs `pass_time`", 2: "lies outside 1 to max", 3: "needs `batching: continuous`"},
        ),
        (
            [
                "gpu: a100",
                "model: llama-3-8b",
                "quantization: fp8",
                "max_num_seqs: 512",
                "max_num_batched_tokens: 100",
                "mig: {compute: 9, memory: 9}",
            ],
            {2: "no FP8", 4: "below one token for each of 512", 5: "the nearest has 7 and 8"},
        ),
        (
            [
                "gpu: h100",
                "model: llama-3-8b",
                "tensor_parallel: 3",
                "disaggregated: {prefill: 1, bandwidth: 1GB/s}",
                "kv_quantization: fp8",
                "profile: none.json",
            ],
            {2: "does not divide", 3: "leaves no replica", 5: "there is no such file"},
        ),
    ],
)
def test_mistakes_that_do_not_depend_on_each_other_are_told_at_once(
    tmp_path: Path, fields: list[str], told: dict[int, str]
) -> None:
    """Each at its own field, none twice, and none that only another one brings about."""
    errors = mistakes(tmp_path, fields)
    found = {
        error.span.line - FIRST_LINE: error.message for error in errors if error.span is not None
    }
    assert found.keys() == told.keys() and len(errors) == len(told)
    assert all(told[line] in found[line] for line in told)


@pytest.mark.parametrize(
    ("fields", "idle"),
    [
        (
            ["model: llama-3-8b", "pass_time: {fixed: 1ms}", "max_batch_size: 4"],
            {1: "step times follow from `model`", 2: "set `max_num_seqs`"},
        ),
        (
            ["batching: dynamic", "pass_time: {fixed: 1ms}", "model: llama-3-8b", "priority: true"],
            {2: "leave it out, or set `batching: continuous`"},
        ),
        (
            ["batching: single", "pass_time: {table: {1: 5ms}}", "input_tokens: long_answer"],
            {2: "set `pass_time.per_token`"},
        ),
        (
            ["batching: single", "pass_time: {fixed: 1ms}", "max_batch_size: 4"],
            {2: "`batching: dy"},
        ),
        (
            ["batching: static", "pass_time: {fixed: 1ms}", "preferred_batch_size: [4]"],
            {2: "set `batching: dynamic`"},
        ),
        (["model: llama-3-8b", "link: {bandwidth: 50GB/s}"], {1: "set `tensor_parallel`"}),
        # Its default, what is read, and what is switched off to be compared are no mistakes.
        (["model: llama-3-8b", "max_batch_size: 8", "prefix_caching: false"], {}),
        (["model: llama-3-8b", "tensor_parallel: 2", "link: {bandwidth: 50GB/s}"], {}),
    ],
)
def test_fields_without_effect_are_a_warning(
    tmp_path: Path, fields: list[str], idle: dict[int, str]
) -> None:
    """W204 at the field, with what to do about it."""
    found = load_topology(pool_file(tmp_path, ["gpu: h100", *fields])).diagnostics.warnings
    lines = {
        warning.span.line - FIRST_LINE - 1: warning.hint
        for warning in found
        if warning.code == "W204" and warning.span is not None
    }
    assert lines.keys() == idle.keys()
    assert all(idle[line] in lines[line] for line in idle)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("{}", "takes no time"),
        ("{fixed: 1ms, table: {1: 5ms}}", "`fixed` has no effect beside `table`"),
        ("{table: {1: 5ms}, diffusion: {step_per_image: 1ms}}", "`table` has no effect beside"),
        ("{diffusion: {step_per_image: 1ms, adapter_load: 1s}}", "no effect without `adapter`"),
    ],
)
def test_a_pass_takes_one_kind_of_time(tmp_path: Path, form: str, message: str) -> None:
    """A formula, a table or diffusion."""
    said = mistake(tmp_path, ["gpu: h100", "batching: dynamic", f"pass_time: {form}"])
    assert said[1] == FIRST_LINE + 2 and message in said[3]


@pytest.mark.parametrize(
    ("fields", "at", "message"),
    [
        (["gpu: h100", "model: llama-3-8b", "num_gpu_blocks: 50"], 2, "holds 50 (800 tokens), 25"),
        (
            ["gpu: rtx-4090", "gpu_memory_utilization: 0.664", "model: llama-3-8b"],
            1,
            "a context of 1000 + 200 tokens needs 75 KV blocks",
        ),
        (
            ["gpu: h200", "model: llama-2-7b", "output_tokens: long_answer"],
            1,
            "a context of 1000 + 4000 tokens exceeds the 4096 tokens of llama-2-7b",
        ),
    ],
)
def test_a_context_too_long_is_shown_where_its_limit_is_set(
    tmp_path: Path, fields: list[str], at: int, message: str
) -> None:
    """The number of blocks, the share of the memory, else the model."""
    code, line, column, said = mistake(tmp_path, fields)
    assert (code, line) == ("E119", FIRST_LINE + at) and message in said
    assert column == 4 + fields[at].index(": ") + 3
