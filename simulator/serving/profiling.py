"""Measures kernel times on the reader's own GPU, in the layout that `calibrate` reads.

PyTorch, random weights of one layer of the model's shape, nothing downloaded. Each kernel runs
alone: matrix products, norms, rotary embedding and activation over the number of tokens,
attention over prompt chunks and over decodes, the head and a greedy sampler over sequences,
for a mixture of experts the experts over tokens and experts touched. A tensor-parallel degree
is measured as the shard of one GPU; collectives are added by the link term of the step time.

These are PyTorch's kernels, not vLLM's: norms and activations are not fused and attention is
`scaled_dot_product_attention`, so expect a few percent more than a tuned server. Steps with both
a prompt and decodes are composed from the two parts.
"""

from __future__ import annotations

import csv
import gzip
import importlib
import io
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.serving.errors import ServingError
from simulator.serving.memory import check_tensor_parallel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from simulator.serving.catalogue import Model

__all__ = ["ProfileGrid", "measure_profile"]

KV_MEMORY_SHARE = 0.4
ROPE_BASE = 10_000.0


def _doubling(first: int, last: int) -> tuple[int, ...]:
    sizes = [first]
    while sizes[-1] < last:
        sizes.append(min(2 * sizes[-1], last))
    return tuple(sizes)


@dataclass(frozen=True)
class ProfileGrid:
    """The sizes measured: tokens in a step, prompt chunks, KV lengths, decoding sequences."""

    tokens: Sequence[int] = (*_doubling(1, 256), *range(320, 2049, 64))
    chunks: Sequence[int] = _doubling(16, 2048)
    kv: Sequence[int] = _doubling(16, 16384)
    sequences: Sequence[int] = _doubling(1, 256)
    repeats: int = 5


def measure_profile(
    model: Model,
    out: Path,
    *,
    device: str = "cuda",
    tensor_parallel: Sequence[int] = (1,),
    grid: ProfileGrid | None = None,
    progress: Callable[[str], None] = lambda message: None,
) -> Path:
    """Measure `model` and write the profile folder `out`; return it.

    Raises `ServingError` without PyTorch, without a GPU, or for a degree that cannot be.
    """
    torch = _torch(device)
    grid = grid or ProfileGrid()
    for degree in tensor_parallel:
        check_tensor_parallel(model, degree)
    out.mkdir(parents=True, exist_ok=True)
    for degree in tensor_parallel:
        shard = _Shard(torch, model, degree, device, grid)
        for name, header, rows in shard.tables(progress):
            _write(out / f"profile_tp{degree}_{name}.csv.gz", header, rows)
    gpu, kind = ("CPU", "float32")
    if device == "cuda":
        gpu, kind = torch.cuda.get_device_name(), "bfloat16"
    lines = [
        f"gpu: {gpu}",
        f"model: {model.aliases[0] if model.aliases else model.name}",
        f"measured_with: PyTorch {torch.__version__}, {kind}",
        f"tp_degrees: [{', '.join(map(str, tensor_parallel))}]",
    ]
    (out / "profile_meta.yaml").write_text("\n".join(lines) + "\n")
    return out


def _torch(device: str) -> Any:
    """Return the torch module, or explain what is missing."""
    try:
        torch = importlib.import_module("torch")
    except ImportError as error:
        raise ServingError(
            "measuring a GPU needs PyTorch: pip install 'capacity-simulator[gpu]'"
        ) from error
    if device not in ("cuda", "cpu"):
        raise ServingError(f"unknown device {device!r}; there are cuda and cpu")
    if device == "cuda" and not torch.cuda.is_available():
        raise ServingError(
            "no CUDA GPU is visible to PyTorch; run this on the machine with the GPU "
            "(--device cpu only tries the code)"
        )
    if device == "cpu":
        torch.set_num_threads(1)  # a barrier of threads on a busy machine takes milliseconds
    return torch


