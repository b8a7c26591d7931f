"""What the catalogues of GPUs and models hold, line by line, each figure with its source."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.serving.catalogue import Gpu, Model

GIB = float(1 << 30)


def hardware_names(shelf: str) -> dict[str, str]:
    """The GPUs or the models, with a sentence each."""
    from simulator.serving.catalogue import GPUS, MODELS

    if shelf == "gpus":
        return {gpu.name: _gpu_sentence(gpu) for gpu in GPUS}
    return {model.name: _model_sentence(model) for model in MODELS}


def hardware_lines(name: str) -> list[str]:
    """All figures of the GPU or model called `name`, with their sources; nothing if unknown."""
    from simulator.serving.catalogue import find_gpu, find_model
    from simulator.serving.errors import UnknownName

    try:
        return list(_gpu_lines(find_gpu(name)))
    except UnknownName:
        pass
    try:
        return list(_model_lines(find_model(name)))
    except UnknownName:
        return []


def _gpu_sentence(gpu: "Gpu") -> str:
    return (
        f"{gpu.memory_bytes / GIB:.1f} GiB, {gpu.bandwidth_bytes_per_s / 1e12:.3g} TB/s, "
        f"{gpu.bf16_flops / 1e12:.4g} TFLOP/s, ${gpu.price_usd_per_hour:.2f}/h"
    )


def _model_sentence(model: "Model") -> str:
    active = "" if model.experts == 1 else f", {model.active_parameters / 1e9:.3g}B active"
    return f"{model.parameters / 1e9:.3g}B parameters{active}, {model.layers} layers"


def _gpu_lines(gpu: "Gpu") -> Iterator[str]:
    fp8 = "none" if gpu.fp8_flops is None else f"{gpu.fp8_flops / 1e12:.5g}"
    figures = {
        "memory": f"{gpu.memory_bytes / GIB:.2f} GiB",
        "bandwidth": f"{gpu.bandwidth_bytes_per_s / 1e12:.4g} TB/s",
        "arithmetic": f"{gpu.bf16_flops / 1e12:.5g} TFLOP/s in 16 bits, {fp8} in FP8, dense",
        "link": f"{gpu.link_bytes_per_s / 1e9:.3g} GB/s and {gpu.link_latency_s * 1e6:.3g} us "
        "for a message of an all-reduce",
        "multiprocessors": str(gpu.multiprocessors),
        "slices": str(gpu.mig_slices),
        "price": f"${gpu.price_usd_per_hour:.2f}/h",
    }
    yield f"{gpu.name}  (GPU)"
    for figure, source in gpu.sources.named().items():
        yield f"  {figure}: {figures[figure]}"
        yield f"      {source}"


def _model_lines(model: "Model") -> Iterator[str]:
    yield f"{model.name}  (model)"
    yield f"  {_model_sentence(model)}, hidden size {model.hidden}, vocabulary {model.vocab}"
    yield f"  attention: {model.heads} heads of {model.head_dim}, {model.kv_heads} KV heads"
    if model.experts > 1:
        yield f"  experts: {model.experts_per_token} of {model.experts}, width {model.intermediate}"
    else:
        yield f"  width of the MLP: {model.intermediate}"
    kv = model.kv_bytes_per_token() / 1024
    weights = model.weight_bytes() / GIB
    yield f"  bytes in 16 bits: weights {weights:.1f} GiB, KV cache {kv:g} KiB a token"
    yield f"  longest context: {model.context_max} tokens"
    yield f"      {model.source}"
