"""How many KV blocks a GPU has left, and whether a model fits at all.

As vLLM reckons at start-up (`determine_available_memory`, read at 0.19): `gpu_memory_utilization`
of the memory, less the weights, the peak of a trial step and what the driver keeps; the rest is
cut into blocks. The peak is that of the layers or of the sampler, whichever is larger. From 0.21
on vLLM also puts CUDA graphs aside, a few tenths of a GiB that only a start-up can tell: state
`num_gpu_blocks` where that matters.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator.serving.catalogue import GPUS, Gpu, Model
from simulator.serving.errors import DoesNotFit, ServingError

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
    if model.kv_heads % gpus and gpus % model.kv_heads:
        raise ServingError(
            f"tensor_parallel {gpus} and the {model.kv_heads} KV heads of {model.name} do not "
            "divide each other",
            fields=TENSOR_PARALLEL,
        )


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
    shared = (1.0 - 1.0 / expert_shards) * model.expert_weight_bytes(weight_bytes)
    weights = (model.weight_bytes(weight_bytes) - shared) / tensor_parallel
    weights += model.context_max * model.head_dim * ACTIVATION_BYTES  # the table of rotations
    layers = _layers_bytes(model, tensor_parallel, max_num_batched_tokens)
    rows = 0 if sorted_sampling else _masked_rows(gpu, max_num_seqs)
    sampler = _sampler_bytes(model, max_num_batched_tokens, max_num_seqs, rows)
    activations = max(layers, sampler)
    reserved = DRIVER_BYTES + (COLLECTIVE_BYTES if tensor_parallel > 1 else 0.0)
    needs = (weights, activations, reserved)
    usable = gpu.memory_bytes * gpu_memory_utilization
    heads = max(1, model.kv_heads // tensor_parallel)
    block = model.kv_bytes_per_token(kv_bytes) * heads / model.kv_heads * block_size
    kv_cache = usable - weights - activations - reserved
    if kv_cache < block:
        raise DoesNotFit(
            f"{model.name} needs {(sum(needs) + block) / GIB:.1f} GiB on each of "
            f"{tensor_parallel} {gpu.name} (weights {weights / GIB:.1f}, activations "
            f"{activations / GIB:.1f}), {(block - kv_cache) / GIB:.1f} GiB more than the "
            f"{usable / GIB:.1f} GiB that gpu_memory_utilization {gpu_memory_utilization:g} "
            f"allows; {_what_fits(model, gpu, gpu_memory_utilization, weight_bytes, needs)}",
            fields=("model",),
        )
    blocks = int(kv_cache / block)
    return MemoryPlan(usable, weights, activations, reserved, kv_cache, block, blocks)


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
    model: Model,
    gpu: Gpu,
    utilization: float,
    weight_bytes: float,
    needs: tuple[float, float, float],
) -> str:
    """Return a clause naming more GPUs, other GPUs or fewer bits that would hold the weights."""
    weights = model.weight_bytes(weight_bytes)
    other = needs[1] + needs[2]
    options = []
    for gpus in (2, 4, 8, 16):
        if (
            model.heads % gpus == 0
            and weights / gpus + other + COLLECTIVE_BYTES < gpu.memory_bytes * utilization
        ):
            options.append(f"tensor_parallel {gpus}")
            break
    larger = [
        candidate for candidate in GPUS if candidate.memory_bytes * utilization > sum(needs) + GIB
    ]
    if larger:
        smallest = min(larger, key=lambda candidate: candidate.memory_bytes)
        options.append(f"a {smallest.name}")
    for scheme in QUANTIZATIONS.values():
        scale = model.weight_bytes(scheme.weight_bytes) / weights
        if scale < 1.0 and needs[0] * scale + other < gpu.memory_bytes * utilization:
            options.append(f"{scheme.name} weights")
            break
    return f"{' or '.join(options)} would fit" if options else "nothing in the catalogue fits"