class _Shard:
    """One GPU's part of one layer, its inputs, and a stopwatch."""

    def __init__(self, torch: Any, model: Model, degree: int, device: str, grid: ProfileGrid):
        self.torch = torch
        self.model = model
        self.device = device
        self.grid = grid
        self.dtype = torch.bfloat16 if device == "cuda" else torch.float32
        self.heads = model.heads // degree
        self.kv_heads = max(1, model.kv_heads // degree)
        self.width = max(1, model.intermediate // degree)
        self.vocab = max(1, model.vocab // degree)
        torch.manual_seed(0)

    def tables(
        self, progress: Callable[[str], None]
    ) -> list[tuple[str, tuple[str, ...], list[tuple[Any, ...]]]]:
        """Return (name, header, rows) of every table."""
        with self.torch.inference_mode():
            progress("dense kernels")
            dense = self._sweep(self._dense(), self.grid.tokens)
            progress("attention")
            attention = self._attention()
            progress("head and sampler")
            sampled = self._sweep(self._per_sequence(), self.grid.sequences)
            tables = [
                ("dense", ("layer", "tokens", "time_us"), dense),
                (
                    "attention",
                    ("prefill_chunk", "kv_prefill", "n_decode", "kv_decode", "time_us"),
                    attention,
                ),
                ("per_sequence", ("layer", "sequences", "time_us"), sampled),
            ]
            if self.model.experts > 1:
                progress("experts")
                header = ("tokens", "activated_experts", "time_us")
                tables.append(("moe", header, self._experts()))
        return tables

    def _random(self, *shape: int) -> Any:
        return self.torch.randn(*shape, device=self.device, dtype=self.dtype)

    def _sweep(
        self, kernels: dict[str, Callable[[int], Callable[[], Any]]], sizes: Sequence[int]
    ) -> list[tuple[Any, ...]]:
        return [
            (name, size, self._time_us(prepare(size)))
            for name, prepare in kernels.items()
            for size in sizes
        ]

    def _linear(self, inputs: int, outputs: int) -> Callable[[int], Callable[[], Any]]:
        weight = self._random(outputs, inputs)
        linear = self.torch.nn.functional.linear

        def prepare(tokens: int) -> Callable[[], Any]:
            x = self._random(tokens, inputs)
            return lambda: linear(x, weight)

        return prepare

    def _dense(self) -> dict[str, Callable[[int], Callable[[], Any]]]:
        """Return for each kernel a function: tokens -> the call to time."""
        torch, model = self.torch, self.model
        hidden, head = model.hidden, model.head_dim
        functional = torch.nn.functional
        gain = self._random(hidden)
        rotated = (self.heads + self.kv_heads) * head
        table = self._random(self.vocab, hidden)

        def norm(tokens: int) -> Callable[[], Any]:
            x, residual = self._random(tokens, hidden), self._random(tokens, hidden)
            return lambda: functional.rms_norm(x + residual, (hidden,), gain)

        def rotary(tokens: int) -> Callable[[], Any]:
            x = self._random(tokens, rotated // head, head)
            angle = self._random(tokens, 1, head // 2)
            cos, sin = angle.cos(), angle.sin()
            low, high = x[..., : head // 2], x[..., head // 2 :]
            return lambda: torch.cat((low * cos - high * sin, high * cos + low * sin), dim=-1)

        def embedding(tokens: int) -> Callable[[], Any]:
            ids = torch.randint(self.vocab, (tokens,), device=self.device)
            return lambda: functional.embedding(ids, table)

        def activation(tokens: int) -> Callable[[], Any]:
            gate, up = self._random(tokens, self.width), self._random(tokens, self.width)
            return lambda: functional.silu(gate) * up

        kernels = {
            "embedding": embedding,
            "layernorm": norm,
            "qkv_proj": self._linear(hidden, (self.heads + 2 * self.kv_heads) * head),
            "rotary_emb": rotary,
            "o_proj": self._linear(self.heads * head, hidden),
            "final_layernorm": norm,
        }
        if model.experts == 1:
            kernels["gate_up_proj"] = self._linear(hidden, 2 * self.width)
            kernels["act_fn"] = activation
            kernels["down_proj"] = self._linear(self.width, hidden)
        return kernels

    def _per_sequence(self) -> dict[str, Callable[[int], Callable[[], Any]]]:
        def sampler(sequences: int) -> Callable[[], Any]:
            logits = self._random(sequences, self.vocab)
            return lambda: logits.float().argmax(dim=-1)

        return {"lm_head": self._linear(self.model.hidden, self.vocab), "sampler": sampler}

    def _attention(self) -> list[tuple[Any, ...]]:
        """Return rows of prompt chunks behind a context and of decodes."""
        prompts = [
            (chunk, context, 0, 0, self._attend(1, chunk, chunk + context))
            for chunk in self.grid.chunks
            for context in (0, *self.grid.kv)
            if self._fits(1, chunk + context)
        ]
        decodes = [
            (0, 0, sequences, kv, self._attend(sequences, 1, kv))
            for sequences in self.grid.sequences
            for kv in self.grid.kv
            if self._fits(sequences, kv)
        ]
        return prompts + decodes

    def _attend(self, sequences: int, queries: int, kv: int) -> float:
        head = self.model.head_dim
        q = self._random(sequences, self.heads, queries, head)
        k = self._random(sequences, self.kv_heads, kv, head)
        v = self._random(sequences, self.kv_heads, kv, head)
        mask = None
        if 1 < queries < kv:
            mask = self.torch.ones(queries, kv, dtype=self.torch.bool, device=self.device)
            mask = mask.tril(kv - queries)
        attend = self.torch.nn.functional.scaled_dot_product_attention
        return self._time_us(
            lambda: attend(
                q, k, v, attn_mask=mask, is_causal=queries == kv and queries > 1,
                enable_gqa=self.heads != self.kv_heads,
            )
        )  # fmt: skip

    def _fits(self, sequences: int, kv: int) -> bool:
        if self.device != "cuda":
            return True
        size = 2 * sequences * self.kv_heads * kv * self.model.head_dim * 2
        free: int = self.torch.cuda.mem_get_info()[0]
        return size < KV_MEMORY_SHARE * free

    def _experts(self) -> list[tuple[Any, ...]]:
        """Return rows (tokens, experts touched, time) of the experts of one layer."""
        model, hidden = self.model, self.model.hidden
        functional = self.torch.nn.functional
        gate_up = self._random(model.experts, hidden, 2 * self.width)
        down = self._random(model.experts, self.width, hidden)
        rows: list[tuple[Any, ...]] = []
        for touched in _doubling(model.experts_per_token, model.experts):
            for tokens in self.grid.tokens:
                each = max(1, round(tokens * model.experts_per_token / touched))
                x = self._random(touched, each, hidden)

                def run(x: Any = x, touched: int = touched) -> Any:
                    both = self.torch.bmm(x, gate_up[:touched])
                    gate, up = both.chunk(2, dim=-1)
                    return self.torch.bmm(functional.silu(gate) * up, down[:touched])

                rows.append((tokens, touched, self._time_us(run)))
        return rows

    def _time_us(self, call: Callable[[], Any]) -> float:
        """Return the median microseconds of `call` after a warm-up."""
        call()
        samples: list[float] = []
        for _ in range(self.grid.repeats):
            if self.device == "cuda":
                start = self.torch.cuda.Event(enable_timing=True)
                end = self.torch.cuda.Event(enable_timing=True)
                start.record()
                call()
                end.record()
                end.synchronize()
                samples.append(start.elapsed_time(end) * 1e3)
            else:
                begin = time.perf_counter()
                call()
                samples.append((time.perf_counter() - begin) * 1e6)
        return max(1e-3, statistics.median(samples))


def _write(path: Path, header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows((*row[:-1], f"{row[-1]:.6g}") for row in rows)
    path.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))
