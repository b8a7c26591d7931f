"""The GPU catalogue: memory, bandwidth, peak arithmetic, links and a rental price.

Peaks are dense (without sparsity) tensor-core figures of the vendor's data sheet. `memory_bytes`
is what the driver offers to a program (`cudaMemGetInfo`), a little less than the number on the
box, because it decides how many KV blocks there are. Prices are on-demand list prices per GPU
hour in US dollars, rounded, of a public cloud in 2025; they date quickly: set your own `cost`.

A source that could be opened is given with its address (bandwidth and peaks; memory, links and
multiprocessors stand in none of them). What could not be looked up says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from simulator.serving.errors import ServingError, UnknownName, simple_name

__all__ = ["GPUS", "Gpu", "find_gpu", "mig_slice"]

GIB = float(1 << 30)
TB = 1e12
GB = 1e9


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU model. SI units; `fp8_flops` is None without FP8 tensor cores.

    `link_bytes_per_s` is one direction of the fastest link to a peer (NVLink, else PCIe).
    `multiprocessors` is the number of streaming multiprocessors (compute units).
    `mig_slices` is the number of compute slices the GPU can be cut into (0: not at all).
    """

    name: str
    memory_bytes: float
    bandwidth_bytes_per_s: float
    bf16_flops: float
    fp8_flops: float | None
    link_bytes_per_s: float
    link_latency_s: float
    price_usd_per_hour: float
    source: str
    price_source: str
    multiprocessors: int = 0
    mig_slices: int = 0
    aliases: tuple[str, ...] = ()
    balanced_attention: bool = False

    @property
    def attention_slots(self) -> int:
        """Thread blocks FlashAttention 2 runs at once: two on each multiprocessor.

        0 where the attention kernel spreads uneven lengths itself (FlashAttention 3 on Hopper
        and the kernels for datacenter Blackwell).
        """
        return 0 if self.balanced_attention else 2 * self.multiprocessors


MEMORY = "from memory, unverified"
TABLE = (
    "bandwidth and peaks as in "
    "llmbook.apartsin.com/appendices/appendix-g-hardware-compute/section-g.1.html"
)
L40S = "github.com/ai-dynamo/aiconfigurator src/aiconfigurator/systems/l40s.yaml at ee962fc"
PEAKS_T4 = "hmc-tech.com/gpu/nvidia-gb200-vs-nvidia-t4"
CALWOO = (
    "FP16 as in "
    "calwoo.github.io/notes/concepts/deep-learning-engineering/nvidia-gpu-hardware/index.html"
)
PRICE_A10G = (
    "main.d1m6t5n8e4tvia.amplifyapp.com/blog/amazon-ec2-on-demand-pricing-instance-families-2026"
)

NVLINK_S = 5e-6
PCIE_S = 15e-6

