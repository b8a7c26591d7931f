"""How many KV blocks a GPU has left, and whether a model fits at all.

As vLLM reckons at start-up: `gpu_memory_utilization` of the memory, less the weights, the largest
activations of one step and what the driver keeps; the rest is cut into blocks.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator.serving.catalogue import GPUS, Gpu, Model
from simulator.serving.errors import DoesNotFit, ServingError

__all__ = ["QUANTIZATIONS", "MemoryPlan", "Quantization", "check_tensor_parallel", "plan_memory"]

GIB = float(1 << 30)
ACTIVATION_BYTES = 2.0
SAMPLER_BYTES = 32.0  # of one logit: float logits, sorted copy, indices, probabilities, sums
DRIVER_BYTES = 0.1 * GIB  # vLLM logs 0.07 to 0.1 GiB as non-torch memory on one GPU
COLLECTIVE_BYTES = 0.4 * GIB  # NCCL and custom all-reduce buffers


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
            f"{model.name}; {', '.join(map(str, fine))} do"
        )
    if model.kv_heads % gpus and gpus % model.kv_heads:
        raise ServingError(
            f"tensor_parallel {gpus} and the {model.kv_heads} KV heads of {model.name} do not "
            "divide each other"
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
) -> MemoryPlan:
    """Return the memory plan of each GPU of a replica.

    Raises `DoesNotFit` saying by how much the model is too large and what would hold it.
    """
    check_tensor_parallel(model, tensor_parallel)
    needs = _needs(model, tensor_parallel, weight_bytes, max_num_batched_tokens, max_num_seqs)
    weights, activations, reserved = needs
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
            f"allows; {_what_fits(model, gpu, gpu_memory_utilization, weight_bytes, needs)}"
        )
    return MemoryPlan(weights, activations, reserved, kv_cache, block, int(kv_cache / block))


def _needs(
    model: Model, gpus: int, weight_bytes: float, batched_tokens: int, sequences: int
) -> tuple[float, float, float]:
    """Return the bytes of weights, activations and driver on each GPU."""
    weights = model.weight_bytes(weight_bytes) / gpus
    width = 4 * model.hidden + 3 * model.intermediate * model.experts_per_token / gpus
    activations = (
        batched_tokens * width * ACTIVATION_BYTES + sequences * model.vocab * SAMPLER_BYTES
    )
    reserved = DRIVER_BYTES + (COLLECTIVE_BYTES if gpus > 1 else 0.0)
    return weights, activations, reserved


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
        scale = scheme.weight_bytes / weight_bytes
        if scale < 1.0 and needs[0] * scale + other < gpu.memory_bytes * utilization:
            options.append(f"{scheme.name} weights")
            break
    return f"{' or '.join(options)} would fit" if options else "nothing in the catalogue fits"
