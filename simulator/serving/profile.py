"""A calibrated profile: measured kernels in one file that a topology can name.

`calibrate` turns a folder of measurements (see `profile_reader`) into a `Profile`; `save` and
`load` keep it as JSON, gzipped when the name ends in `.gz`.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from simulator.serving.all_reduce import Link
from simulator.serving.catalogue import Gpu, Model, find_gpu, find_model
from simulator.serving.errors import Problem, ProfileError, ServingError, UnknownName
from simulator.serving.kernel_table import FLOAT_BYTES, TableStepTime
from simulator.serving.profile_document import ProfileDocument
from simulator.serving.profile_reader import KernelTables, Rows, missing_kernels, read_folder
from simulator.serving.regime_fit import RegimeSplit, fit_regimes
from simulator.serving.roofline import ARITHMETIC_SHARE, MEMORY_SHARE
from simulator.serving.step_time import Provenance

__all__ = ["Profile", "calibrate", "load_profile"]

FORMAT = 1
LEFT_OUT = 0.3
EXPERTS_GUESSED = "; experts not measured, taken from the GPU's data sheet"


@dataclass(frozen=True)
class Profile:
    """Measured kernels of one model on one GPU type, for some tensor-parallel degrees.

    `held_out_error` maps a degree to the mean absolute relative error of whole steps whose
    attention was left out of the table; `fits` holds the compact model of each degree.
    """

    gpu: str
    model: str
    layers: int
    source: str
    tables: dict[int, KernelTables]
    held_out_error: dict[int, float] = field(default_factory=dict)
    fits: dict[int, RegimeSplit] = field(default_factory=dict)

    @property
    def catalogue_model(self) -> Model:
        """The catalogue entry of the model."""
        return find_model(self.model)

    @property
    def catalogue_gpu(self) -> Gpu | None:
        """The catalogue entry of the GPU; None when the catalogue does not hold it."""
        try:
            return find_gpu(self.gpu)
        except UnknownName:
            return None

    def step_time(
        self,
        tensor_parallel: int = 1,
        *,
        link: Link | None = None,
        graph_max: int = 512,
        expert_shards: int = 1,
    ) -> TableStepTime:
        """Return the full-table step times; `link` defaults to the GPU's own."""
        if tensor_parallel not in self.tables:
            known = ", ".join(map(str, self.tables))
            raise ServingError(
                f"the profile of {self.model} on {self.gpu} was measured with tensor parallel "
                f"{known}, not {tensor_parallel}",
                fields=("tensor_parallel", "profile"),
            )
        gpu = self.catalogue_gpu
        if link is None and gpu is not None:
            link = Link(gpu.link_bytes_per_s, gpu.link_latency_s)
        return TableStepTime(
            self.tables[tensor_parallel],
            self.catalogue_model,
            gpus=tensor_parallel,
            link=link,
            graph_max=graph_max,
            slots=0 if gpu is None else gpu.attention_slots,
            expert_shards=expert_shards,
            provenance=self.provenance(tensor_parallel),
        )

    def provenance(self, tensor_parallel: int) -> Provenance:
        """Return where the times come from, how good they are and how far they reach."""
        table = self.tables[tensor_parallel]
        largest = np.max(np.asarray(table.attention), axis=0)
        names = ("prefill_chunk", "kv_prefill", "n_decode", "kv_decode")
        reach = dict(zip(names, map(float, largest), strict=False))
        reach["tokens"] = max(row[0] for rows in table.dense.values() for row in rows)
        return Provenance(
            "calibrated", self.source, self.held_out_error.get(tensor_parallel), reach
        )

    def save(self, path: Path) -> None:
        """Write the profile as JSON, the same bytes for the same measurements."""
        document = {
            "format": FORMAT,
            "gpu": self.gpu,
            "model": self.model,
            "layers": self.layers,
            "source": self.source,
            "tables": {
                str(degree): {
                    "dense": table.dense,
                    "per_sequence": table.per_sequence,
                    "attention": table.attention,
                    "moe": table.moe,
                }
                for degree, table in self.tables.items()
            },
            "held_out_error": {str(k): round(v, 6) for k, v in self.held_out_error.items()},
            "fits": {
                str(degree): {
                    "decode": fit.decode_weights,
                    "mixed": fit.mixed_weights,
                    "held_out_error": fit.provenance.held_out_error,
                    "range_max": fit.provenance.range_max,
                }
                for degree, fit in self.fits.items()
            },
        }
        text = json.dumps(document, separators=(",", ":")).encode()
        path.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)


