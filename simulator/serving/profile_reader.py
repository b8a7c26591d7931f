"""Reads a folder of measured kernel times, reporting every malformed row with its place.

The layout is LLMServingSim's (casys-kaist/LLMServingSim, MIT): for each tensor-parallel degree N

- `profile_tpN_dense.csv[.gz]`: `layer,tokens,time_us`, kernels whose time depends on tokens;
- `profile_tpN_attention.csv[.gz]`: `prefill_chunk,kv_prefill,n_decode,kv_decode,time_us`;
- `profile_tpN_per_sequence.csv[.gz]`: `layer,sequences,time_us`, the head and the sampler;
- `profile_tpN_moe.csv[.gz]` (optional): `tokens,activated_experts,time_us`;
- `profile_meta.yaml`: what was measured on what.
"""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulator.quantities.problem import PROBLEMS_MAX, Problem
from simulator.serving.errors import ProfileError

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.serving.catalogue import Model

__all__ = ["KernelTables", "Rows", "missing_kernels", "read_folder", "read_meta", "read_table"]

Rows = list[tuple[float, ...]]

COLUMNS = {
    "attention": ("prefill_chunk", "kv_prefill", "n_decode", "kv_decode", "time_us"),
    "moe": ("tokens", "activated_experts", "time_us"),
}
LAYERED_COLUMNS = {
    "dense": ("layer", "tokens", "time_us"),
    "per_sequence": ("layer", "sequences", "time_us"),
}
WHOLE = ("tokens", "sequences", "prefill_chunk", "n_decode")
TIME_US_MAX = 1e8
"""A kernel of more than 100 s was not measured but mistyped."""

KERNELS = {
    "the query, key and value projections (`qkv_proj`)": r"qkv|q_?proj|wq|query|q_a",
    "the output projection (`o_proj`)": r"(^|_)o_?proj|out_?proj|wo|attn_out|dense",
}
DENSE_KERNELS = {
    "the MLP's first projections (`gate_up_proj`)": r"gate|up_?proj|fc_?1|w1|mlp|ffn",
    "the MLP's last projection (`down_proj`)": r"down|fc_?2|w2|mlp|ffn",
}
HEAD = {"the head (`lm_head`)": r"head|logits|embed_out|output"}
"""Kernels without which no step can be composed, by the names that profilers give them."""


@dataclass
class KernelTables:
    """The measured kernels of one tensor-parallel degree, times in microseconds.

    `dense` and `per_sequence` map a layer to rows (count, time); `attention` holds rows
    (prefill chunk, KV before it, decodes, their KV, time); `moe` rows (tokens, experts, time).
    """

    dense: dict[str, Rows]
    per_sequence: dict[str, Rows]
    attention: Rows
    moe: Rows = field(default_factory=list)


def missing_kernels(table: KernelTables, model: Model) -> list[tuple[str, str]]:
    """Return the kernels that every model of this kind has and the tables do not, by table."""
    dense = KERNELS | (DENSE_KERNELS if model.experts == 1 else {})
    return [
        (kind, kernel)
        for kind, names, layers in (
            ("dense", dense, table.dense),
            ("per_sequence", HEAD, table.per_sequence),
        )
        for kernel, pattern in names.items()
        if not any(re.search(pattern, layer.lower()) for layer in layers)
    ]


def read_folder(folder: Path) -> tuple[dict[str, Any], dict[int, KernelTables]]:
    """Return the metadata and the kernel tables of each tensor-parallel degree in `folder`.

    Raises `ProfileError` with every problem of every file.
    """
    problems: list[Problem] = []
    if not folder.is_dir():
        raise ProfileError([Problem(str(folder), 1, 1, "there is no such folder")])
    found: dict[int, dict[str, Path]] = {}
    for path in sorted(folder.iterdir()):
        match = re.fullmatch(r"profile_tp(\d+)_([a-z_]+)\.csv(\.gz)?", path.name)
        if match:
            found.setdefault(int(match[1]), {})[match[2]] = path
    if not found:
        message = "no profile_tp<N>_{dense,attention,per_sequence}.csv[.gz] in this folder"
        raise ProfileError([Problem(str(folder), 1, 1, message)])
    tables: dict[int, KernelTables] = {}
    for degree, files in sorted(found.items()):
        for kind in ("dense", "attention", "per_sequence"):
            if kind not in files:
                missing = folder / f"profile_tp{degree}_{kind}.csv.gz"
                problems.append(Problem(str(missing), 1, 1, "this file is missing"))
        tables[degree] = KernelTables(
            dense=_layered(files, "dense", problems),
            per_sequence=_layered(files, "per_sequence", problems),
            attention=_plain(files, "attention", problems),
            moe=_plain(files, "moe", problems),
        )
    meta = read_meta(folder / "profile_meta.yaml", problems)
    if problems:
        raise ProfileError(problems[:PROBLEMS_MAX])
    return meta, tables


