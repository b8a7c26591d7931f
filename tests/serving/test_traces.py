"""Recorded prompts: what their rows may hold, and what is said of rows that hold something else."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from simulator.studies.run import RunOptions, run
from simulator.topology.diagnostics import DocumentError
from simulator.topology.model import Topology
from simulator.topology.reading import load_topology

DATA = Path(__file__).parents[2] / "data"
DESIGN = """\
name: pool
rate: 1 rps
requests:
  chat: {{entry: llm, attributes: {{input_tokens: {tokens}, output_tokens: 5}}{arrivals}}}
components:
  llm: {{kind: gpu_pool, gpu: h100, model: llama-3.1-8b, num_gpu_blocks: 99999999,
    prompt_blocks: {{attribute: {hashes}}}}}
"""
WORKLOAD = """\
name: trace
arrivals: {{kind: replay, file: {file}, repeat: false,
  attributes: {{input_tokens: inp, hash_ids: hashes}}}}
"""
HEADER = "arrived,inp,hashes\n"


def design(
    folder: Path, *, arrivals: str = "", tokens: str = "9", hashes: str = "hash_ids"
) -> Path:
    """A design whose pool reads hashes."""
    path = folder / "pool.yaml"
    path.write_text(DESIGN.format(arrivals=arrivals, tokens=tokens, hashes=hashes))
    return path


def cached_share(folder: Path, rows: list[str]) -> float:
    """The share of prompt tokens found in the cache when these rows are replayed."""
    (folder / "trace.csv").write_text(HEADER + "\n".join(rows))
    workload = folder / "trace.yaml"
    workload.write_text(WORKLOAD.format(file=folder / "trace.csv"))
    # As long as it takes to serve them one after the other; nothing is left out of the count.
    options = RunOptions(
        workload=str(workload), duration_s=60.0 * len(rows), warmup_s=1e-6, replications=1, jobs=1
    )
    topology: Topology = load_topology(design(folder)).topology
    (recording,) = run(topology, options).recordings
    meters = recording.meters["llm"]
    return float(meters["cached_tokens_total"][-1] / meters["prompt_tokens_total"][-1])


@pytest.mark.parametrize(
    ("cells", "share"),
    [
        ([f"{number + 10} {number + 900}" for number in range(60)], 0.0),
        (["7 8"] * 4, 3 / 4),
        (["7 8", "[7, 8]", '"7,8"', "7;8"], 3 / 4),
        (["0 1", "0 2", "0 2", "3 2"], (1 + 2) / 8),
        (["0"] * 5, 4 / 10),
        ([""] * 5, 0.0),
    ],
)
def test_a_cell_of_hashes_is_a_list(tmp_path: Path, cells: list[str], share: float) -> None:
    """Two blocks of 512 tokens a prompt, less those without a hash: each counts as a whole."""
    quoted = [cell if cell[:1] != "[" else f'"{cell}"' for cell in cells]
    rows = [f"{60 * number},1025,{cell}" for number, cell in enumerate(quoted)]
    assert cached_share(tmp_path, rows) == pytest.approx(share * 1024 / 1025, abs=1e-12)


def test_the_conversation_trace_is_cached_as_counted(tmp_path: Path) -> None:
    """The first 400 prompts of Mooncake's conversations: all blocks that were seen before."""
    seen: set[int] = set()
    rows, hits, tokens = [], 0, 0
    with gzip.open(DATA / "mooncake" / "conversation_trace.jsonl.gz", "rt") as file:
        for number, line in zip(range(400), file, strict=False):
            hashes = json.loads(line)["hash_ids"]
            hits += 512 * sum(block in seen for block in hashes)
            tokens += 512 * len(hashes) + 1
            seen.update(hashes)
            rows.append(
                f"{60 * number},{512 * len(hashes) + 1},{' '.join(str(block) for block in hashes)}"
            )
    assert hits > 0
    assert cached_share(tmp_path, rows) == pytest.approx(hits / tokens, rel=1e-9)


@pytest.mark.parametrize(
    ("content", "places"),
    [
        (b"noon,9,a\n1,9,a\nx,y,a\n", [(2, 1), (4, 1), (4, 3)]),
        (b"0,nan,a\n1,-3,a\n", [(2, 3), (3, 3)]),
        (b"inf,9,a\n", [(2, 1)]),
        (b"5,9,a\n1,9,a\n3,9,a\n2,9,a\n", [(3, 1), (5, 1)]),
        (b"5,9,a\n6\n7,x,a,b\n8,y,\n", [(3, 1), (4, 1), (5, 3)]),
        (b'0,9,"[1"\n', [(2, 5)]),
        (b"0,9,a\n1,9,\xff\n", [(3, 5)]),
        (b"", [(2, 1)]),
        (b"0,x,a\n" * 30, [(line, 3) for line in range(2, 22)]),
    ],
)
def test_every_bad_cell_is_told_with_its_place(
    tmp_path: Path, content: bytes, places: list[tuple[int, int]]
) -> None:
    """In the class's own arrivals, by `check`; in a workload, before the run."""
    (tmp_path / "trace.csv").write_bytes(HEADER.encode() + content)
    text = WORKLOAD.format(file=tmp_path / "trace.csv")
    workload = tmp_path / "trace.yaml"
    workload.write_text(text)
    own = f", rate: 1/s, {text.split(chr(10), 1)[1].strip()}"
    with pytest.raises(DocumentError) as in_check:
        load_topology(design(tmp_path, arrivals=own))
    topology = load_topology(design(tmp_path)).topology
    with pytest.raises(DocumentError) as in_run:
        run(topology, RunOptions(workload=str(workload), requests=10))
    for caught in (in_check, in_run):
        found = caught.value.diagnostics.errors
        assert {one.code for one in found} == {"E120"}
        assert {one.file for one in found} == {str(tmp_path / "trace.csv")}
        assert [(one.span.line, one.span.column) for one in found if one.span] == places


def test_a_column_that_is_not_there_is_named_in_the_document(tmp_path: Path) -> None:
    (tmp_path / "trace.csv").write_text("at,input\n0,9\n")
    own = f", rate: 1/s,\n {WORKLOAD.format(file=tmp_path / 'trace.csv').split(chr(10), 1)[1]}"
    with pytest.raises(DocumentError) as caught:
        load_topology(design(tmp_path, arrivals=own.rstrip()))
    found = [(one.code, one.message.split("column ")[1]) for one in caught.value.diagnostics]
    assert found == [("E106", "`arrived`"), ("E106", "`inp`"), ("E106", "`hashes`")]


@pytest.mark.parametrize(
    ("tokens", "hashes", "line"),
    [("{choice: {short: 50%, long: 50%}}", "hash_ids", 4), ("9", "input_tokens", 7)],
)
def test_an_attribute_has_the_form_that_is_needed(
    tmp_path: Path, tokens: str, hashes: str, line: int
) -> None:
    """Text where tokens are counted; a number where hashes are listed."""
    with pytest.raises(DocumentError) as caught:
        load_topology(design(tmp_path, tokens=tokens, hashes=hashes))
    (found,) = caught.value.diagnostics.errors
    assert found.code == "E106" and found.span is not None and found.span.line == line
