"""How many KV blocks a GPU has left, and whether a model fits at all.

As vLLM reckons at start-up (`determine_available_memory`, read at 0.19): `gpu_memory_utilization`
of the memory, less the weights, the peak of a trial step and what the driver keeps; the rest is
cut into blocks. The peak is that of the layers or of the sampler, whichever is larger. From 0.21
on vLLM also puts CUDA graphs aside, a few tenths of a GiB that only a start-up can tell: state
`num_gpu_blocks` where that matters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.serving.catalogue import GPUS, Gpu, Model
from simulator.serving.errors import DoesNotFit, ServingError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["QUANTIZATIONS", "MemoryPlan", "Quantization", "check_tensor_parallel", "plan_memory"]

GIB = float(1 << 30)
TENSOR_PARALLEL = ("tensor_parallel",)
ACTIVATION_BYTES = 2.0
SAMPLED_BYTES = 14.0  # of one logit: itself, as a float, its probability, a random number
MASKED_BYTES = 4.0  # of one logit in a row that a multiprocessor masks (top-k, top-p)
# Sorting takes more. Measured with vLLM 0.11 (llm-d-incubation/llm-d-planner, "vLLM Empirical
# Memory Profiling Results", six models, all within 0.5 %), as are the driver and the collectives.
SORTED_BYTES = 38.25
SORTED_BELOW = 8  # sequences; fewer are sorted by every version
DRIVER_BYTES = 0.13 * GIB
COLLECTIVE_BYTES = 0.41 * GIB
DEGREES = (2, 4, 8, 16)  # GPUs of a replica that are suggested
LARGE_TOKENS, LARGE_SEQUENCES = 8192, 1024  # of a step, as vLLM chooses them on a large GPU


@dataclass(frozen=True, slots=True)
class Quantization:
    """How weights are stored and multiplied: bytes of one, and whether in FP8 arithmetic."""

    name: str
    weight_bytes: float
    fp8_arithmetic: bool = False


QUANTIZATIONS = {
    scheme.name: scheme
    for scheme in (
        Quantization("bf16", 2.0),
        Quantization("fp8", 1.0, fp8_arithmetic=True),
        Quantization("int8", 1.0),
        Quantization("int4", 0.5 + 2.0 / 128),  # one 16-bit scale for 128 weights (AWQ, GPTQ)
    )
}


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Where the memory of one GPU goes, in bytes, and the KV blocks that result."""

    usable: float
    weights: float
    activations: float
    reserved: float
    kv_cache: float
    block: float
    num_gpu_blocks: int

    @property
    def fits(self) -> bool:
        """Whether a KV block is left at all."""
        return self.num_gpu_blocks > 0

    @property
    def kv_tokens(self) -> float:
        """Tokens the KV cache holds."""
        return self.kv_cache / self.block


def check_tensor_parallel(model: Model, gpus: int) -> None:
    """Raise `ServingError` unless `gpus` divides the attention heads of `model`."""
    if gpus < 1 or model.heads % gpus:
        fine = [n for n in range(1, 17) if model.heads % n == 0]
        raise ServingError(
            f"tensor_parallel {gpus} does not divide the {model.heads} attention heads of "
            f"{model.name}; {', '.join(map(str, fine))} do",
            fields=TENSOR_PARALLEL,
        )
    if not _divides(gpus, model):
        raise ServingError(
            f"tensor_parallel {gpus} and the {model.kv_heads} KV heads of {model.name} do not "
            "divide each other",
            fields=TENSOR_PARALLEL,
        )


def _divides(gpus: int, model: Model) -> bool:
    """Return whether the heads of every layer can be shared out evenly."""
    shared = model.kv_heads % gpus == 0 or gpus % model.kv_heads == 0
    return model.heads % gpus == 0 and shared