def calibrate(folder: Path) -> Profile:
    """Return the profile measured in `folder`; every malformed row is reported at once.

    The measurements hold one layer; the catalogue knows how many the model has.
    """
    meta, tables = read_folder(folder)
    model, gpu = _named(folder, meta)
    _check_kernels(folder, model, tables)
    version = meta.get("vllm_version")
    source = f"measured kernels in {folder.name}" + (f", vLLM {version}" if version else "")
    source += _complete_experts(folder, model, gpu, tables)
    name = str(meta.get("model") or model.name)
    profile = Profile(gpu, name, model.layers, source, tables)
    link = Link(1e12, 0.0)  # the fit and its error are about kernels, not about the link
    for degree, table in tables.items():
        try:
            full = profile.step_time(degree, link=link)
        except ValueError as error:
            file = folder / f"profile_tp{degree}_attention.csv.gz"
            raise ProfileError([Problem(str(file), 1, 1, str(error))]) from error
        steps = _compose(full)
        profile.held_out_error[degree] = _held_out(profile, degree, table, steps)
        profile.fits[degree] = fit_regimes(table.attention, steps, f"regime-split fit of {source}")
    return profile


def _check_kernels(folder: Path, model: Model, tables: dict[int, KernelTables]) -> None:
    """Refuse tables without a kernel that every layer or step of such a model has."""
    problems = [
        Problem(str(folder / f"profile_tp{degree}_{kind}.csv.gz"), 1, 1, f"no rows of {kernel}")
        for degree, table in tables.items()
        for kind, kernel in missing_kernels(table, model)
    ]
    if problems:
        raise ProfileError(problems)


def _named(folder: Path, meta: dict[str, Any]) -> tuple[Model, str]:
    """Return the model and the GPU that the metadata names, else the folder `GPU/model`."""
    where = folder / "profile_meta.yaml"
    folder = folder.resolve()
    problems = []
    gpu = str(meta.get("hardware") or meta.get("gpu") or folder.parent.name)
    try:
        gpu = find_gpu(gpu).name
    except UnknownName:
        gpu = str(meta.get("gpu") or "")
        if not gpu:
            problems.append(Problem(str(where), 1, 1, "no gpu is named"))
    try:
        model = find_model(str(meta.get("model") or folder.name))
    except UnknownName:
        if meta.get("model"):
            raise
        problems.append(Problem(str(where), 1, 1, "no model is named"))
    if problems:
        raise ProfileError(problems)
    return model, gpu


def _complete_experts(folder: Path, model: Model, gpu: str, tables: dict[int, KernelTables]) -> str:
    """Give every degree of a mixture of experts its experts; return where they come from.

    Measured; else a share of the smaller degree's (tensor parallelism cuts every expert into as
    many parts, and reading them takes the time); else from the GPU's data sheet.
    """
    if model.experts == 1 or all(table.moe for table in tables.values()):
        return ""
    measured = [degree for degree, table in tables.items() if table.moe]
    if measured:
        part, whole, source = measured[0], tables[measured[0]].moe, ""
        if any(not table.moe for degree, table in tables.items()):
            source = f"; experts scaled from tensor parallel {part} where not measured"
    else:
        part, whole, source = 1, _expert_roofline(folder, model, gpu, min(tables)), EXPERTS_GUESSED
    for degree, table in tables.items():
        if not table.moe:
            scale = part / degree
            table.moe = [(tokens, active, time_us * scale) for tokens, active, time_us in whole]
    return source


def _expert_roofline(folder: Path, model: Model, gpu: str, degree: int) -> Rows:
    """Return rows (tokens, experts, microseconds) of one layer's experts from the data sheet."""
    try:
        card = find_gpu(gpu)
    except UnknownName as error:
        name = folder / f"profile_tp{degree}_moe.csv.gz"
        message = f"{model.name} is a mixture of experts; its experts' times are missing"
        raise ProfileError([Problem(str(name), 1, 1, message)]) from error
    rows: Rows = []
    active = model.experts_per_token
    while True:
        read = active * model.expert_parameters * FLOAT_BYTES / card.bandwidth_bytes_per_s
        for tokens in (1, *range(64, 2049, 64)):
            flops = 2.0 * tokens * model.experts_per_token * model.expert_parameters
            seconds = max(read / MEMORY_SHARE, flops / card.bf16_flops / ARITHMETIC_SHARE)
            rows.append((float(tokens), float(active), seconds * 1e6))
        if active == model.experts:
            return rows
        active = min(2 * active, model.experts)


