"""Step times from data sheets alone: each part takes the longer of its arithmetic and its bytes.

The last resort when nothing was measured. Matrix products read every weight once a step and
multiply every token; attention reads the KV cache and computes query-key pairs; tensor
parallelism adds two all-reduces a layer. Peak figures are never reached: `compute_efficiency`
and `memory_efficiency` are the shares that kernels get. The defaults are a little below what the
measured kernels of an RTX PRO 6000 reach with Llama-3.1-8B (79 % of peak arithmetic with 2,048
tokens, 83 % of the bandwidth with one); the floor of 20 us a layer for kernels that move next to
nothing is theirs. Treat results as good to about 20 to 30 %, never better.

Source of the model: Williams, Waterman, Patterson, Roofline, CACM 52(4), 2009.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.serving.all_reduce import Link
from simulator.serving.curve import PiecewiseLinear
from simulator.serving.errors import ServingError
from simulator.serving.memory import QUANTIZATIONS, Quantization, check_tensor_parallel
from simulator.serving.step_time import EVEN, Provenance, Straggler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.serving.catalogue import Gpu, Model

__all__ = ["Roofline"]

LAYER_FLOOR_S = 20e-6
ARITHMETIC_SHARE = 0.7
MEMORY_SHARE = 0.8
ACTIVATION_BYTES = 2.0


class Roofline:
    """Step times of `model` on `gpus` GPUs of one kind, from the catalogues."""

    def __init__(
        self,
        model: Model,
        gpu: Gpu,
        *,
        gpus: int = 1,
        quantization: Quantization = QUANTIZATIONS["bf16"],
        kv_bytes: float = 2.0,
        compute_efficiency: float = ARITHMETIC_SHARE,
        memory_efficiency: float = MEMORY_SHARE,
        link: Link | None = None,
    ) -> None:
        check_tensor_parallel(model, gpus)
        flops = gpu.bf16_flops
        if quantization.fp8_arithmetic:
            if gpu.fp8_flops is None:
                message = f"{gpu.name} has no FP8 arithmetic; use int8 or bf16 weights"
                raise ServingError(message, fields=("quantization",))
            flops = gpu.fp8_flops
        self._model = model
        self._gpus = gpus
        self._flops = flops * compute_efficiency * gpus
        self._bf16_flops = gpu.bf16_flops * compute_efficiency * gpus
        self._bandwidth = gpu.bandwidth_bytes_per_s * memory_efficiency * gpus
        self._weight_bytes = quantization.weight_bytes
        self._link = link or Link(gpu.link_bytes_per_s, gpu.link_latency_s)
        copies = max(1, gpus // model.kv_heads)  # KV heads are copied when GPUs outnumber them
        self._kv_token_s = model.kv_bytes_per_token(kv_bytes) * copies / self._bandwidth
        self._curves: dict[tuple[int, int], PiecewiseLinear] = {}
        self._head = head = model.vocab * model.hidden
        self._body = model.active_parameters - head
        self._experts = model.layers * model.expert_parameters
        self._resident = self._body - self._experts * model.experts_per_token
        self._expert_bytes = min(self._weight_bytes, model.expert_bytes or self._weight_bytes)
        self.provenance = Provenance(
            "roofline", f"catalogue: {gpu.name} ({gpu.source}); {model.name} ({model.source})"
        )

    def fixed_s(self, tokens: int, sampled: int) -> float:
        """Return the time of everything but attention for `tokens`, `sampled` of them sampled."""
        model, head = self._model, self._head
        experts = self._experts * model.active_experts(tokens)
        read = experts * self._expert_bytes + self._resident * self._weight_bytes
        layers = max(2 * self._body * tokens / self._flops, read / self._bandwidth)
        # The head is never quantized.
        read_head = head * ACTIVATION_BYTES / self._bandwidth
        logits = max(2 * head * sampled / self._bf16_flops, read_head)
        reduce_s = self._link.all_reduce_s(tokens * model.hidden * ACTIVATION_BYTES, self._gpus)
        return layers + logits + model.layers * LAYER_FLOOR_S + (2 * model.layers + 1) * reduce_s

    def decode(self, sequences: int, tokens: int = 1) -> PiecewiseLinear:
        """Return the time of a decode-only step as a function of the KV length."""
        key = (sequences, tokens)
        if key not in self._curves:
            fixed = self.fixed_s(sequences * tokens, sequences * tokens)
            per_kv = max(self._kv_token_s, tokens * self._pairs_s(1.0)) * sequences
            self._curves[key] = PiecewiseLinear([0.0, 1.0], [fixed, fixed + per_kv])
        return self._curves[key]

    def straggler(self, sequences: int) -> Straggler:
        """Return no tail: the roofline knows totals only."""
        return EVEN

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
        attention = sequences * kv_mean * max(self._kv_token_s, tokens * self._pairs_s(1.0))
        for chunk, context in chunks:
            total += chunk
            pairs = chunk * (context + 0.5 * chunk)
            attention += max(self._pairs_s(pairs), (context + chunk) * self._kv_token_s)
        return self.fixed_s(total, sequences * tokens + len(chunks)) + attention

    def _pairs_s(self, pairs: float) -> float:
        """Return the time to compute `pairs` query-key pairs in every head and layer."""
        model = self._model
        return pairs * 4 * model.layers * model.heads * model.head_dim / self._bf16_flops