def plan_memory(
    model: Model,
    gpu: Gpu,
    *,
    tensor_parallel: int = 1,
    gpu_memory_utilization: float = 0.9,
    weight_bytes: float = 2.0,
    kv_bytes: float = 2.0,
    max_num_batched_tokens: int = 2048,
    max_num_seqs: int = 256,
    block_size: int = 16,
    expert_shards: int = 1,
    sorted_sampling: bool = False,
) -> MemoryPlan:
    """Return the memory plan of each GPU of a replica.

    `expert_shards` is the number of replicas that keep one copy of the experts between them.
    `sorted_sampling` says that the sampler sorts the logits, as vLLM's did before 0.17.
    Raises `DoesNotFit` saying by how much the model is too large and what would hold it.
    """
    check_tensor_parallel(model, tensor_parallel)

    def planned(gpu: Gpu, gpus: int, weight_bytes: float, like_large: bool = False) -> MemoryPlan:
        tokens, sequences = max_num_batched_tokens, max_num_seqs
        if like_large:
            tokens, sequences = max(tokens, LARGE_TOKENS), max(sequences, LARGE_SEQUENCES)
        shared = (1.0 - 1.0 / expert_shards) * model.expert_weight_bytes(weight_bytes)
        weights = (model.weight_bytes(weight_bytes) - shared) / gpus
        weights += model.context_max * model.head_dim * ACTIVATION_BYTES  # the table of rotations
        rows = 0 if sorted_sampling else _masked_rows(gpu, sequences)
        sampler = _sampler_bytes(model, tokens, sequences, rows)
        activations = max(_layers_bytes(model, gpus, tokens), sampler)
        reserved = DRIVER_BYTES + (COLLECTIVE_BYTES if gpus > 1 else 0.0)
        usable = gpu.memory_bytes * gpu_memory_utilization
        heads = max(1, model.kv_heads // gpus)
        block = model.kv_bytes_per_token(kv_bytes) * heads / model.kv_heads * block_size
        kv_cache = usable - weights - activations - reserved
        blocks = int(max(0.0, kv_cache) / block)
        return MemoryPlan(usable, weights, activations, reserved, kv_cache, block, blocks)

    plan = planned(gpu, tensor_parallel, weight_bytes)
    if not plan.fits:
        missing = plan.block - plan.kv_cache
        raise DoesNotFit(
            f"{model.name} needs {(plan.usable + missing) / GIB:.1f} GiB on each of "
            f"{tensor_parallel} {gpu.name} (weights {plan.weights / GIB:.1f}, activations "
            f"{plan.activations / GIB:.1f}), {missing / GIB:.1f} GiB more than the "
            f"{plan.usable / GIB:.1f} GiB that gpu_memory_utilization {gpu_memory_utilization:g} "
            f"allows; {_what_fits(model, gpu, tensor_parallel, weight_bytes, planned)}",
            fields=("model",),
        )
    return plan


def _layers_bytes(model: Model, gpus: int, tokens: int) -> float:
    """Return the largest activations of a layer: the residual and the parts of the MLP."""
    wide = model.intermediate / gpus
    if model.experts == 1:
        width = 3 * wide
    else:
        inner = max(2 * wide, model.hidden) + max(wide, model.hidden)
        width = inner * model.experts_per_token + 3 * model.shared_intermediate / gpus
    return tokens * (2 * model.hidden + width) * ACTIVATION_BYTES


def _sampler_bytes(model: Model, tokens: int, sequences: int, masked_rows: int) -> float:
    """Return the memory of the sampler (0 `masked_rows`: it sorts) beside the hidden states."""
    hidden = (tokens + 2 * sequences) * model.hidden * ACTIVATION_BYTES
    each = SAMPLED_BYTES if masked_rows else SORTED_BYTES
    return hidden + model.vocab * (sequences * each + masked_rows * MASKED_BYTES)


def _masked_rows(gpu: Gpu, sequences: int) -> int:
    """Return the rows of logits that the multiprocessors mask at once, 0 if they are sorted."""
    if sequences < SORTED_BELOW:
        return 0
    processors = gpu.multiprocessors or sequences
    power_of_2 = 1 << (min(processors, sequences) - 1).bit_length()
    return min(power_of_2, processors)


def _what_fits(
    model: Model, gpu: Gpu, gpus: int, weight_bytes: float, planned: Callable[..., MemoryPlan]
) -> str:
    """Return a clause naming more GPUs, another GPU or fewer bits that would hold the model.

    Where none of them does alone, the cheapest replica of any GPUs. Other GPUs have to hold what
    vLLM chooses for a large one.
    """
    degrees = [n for n in DEGREES if _divides(n, model)]
    options = []
    # A slice is not in the catalogue and cannot be joined to others.
    more = [n for n in degrees if n > gpus and gpu in GPUS and planned(gpu, n, weight_bytes).fits]
    options += [f"tensor_parallel {n}" for n in more[:1]]
    larger = [other for other in GPUS if planned(other, gpus, weight_bytes, like_large=True).fits]
    if larger:
        smallest = min(larger, key=lambda other: other.memory_bytes)
        options.append(f"a {smallest.name}" if gpus == 1 else f"{gpus} {smallest.name}")
    for scheme in sorted(QUANTIZATIONS.values(), key=lambda one: -one.weight_bytes):
        possible = gpu.fp8_flops is not None or not scheme.fp8_arithmetic
        fewer = scheme.weight_bytes < weight_bytes
        if possible and fewer and planned(gpu, gpus, scheme.weight_bytes).fits:
            options.append(f"{scheme.name} weights")
            break
    if not options:
        replicas = [
            (n * other.price_usd_per_hour, n, other.name)
            for other in GPUS
            for n in degrees
            if planned(other, n, weight_bytes, like_large=True).fits
        ]
        options += [f"tensor_parallel {n} on {name}" for _, n, name in sorted(replicas)[:1]]
    return f"{' or '.join(options)} would fit" if options else "nothing in the catalogue fits"