def load_profile(path: Path) -> Profile:
    """Return the profile saved at `path`."""
    try:
        raw = path.read_bytes()
        document = json.loads(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)
    except FileNotFoundError as error:
        raise ProfileError([Problem(str(path), 1, 1, "there is no such file")]) from error
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ProfileError([Problem(str(path), 1, 1, f"cannot be read: {error}")]) from error
    except json.JSONDecodeError as error:
        raise ProfileError([Problem(str(path), error.lineno, error.colno, error.msg)]) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        message = f"not a profile of format {FORMAT}; make one with `simulate calibrate gpu`"
        raise ProfileError([Problem(str(path), 1, 1, message)])
    return _from_document(ProfileDocument(str(path), document))


def _from_document(read: ProfileDocument) -> Profile:
    """Return the profile; raises ProfileError with every part that is malformed."""
    source = read.text("source")
    tables = read.tables()
    errors = read.degrees("held_out_error")
    for degree, error in errors.items():
        if isinstance(error, bool) or not isinstance(error, int | float):
            read.refuse(f"held_out_error.{degree}", "is no number")
    fits = {}
    for degree, fit in read.degrees("fits").items():
        where = f"fits.{degree}"
        fit = fit if isinstance(fit, dict) else {}
        decode = read.numbers(fit.get("decode"), f"{where}.decode")
        mixed = read.numbers(fit.get("mixed"), f"{where}.mixed")
        held_out, reach = fit.get("held_out_error"), fit.get("range_max")
        if not isinstance(held_out, int | float | None) or not isinstance(reach, dict):
            read.refuse(where, "needs `held_out_error` and `range_max`")
            continue
        named = f"regime-split fit of {source}"
        fits[degree] = RegimeSplit(decode, mixed, Provenance("calibrated", named, held_out, reach))
    gpu, model, layers = read.text("gpu"), read.text("model"), read.layers()
    read.raise_if_any()
    profile = Profile(gpu, model, layers, source, tables, errors, fits)
    try:
        shape = profile.catalogue_model
    except UnknownName as error:
        raise ProfileError([Problem(read.file, 1, 1, f"`model`: {error}")]) from error
    if layers != shape.layers:
        read.refuse("layers", f"is {layers}, but {shape.name} has {shape.layers}")
    for degree, table in tables.items():
        for kind, kernel in missing_kernels(table, shape):
            read.refuse(f"tables.{degree}.{kind}", f"lacks {kernel}")
    read.raise_if_any()
    return profile


def _compose(times: TableStepTime) -> Any:
    """Return the function that composes the whole step at an attention row, from its own time."""

    def step_s(row: tuple[float, ...]) -> float:
        chunk, _, decodes, _, attention_us = row
        fixed = times.token_s(int(chunk + decodes)) + times.sampled_s(int(decodes) + (chunk > 0))
        return fixed + times.layers * attention_us * 1e-6

    return step_s


def _held_out(profile: Profile, degree: int, table: KernelTables, steps: Any) -> float:
    """Return the error of steps predicted by a table without their attention rows.

    A random 30 % of the rows (fixed seed) inside the measured range are left out.
    """
    rows = np.asarray(table.attention)
    rng = np.random.default_rng(20260)
    out = rng.random(len(rows)) < LEFT_OUT
    for column in range(4):
        edges = (rows[:, column].min(), rows[:, column].max())
        out &= ~np.isin(rows[:, column], edges) | (rows[:, column] == 0)
    kept = KernelTables(
        table.dense, table.per_sequence, [tuple(row) for row in rows[~out].tolist()], table.moe
    )
    partial = Profile(profile.gpu, profile.model, profile.layers, profile.source, {degree: kept})
    times = partial.step_time(degree, link=Link(1e12, 0.0))
    errors = []
    for row in rows[out].tolist():
        chunk, context, decodes, kv, _ = row
        if chunk:
            guess = times.mixed([(int(chunk), int(context))], int(decodes), kv, kv)
        else:
            guess = times.decode(int(decodes)).at(kv)
        errors.append(abs(guess / steps(tuple(row)) - 1.0))
    return float(np.mean(errors)) if errors else float("nan")