GPUS: tuple[Gpu, ...] = (
    Gpu(
        "T4",
        14.56 * GIB,
        0.320 * TB,
        65e12,
        None,
        16 * GB,
        PCIE_S,
        0.53,
        "NVIDIA T4 data sheet (FP16 peak; no BF16; its 65 TFLOPS also at " + PEAKS_T4 + ")",
        "AWS g4dn.xlarge, " + MEMORY,
        multiprocessors=40,
    ),
    Gpu(
        "L4",
        22.0 * GIB,
        0.300 * TB,
        121e12,
        242e12,
        32 * GB,
        PCIE_S,
        0.80,
        "NVIDIA L4 data sheet (dense = half of the sparse figure), " + MEMORY,
        "AWS g6.xlarge, " + MEMORY,
        multiprocessors=58,
    ),
    Gpu(
        "A10G",
        22.0 * GIB,
        0.600 * TB,
        70e12,
        None,
        32 * GB,
        PCIE_S,
        1.01,
        "NVIDIA A10G data sheet (70 TFLOPS FP16 dense), " + MEMORY,
        "AWS g5.xlarge at $1.006, " + PRICE_A10G,
        multiprocessors=80,
    ),
    Gpu(
        "L40S",
        44.4 * GIB,
        0.864 * TB,
        362e12,
        733e12,
        32 * GB,
        PCIE_S,
        1.86,
        "NVIDIA L40S data sheet; " + TABLE + "; " + L40S,
        "AWS g6e.xlarge, " + MEMORY,
        multiprocessors=142,
    ),
    Gpu(
        "A100-40GB",
        39.4 * GIB,
        1.555 * TB,
        312e12,
        None,
        300 * GB,
        NVLINK_S,
        2.75,
        "NVIDIA A100 data sheet (SXM4 40 GB), " + MEMORY,
        "AWS p4d.24xlarge / 8 after June 2025, " + MEMORY,
        multiprocessors=108,
        mig_slices=7,
        aliases=("a100-40",),
    ),
    Gpu(
        "A100-80GB",
        79.2 * GIB,
        2.039 * TB,
        312e12,
        None,
        300 * GB,
        NVLINK_S,
        3.43,
        "NVIDIA A100 data sheet (SXM4 80 GB); " + TABLE,
        "AWS p4de.24xlarge / 8, " + MEMORY,
        multiprocessors=108,
        mig_slices=7,
        aliases=("a100", "a100-80", "a100-sxm", "a100-80gb-sxm"),
    ),
    Gpu(
        "H100",
        79.2 * GIB,
        3.35 * TB,
        989e12,
        1979e12,
        450 * GB,
        NVLINK_S,
        3.93,
        "NVIDIA H100 data sheet (SXM5 80 GB); " + TABLE,
        "AWS p5.48xlarge / 8, " + MEMORY,
        balanced_attention=True,
        multiprocessors=132,
        mig_slices=7,
        aliases=("h100-sxm", "h100-80gb", "h100-80"),
    ),
    Gpu(
        "H100-PCIe",
        79.2 * GIB,
        2.0 * TB,
        756e12,
        1513e12,
        64 * GB,
        PCIE_S,
        2.39,
        "NVIDIA H100 data sheet (PCIe 80 GB), " + MEMORY,
        "RunPod list price, " + MEMORY,
        balanced_attention=True,
        multiprocessors=114,
        mig_slices=7,
    ),
    Gpu(
        "H200",
        139.8 * GIB,
        4.8 * TB,
        989e12,
        1979e12,
        450 * GB,
        NVLINK_S,
        4.98,
        "NVIDIA H200 data sheet (SXM 141 GB); " + TABLE,
        "AWS p5en.48xlarge / 8, " + MEMORY,
        balanced_attention=True,
        multiprocessors=132,
        mig_slices=7,
        aliases=("h200-sxm",),
    ),
    Gpu(
        "B200",
        178.4 * GIB,
        8.0 * TB,
        2250e12,
        4500e12,
        900 * GB,
        NVLINK_S,
        14.24,
        "NVIDIA DGX B200 data sheet / 8; " + TABLE,
        "AWS p6-b200.48xlarge / 8, " + MEMORY,
        balanced_attention=True,
        multiprocessors=148,
        mig_slices=7,
        aliases=("b200-sxm",),
    ),
    Gpu(
        "RTX-PRO-6000",
        94.97 * GIB,
        1.597 * TB,
        503.8e12,
        1007.6e12,
        64 * GB,
        PCIE_S,
        1.79,
        "NVIDIA RTX PRO 6000 Blackwell Server Edition and RTX Blackwell PRO architecture papers, "
        + MEMORY,
        "RunPod list price, " + MEMORY,
        multiprocessors=188,
        mig_slices=4,
        aliases=(
            "rtxpro6000",
            "rtx-6000-pro",
            "rtx-pro-6000-blackwell",
            "nvidia-rtx-pro-6000-blackwell-server-edition",
        ),
    ),
    Gpu(
        "RTX-4090",
        23.65 * GIB,
        1.008 * TB,
        165.2e12,
        330.3e12,
        32 * GB,
        PCIE_S,
        0.69,
        "NVIDIA Ada architecture paper (FP16 with FP32 accumulation, dense); " + CALWOO,
        "RunPod list price, " + MEMORY,
        multiprocessors=128,
        aliases=("rtx4090", "geforce-rtx-4090", "4090", "nvidia-geforce-rtx-4090"),
    ),
    Gpu(
        "RTX-5090",
        31.4 * GIB,
        1.792 * TB,
        209.5e12,
        419e12,
        64 * GB,
        PCIE_S,
        0.89,
        "NVIDIA RTX Blackwell architecture paper (dense, FP32 accumulation), " + MEMORY,
        "RunPod list price, " + MEMORY,
        multiprocessors=170,
        aliases=("rtx5090", "5090"),
    ),
    Gpu(
        "MI300X",
        191.5 * GIB,
        5.3 * TB,
        1307e12,
        2615e12,
        64 * GB,
        NVLINK_S,
        1.99,
        "AMD Instinct MI300X data sheet (one Infinity Fabric link to each peer); " + TABLE,
        "TensorWave, " + MEMORY,
        balanced_attention=True,
        multiprocessors=304,
    ),
)


def find_gpu(name: str) -> Gpu:
    """Return the GPU called `name` (case and punctuation do not matter).

    Raises `UnknownName` with the nearest names.
    """
    wanted = simple_name(name)
    for gpu in GPUS:
        if wanted in {simple_name(known) for known in (gpu.name, *gpu.aliases)}:
            return gpu
    for gpu in GPUS:
        if wanted == simple_name("nvidia" + gpu.name):
            return gpu
    raise UnknownName("GPU", name, [gpu.name for gpu in GPUS])


def mig_slice(gpu: Gpu, compute: int, memory: int) -> Gpu:
    """Return the slice of `gpu` with `compute` compute and `memory` memory slices.

    A MIG profile such as `3g.40gb` on an H100 is `mig_slice(h100, compute=3, memory=4)`:
    compute comes in sevenths (`mig_slices`), memory and its bandwidth in eighths (NVIDIA MIG user
    guide). Slices are isolated; links to other slices go through PCIe and are not modelled.
    """
    if not gpu.mig_slices:
        raise ServingError(f"{gpu.name} cannot be cut into MIG slices")
    memory_slices = 8 if gpu.mig_slices == 7 else gpu.mig_slices
    if not (1 <= compute <= gpu.mig_slices and 1 <= memory <= memory_slices):
        raise ServingError(
            f"a MIG slice of {gpu.name} has 1 to {gpu.mig_slices} compute and "
            f"1 to {memory_slices} memory slices, not {compute} and {memory}"
        )
    share = compute / gpu.mig_slices
    part = memory / memory_slices
    return replace(
        gpu,
        name=f"{gpu.name} {compute}g of {gpu.mig_slices}",
        memory_bytes=gpu.memory_bytes * part,
        bandwidth_bytes_per_s=gpu.bandwidth_bytes_per_s * part,
        bf16_flops=gpu.bf16_flops * share,
        fp8_flops=None if gpu.fp8_flops is None else gpu.fp8_flops * share,
        price_usd_per_hour=gpu.price_usd_per_hour * share,
        mig_slices=0,
        aliases=(),
    )
