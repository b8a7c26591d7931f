"""Step times from measured kernels: the model of first choice, by interpolating the full table.

A step of `t` tokens over `L` layers takes: every kernel that depends on tokens (once, twice or L
times), L attention kernels, the head and sampler for the sequences that get a token, and with
tensor parallelism the collectives. Kernels run one after the other on the GPU, so times add.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.serving.attention_grid import AttentionGrid, interpolate
from simulator.serving.curve import PiecewiseLinear
from simulator.serving.step_time import EVEN, Provenance, Straggler, equivalent_chunk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from simulator.serving.all_reduce import Link
    from simulator.serving.catalogue import Model
    from simulator.serving.profile_reader import KernelTables, Rows

__all__ = ["TableStepTime", "graph_size"]

ONCE = ("embedding", "final_layernorm", "final_norm")
TWICE_A_LAYER = ("layernorm", "norm")
GRAPH_TOKENS_MAX = 512
FLOAT_BYTES = 2.0
SPLIT_BELOW = 0.8  # FlashAttention 2, num_splits_heuristic


def graph_size(tokens: int, graph_max: int) -> int:
    """Return the tokens really computed when `tokens` run in a captured CUDA graph.

    vLLM captures sizes 1, 2, 4, every 8 up to 256 and every 16 above, at most `graph_max`
    (vLLM's `cudagraph_capture_sizes`), and pads a batch to the next; larger batches run as
    they are. Attention kernels see the true lengths.
    """
    if tokens > graph_max:
        return tokens
    if tokens <= 2:
        return tokens
    if tokens <= 4:
        return 4
    step = 8 if tokens <= 256 else 16
    return -(-tokens // step) * step


class TableStepTime:
    """Step times of one model on `gpus` GPUs from its measured kernels.

    `graph_max` is the largest captured CUDA graph (0: eager). `link` is needed for `gpus` > 1.
    `slots` is how many thread blocks of the attention kernel the GPU runs at once; it decides
    whether FlashAttention splits the KV of a decode (fewer than 80 % of the slots filled: it
    does) and how long the step waits for its longest sequence. 0 means an evenly scheduled
    kernel, without that tail. `expert_shards` replicas keep one copy of the experts between them
    (vLLM's data parallelism); all are taken to compute as many tokens at a time.
    """

    def __init__(
        self,
        tables: KernelTables,
        model: Model,
        *,
        gpus: int = 1,
        link: Link | None = None,
        graph_max: int = GRAPH_TOKENS_MAX,
        slots: int = 0,
        expert_shards: int = 1,
        provenance: Provenance,
    ) -> None:
        assert gpus * expert_shards == 1 or link is not None, "parallelism needs a link"
        self._provenance = provenance
        self._tables = tables
        self._model = model
        self._gpus = gpus
        self._link = link
        self._graph_max = graph_max
        self._shards = expert_shards
        self._layers = model.layers
        self.attention = attention = AttentionGrid(tables.attention)
        self._slots = slots
        # One block alone: the slope of the smallest chunk in the KV before it.
        far = attention.range_max["kv_prefill"]
        rate = (attention.prefill(1, far) - attention.prefill(1, far / 2)) / (far / 2)
        self._alone_s = max(0.0, rate)
        self._token_s: list[float] = []
        self._sampled_s: list[float] = []
        self._grow_tokens(2 * GRAPH_TOKENS_MAX)
        self._grow_sampled(GRAPH_TOKENS_MAX)
        self._curves: dict[tuple[int, int], PiecewiseLinear] = {}

    @property
    def provenance(self) -> Provenance:
        """Where the times come from."""
        return self._provenance

    @property
    def layers(self) -> int:
        """Layers of the model."""
        return self._layers

    def token_s(self, tokens: int) -> float:
        """Return the time of everything in a step that depends on the number of tokens."""
        if tokens >= len(self._token_s):
            self._grow_tokens(2 * tokens)
        return self._token_s[tokens]

    def sampled_s(self, sequences: int) -> float:
        """Return the time of the head and sampler for `sequences`."""
        if sequences >= len(self._sampled_s):
            self._grow_sampled(2 * sequences)
        return self._sampled_s[sequences]

    def decode(self, sequences: int, tokens: int = 1) -> PiecewiseLinear:
        """Return the time of a decode-only step as a function of the KV length."""
        key = (sequences, tokens)
        curve = self._curves.get(key)
        if curve is None:
            attention = self.attention.decode(sequences)
            fixed = self.token_s(sequences * tokens) + self.sampled_s(sequences * tokens)
            layers = self._layers
            curve = PiecewiseLinear(
                attention.knots, [fixed + layers * value for value in attention.values]
            )
            self._curves[key] = curve
        return curve

    def mixed(
        self,
        chunks: Sequence[tuple[int, int]],
        sequences: int,
        kv_mean: float,
        kv_max: float,
        tokens: int = 1,
    ) -> float:
        """Return the time of a step with prompt chunks, each `(tokens, KV before it)`."""
        total = sequences * tokens
        for chunk, _ in chunks:
            total += chunk
        size, context = equivalent_chunk(chunks)
        attention = self.attention.mixed(size, context, sequences, kv_mean)
        if self._slots and sequences > 1:
            # A step with a prompt never splits, and one block serves one query head.
            waves = max(1.0, sequences * self._model.heads / self._gpus / self._slots)
            attention += self._alone_s * max(0.0, kv_max - waves * kv_mean)
        sampled = sequences * tokens + len(chunks)
        return self.token_s(total) + self._layers * attention + self.sampled_s(sampled)

    def straggler(self, sequences: int) -> Straggler:
        """Return what one sequence far longer than the mean adds to a decode-only step."""
        filled = sequences * max(1, self._model.kv_heads // self._gpus)
        if sequences < 2 or filled < SPLIT_BELOW * self._slots or not self._slots:
            return EVEN
        return Straggler(self._alone_s * self._layers, max(1.0, filled / self._slots))

    def _grow_tokens(self, upto: int) -> None:
        graph_max = self._graph_max
        sizes = np.array([graph_size(t, graph_max) for t in range(upto + 1)], dtype=float)
        total = np.zeros(upto + 1)
        for layer, rows in self._tables.dense.items():
            total += self._times(layer) * _curve(rows, sizes)
        if self._tables.moe:
            total += self._layers * self._experts_s(sizes)
        if self._tables.moe and self._link is not None and self._shards > 1:
            # Tokens are gathered from all replicas before the experts and scattered behind them.
            size = self._shards * self._model.hidden * FLOAT_BYTES
            total += (
                2
                * self._layers
                * np.array([self._link.all_gather_s(t * size, self._shards) for t in sizes])
            )
        if self._link is not None and self._gpus > 1:
            size = self._model.hidden * FLOAT_BYTES
            reductions = 2 * self._layers + 1  # after attention, after the MLP, the embedding
            total += reductions * np.array(
                [self._link.all_reduce_s(t * size, self._gpus) for t in sizes]
            )
        total[0] = 0.0
        self._token_s = total.tolist()

    def _grow_sampled(self, upto: int) -> None:
        counts = np.arange(upto + 1, dtype=float)
        total = np.zeros(upto + 1)
        for rows in self._tables.per_sequence.values():
            total += _curve(rows, counts)
        if self._link is not None and self._gpus > 1:
            logits = self._model.vocab * FLOAT_BYTES
            total += np.array([self._link.all_gather_s(n * logits, self._gpus) for n in counts])
        total[0] = 0.0
        self._sampled_s = total.tolist()

    def _times(self, layer: str) -> int:
        if layer in ONCE:
            return 1
        return 2 * self._layers if layer in TWICE_A_LAYER else self._layers

    def _experts_s(self, sizes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the time of one layer's experts at the number of them that tokens touch.

        Of experts in `n` shards one GPU reads one in n of what n times the tokens touch, and
        computes as many pairs of token and expert as alone.
        """
        by_count: dict[float, Rows] = {}
        for tokens, active, time_us in self._tables.moe:
            by_count.setdefault(active, []).append((tokens, time_us))
        counts = np.array(sorted(by_count))
        planes = np.array([_curve(sorted(by_count[count]), sizes) for count in counts])
        shards = self._shards
        touched = np.array([self._model.active_experts(shards * float(t)) for t in sizes]) / shards
        touched = np.clip(touched, counts[0], counts[-1])
        if len(counts) == 1:
            return np.asarray(planes[0])
        place = np.clip(np.searchsorted(counts, touched, side="right") - 1, 0, len(counts) - 2)
        fraction = (touched - counts[place]) / (counts[place + 1] - counts[place])
        column = np.arange(len(sizes))
        low, high = planes[place, column], planes[place + 1, column]
        return np.asarray(low + fraction * (high - low))


def _curve(rows: Rows, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the seconds of one kernel at `x` from its `(count, microseconds)` rows."""
    table = np.asarray(rows, dtype=float)
    return interpolate(x, table[:, 0], table[:, 1]) * 1e-6
