"""The GPU catalogue: memory, bandwidth, peak arithmetic, links and a rental price.

Peaks are dense (without sparsity) tensor-core figures of the vendor. `memory_bytes` is what the
driver offers to a program (`cudaMemGetInfo`), a little less than the number on the box, because it
decides how many KV blocks there are. Links are not data-sheet numbers but what a ring all-reduce
needs to take the measured times of vLLM's own kernel (up to 8 MiB, inside CUDA graphs) and of NCCL
(above, and with PCIe over more than two GPUs): bandwidth and latency with the least mean error of
log time over 16 KiB to 64 MiB and 2, 4 and 8 GPUs (L40S: 2 and 4). They meet those times within
20 % (PCIe 5) to 50 % (L40S, B200); data-sheet numbers with 5 us a message miss them by two to
five times. Prices are on-demand list prices per GPU hour in US dollars: AWS us-east-1 where it
rents the GPU, else another public cloud. They date quickly: set your own `cost`.

Every entry names the source of each figure, and says which were not opened.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from simulator.serving.catalogue.sources import (
    ADA,
    BLACKWELL,
    DEVICE_QUERIES,
    DEVICE_QUERIES_AT,
    KERNEL_BENCH,
    MIG_GUIDE,
    ML_ENGINEERING,
    ML_ENGINEERING_AT,
    MODAL_SCRIPT,
    NO_SLICES,
    TECHPOWERUP,
    GpuSources,
    Source,
    aws,
    device,
    joined,
    measured_link,
    runpod,
    system,
)
from simulator.serving.errors import ServingError, UnknownName, simple_name

__all__ = ["GPUS", "Gpu", "find_gpu", "mig_slice"]

MIB = float(1 << 20)
GIB = float(1 << 30)
TB = 1e12
GB = 1e9
US = 1e-6


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU model. SI units; `fp8_flops` is None without FP8 tensor cores.

    `link_bytes_per_s` and `link_latency_s` are what a message of a ring all-reduce gets.
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
    multiprocessors: int
    price_usd_per_hour: float
    sources: GpuSources
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

    @property
    def source(self) -> str:
        """Where bandwidth, peaks and link were read: what step times rest on."""
        return joined(self.sources.bandwidth, self.sources.arithmetic, self.sources.link)

    @property
    def price_source(self) -> str:
        """Where the price was read."""
        return str(self.sources.price)


# fmt: off
T4_DEVICE = device("github.com/sylvia-ymlin/cuda-kernels-from-scratch README.md")
L4_DEVICE = device(f"{DEVICE_QUERIES}/L4_deviceQuery.py", DEVICE_QUERIES_AT)
A10G_DEVICE = device(
    "meta-pytorch.org/torchcodec, Accelerated video decoding on GPUs", "September 2026"
)
L40S_DEVICE = device("a public tutorial on sharing an L40S between pods")
A100_40_DEVICE = device("github.com/PaddlePaddle/Paddle python/paddle/device/cuda/__init__.py")
A100_DEVICE = device(f"{DEVICE_QUERIES}/A100SXMx4_deviceQuery.py", DEVICE_QUERIES_AT)
RTX_4090_DEVICE = device(f"{DEVICE_QUERIES}/RTX4090_deviceQuery.py", DEVICE_QUERIES_AT)
RTX_5090_DEVICE = device("github.com/NVIDIA/nccl issue 1637", "March 2025")
RTX_PRO_DEVICE = device("github.com/Jessi11111/fine-tuning-InternVL-78B README.md", "16a3892")
MI300X_DEVICE = device("github.com/ROCm/ROCm issue 4203")
H100_MEMORY = device(
    "github.com/vllm-project/vllm issue 27508", "October 2025", "79.11 GiB in an out-of-memory log"
)

GPUS: tuple[Gpu, ...] = (
    Gpu(
        "T4", 15095 * MIB, 0.320 * TB, 65e12, None, 9.1 * GB, 2.87 * US, 40, 0.526,
        GpuSources(T4_DEVICE, T4_DEVICE, KERNEL_BENCH, measured_link("l40s", "a T4, PCIe 3: half"),
                   T4_DEVICE, NO_SLICES, aws("g4dn.xlarge")),
    ),
    Gpu(
        "L4", 22478 * MIB, 0.300 * TB, 121e12, 242e12, 18.2 * GB, 2.87 * US, 58, 0.8048,
        GpuSources(L4_DEVICE, system("l4"), system("l4"), measured_link("l40s", "an L4"),
                   L4_DEVICE, NO_SLICES, aws("g6.xlarge")),
    ),
    Gpu(
        "A10G", 22587 * MIB, 0.600 * TB, 70e12, None, 18.2 * GB, 2.87 * US, 80, 1.006,
        GpuSources(
            A10G_DEVICE, KERNEL_BENCH,
            Source("github.com/allenai/OLMo-core src/olmo_core/train/callbacks/speed_monitor.py",
                   note="70 dense, from AWS's data sheet; 69.5 measured in "
                        "github.com/zzc0721/torch-performance-test-data issue 126"),
            measured_link("l40s", "an A10G"), A10G_DEVICE, NO_SLICES, aws("g5.xlarge"),
        ),
    ),
    Gpu(
        "L40S", 45589 * MIB, 0.864 * TB, 362.05e12, 733e12, 18.2 * GB, 2.87 * US, 142, 1.861,
        GpuSources(
            L40S_DEVICE, system("l40s"), system("l40s"), measured_link("l40s"), L40S_DEVICE,
            NO_SLICES, aws("g6e.xlarge"),
        ),
    ),
    Gpu(
        "A100-40GB", 40536 * MIB, 1.555 * TB, 312e12, None, 156 * GB, 0.98 * US, 108, 2.744705,
        GpuSources(
            A100_40_DEVICE, KERNEL_BENCH, KERNEL_BENCH, measured_link("a100_sxm"), A100_40_DEVICE,
            MIG_GUIDE, aws("p4d.24xlarge", 8),
        ),
        mig_slices=7, aliases=("a100-40",),
    ),
    Gpu(
        "A100-80GB", 81158 * MIB, 2.039 * TB, 312e12, None, 156 * GB, 0.98 * US, 108, 3.430881,
        GpuSources(A100_DEVICE, system("a100_sxm"), system("a100_sxm"), measured_link("a100_sxm"),
                   A100_DEVICE, MIG_GUIDE, aws("p4de.24xlarge", 8)),
        mig_slices=7, aliases=("a100", "a100-80", "a100-sxm", "a100-80gb-sxm"),
    ),
    Gpu(
        "H100", 79.11 * GIB, 3.35 * TB, 989e12, 1978e12, 254 * GB, 0.82 * US, 132, 6.88,
        GpuSources(H100_MEMORY, system("h100_sxm"), system("h100_sxm"), measured_link("h100_sxm"),
                   TECHPOWERUP, MIG_GUIDE, aws("p5.48xlarge", 8)),
        mig_slices=7, aliases=("h100-sxm", "h100-80gb", "h100-80"), balanced_attention=True,
    ),
    Gpu(
        "H100-PCIe", 79.11 * GIB, 2.0 * TB, 756.5e12, 1513e12, 25.1 * GB, 2.26 * US, 114, 2.89,
        GpuSources(
            H100_MEMORY, system("h100_pcie"), system("h100_pcie"),
            measured_link("rtx_pro_6000_server", "an H100 PCIe"), TECHPOWERUP, MIG_GUIDE,
            Source("github.com/datareceipts/data-receipts 109-gpu-pricing/vendors.json",
                   "9 November 2026", "RunPod Secure Cloud, H100 PCIe"),
        ),
        mig_slices=7, balanced_attention=True,
    ),
    Gpu(
        "H200", 143156 * MIB, 4.8 * TB, 989e12, 1978e12, 268 * GB, 0.82 * US, 132, 7.912,
        GpuSources(MODAL_SCRIPT, system("h200_sxm"), system("h200_sxm"),
                   measured_link("h200_sxm"), MODAL_SCRIPT, MIG_GUIDE, aws("p5en.48xlarge", 8)),
        mig_slices=7, aliases=("h200-sxm",), balanced_attention=True,
    ),
    Gpu(
        "B200", 182642 * MIB, 7.7 * TB, 2250e12, 4500e12, 350 * GB, 1.25 * US, 148, 14.2416,
        GpuSources(MODAL_SCRIPT, system("b200_sxm"), system("b200_sxm"),
                   measured_link("b200_sxm"), MODAL_SCRIPT, MIG_GUIDE, aws("p6-b200.48xlarge", 8)),
        mig_slices=7, aliases=("b200-sxm",), balanced_attention=True,
    ),
    Gpu(
        "RTX-PRO-6000", 97250 * MIB, 1.597 * TB, 467.8e12, 935.6e12, 25.1 * GB, 2.26 * US, 188,
        3.36312,
        GpuSources(
            RTX_PRO_DEVICE,
            Source("github.com/casys-kaist/LLMServingSim CHANGELOG.md", "5daddb2, August 2026",
                   "Server Edition"),
            system("rtx_pro_6000_server", "Server Edition at its 2,430 MHz"),
            measured_link("rtx_pro_6000_server"), RTX_PRO_DEVICE, MIG_GUIDE, aws("g7e.2xlarge"),
        ),
        mig_slices=4,
        aliases=(
            "rtxpro6000", "rtx-6000-pro", "rtx-pro-6000-blackwell",
            "nvidia-rtx-pro-6000-blackwell-server-edition",
        ),
    ),
    Gpu(
        "RTX-4090", 24210 * MIB, 1.008 * TB, 165.2e12, 330.3e12, 18.2 * GB, 2.87 * US, 128, 0.74,
        GpuSources(RTX_4090_DEVICE, RTX_4090_DEVICE, ADA, measured_link("l40s", "an RTX 4090"),
                   RTX_4090_DEVICE, NO_SLICES, runpod("RTX 4090")),
        aliases=("rtx4090", "geforce-rtx-4090", "4090", "nvidia-geforce-rtx-4090"),
    ),
    Gpu(
        "RTX-5090", 32120 * MIB, 1.792 * TB, 209.5e12, 419e12, 25.1 * GB, 2.26 * US, 170, 0.99,
        GpuSources(RTX_5090_DEVICE, RTX_5090_DEVICE, BLACKWELL,
                   measured_link("rtx_pro_6000_server", "an RTX 5090"), RTX_5090_DEVICE,
                   NO_SLICES, runpod("RTX 5090")),
        aliases=("rtx5090", "5090"),
    ),
    Gpu(
        "MI300X", 196592 * MIB, 5.3 * TB, 1307.4e12, 2614.9e12, 64 * GB, 0.82 * US, 304, 2.59,
        GpuSources(
            MI300X_DEVICE, KERNEL_BENCH, KERNEL_BENCH,
            Source(f"{ML_ENGINEERING} network/README.md", ML_ENGINEERING_AT,
                   "one Infinity Fabric link, not measured; latency of an H100", opened=False),
            MI300X_DEVICE, Source(MIG_GUIDE.where, note="MIG is NVIDIA's"),
            Source("huggingface.co/datasets/tokenwatt/gpu-cloud-prices", "8 October 2026",
                   "DigitalOcean gpu-mi300x1-192gb, list price"),
        ),
        balanced_attention=True,
    ),
)
# fmt: on


DRIVER_WORDS = (
    "nvidia", "amd", "instinct", "tesla", "geforce", "blackwell", "hbm3e", "hbm3", "sxm4", "sxm5",
    "maxq", "serveredition", "workstationedition",
)  # fmt: skip


def find_gpu(name: str) -> Gpu:
    """Return the GPU called `name` (case and punctuation do not matter), also as drivers call it.

    A driver says for example `NVIDIA H100 80GB HBM3`. Raises `UnknownName` with the nearest names.
    """
    wanted = short = simple_name(name)
    for word in DRIVER_WORDS:
        short = short.replace(word, "")
    for candidate in (wanted, short):
        for gpu in GPUS:
            if candidate in {simple_name(known) for known in (gpu.name, *gpu.aliases)}:
                return gpu
    raise UnknownName("GPU", name, [gpu.name for gpu in GPUS])


MIG_PROFILES = {
    7: ((1, 1), (1, 2), (2, 2), (3, 4), (4, 4), (7, 8)),
    4: ((1, 1), (2, 2), (4, 4)),
}
"""Compute and memory slices of every GPU instance profile, by the slices a GPU can be cut into:
1g, 1g with twice the memory, 2g, 3g, 4g, 7g in sevenths and eighths (A100, H100, H200, B200); in
quarters 1g, 2g, 4g (RTX PRO 6000). Source: NVIDIA MIG user guide, "Supported MIG Profiles"."""


def mig_slice(gpu: Gpu, compute: int, memory: int) -> Gpu:
    """Return the slice of `gpu` with `compute` compute and `memory` memory slices.

    A MIG profile such as `3g.40gb` on an H100 is `mig_slice(h100, compute=3, memory=4)`:
    compute comes in sevenths (`mig_slices`), memory and its bandwidth in eighths. Only what NVIDIA
    lists can be cut (`MIG_PROFILES`). A slice costs the larger of its two shares, because the GPU
    is used up when either is. Slices are isolated and cannot work together.
    """
    if not gpu.mig_slices:
        raise ServingError(f"{gpu.name} cannot be cut into MIG slices", fields=("mig",))
    known = MIG_PROFILES[gpu.mig_slices]
    wholes = known[-1]
    if (compute, memory) not in known:
        near = min(
            known,
            key=lambda one: (
                abs(one[0] - compute) / wholes[0] + abs(one[1] - memory) / wholes[1],
                one,
            ),
        )
        listed = ", ".join(f"{one} and {other}" for one, other in known)
        raise ServingError(
            f"no MIG slice of {gpu.name} has {compute} compute and {memory} memory slices; the "
            f"nearest has {near[0]} and {near[1]} (there are {listed})",
            fields=("mig",),
        )
    share, part = compute / wholes[0], memory / wholes[1]
    return replace(
        gpu,
        name=f"{gpu.name} {compute}g of {gpu.mig_slices}",
        memory_bytes=gpu.memory_bytes * part,
        bandwidth_bytes_per_s=gpu.bandwidth_bytes_per_s * part,
        bf16_flops=gpu.bf16_flops * share,
        fp8_flops=None if gpu.fp8_flops is None else gpu.fp8_flops * share,
        multiprocessors=round(gpu.multiprocessors * share),
        price_usd_per_hour=gpu.price_usd_per_hour * max(share, part),
        mig_slices=0,
        aliases=(),
    )