def read_meta(path: Path, problems: list[Problem]) -> dict[str, Any]:
    """Return the mapping in `profile_meta.yaml`, or note why it cannot be read."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if not path.is_file():
        problems.append(Problem(str(path), 1, 1, "this file is missing"))
        return {}
    try:
        meta = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problems.append(Problem(str(path), line, column, error.problem or "malformed YAML"))
        return {}
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        problems.append(Problem(str(path), 1, 1, f"cannot be read: {str(error).splitlines()[0]}"))
        return {}
    if not isinstance(meta, dict):
        problems.append(Problem(str(path), 1, 1, "a mapping is expected here"))
        return {}
    return meta


def read_table(
    path: Path, columns: tuple[str, ...], problems: list[Problem]
) -> list[tuple[Any, ...]]:
    """Return the rows of one CSV file in the order of `columns`; extra columns are ignored.

    The column named `layer` is text, every other one a finite number not below zero, and
    `time_us` is above zero.
    """
    try:
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="utf-8") as file:
            lines = file.read().splitlines()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        problems.append(Problem(str(path), 1, 1, f"cannot be read: {error}"))
        return []
    header = [name.strip() for name in lines[0].split(",")] if lines else []
    absent = [name for name in columns if name not in header]
    if absent:
        message = f"no column {', '.join(absent)}; the header is {','.join(header) or 'empty'}"
        problems.append(Problem(str(path), 1, 1, message))
        return []
    places = [header.index(name) for name in columns]
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        cells = line.split(",")
        if len(cells) != len(header):
            message = f"{len(cells)} columns where the header has {len(header)}"
            problems.append(Problem(str(path), number, 1, message))
            continue
        row = [
            _cell(cells, place, name, path, number, problems)
            for name, place in zip(columns, places, strict=True)
        ]
        if None not in row:
            rows.append(tuple(row))
        if len(problems) >= PROBLEMS_MAX:
            break
    if not rows and not problems:
        problems.append(Problem(str(path), 2, 1, "no rows below the header"))
    return rows


def _cell(
    cells: list[str], place: int, name: str, path: Path, line: int, problems: list[Problem]
) -> float | str | None:
    text = cells[place].strip()
    column = sum(len(cell) + 1 for cell in cells[:place]) + 1
    if name == "layer":
        if text:
            return text
        problems.append(Problem(str(path), line, column, "layer is empty"))
        return None
    try:
        value = float(text)
    except ValueError:
        problems.append(Problem(str(path), line, column, f"{name} is {text!r}, not a number"))
        return None
    if not 0.0 <= value < float("inf") or (name == "time_us" and value == 0.0):
        wanted = "above zero" if name == "time_us" else "zero or more"
        problems.append(Problem(str(path), line, column, f"{name} is {text}; it must be {wanted}"))
        return None
    if name in WHOLE and value != int(value):
        problems.append(Problem(str(path), line, column, f"{name} is {text}, not a whole number"))
        return None
    if name == "time_us" and value > TIME_US_MAX:
        message = f"time_us is {text}; no kernel takes more than {TIME_US_MAX:g} us"
        problems.append(Problem(str(path), line, column, message))
        return None
    return value


def _plain(files: dict[str, Path], kind: str, problems: list[Problem]) -> Rows:
    return read_table(files[kind], COLUMNS[kind], problems) if kind in files else []


def _layered(files: dict[str, Path], kind: str, problems: list[Problem]) -> dict[str, Rows]:
    layers: dict[str, Rows] = {}
    if kind in files:
        for layer, count, time_us in read_table(files[kind], LAYERED_COLUMNS[kind], problems):
            layers.setdefault(layer, []).append((count, time_us))
    for rows in layers.values():
        rows.sort()
    return layers
