"""Where the shape of each model was read: a copy of its `config.json`, or code that repeats it."""

from __future__ import annotations

from simulator.serving.catalogue.sources import LITGPT, Source, config

__all__ = ["shape_source"]

COPIES = {
    "llama-3.1-8b": "meta-llama--Meta-Llama-3.1-8B",
    "llama-3.1-70b": "meta-llama--Meta-Llama-3.1-70B",
    "llama-3.1-405b": "meta-llama--Meta-Llama-3.1-405B",
    "mixtral-8x7b": "mistralai--Mixtral-8x7B-v0.1",
    "mixtral-8x22b": "mistralai--Mixtral-8x22B-v0.1",
    "qwen3-0.6b": "Qwen--Qwen3-0.6B",
    "qwen3-1.7b": "Qwen--Qwen3-1.7B",
    "qwen3-8b": "Qwen--Qwen3-8B",
    "qwen3-32b": "Qwen--Qwen3-32B",
    "gpt-oss-20b": "openai--gpt-oss-20b",
    "gpt-oss-120b": "openai--gpt-oss-120b",
}
REPEATED = (
    "llama-3-8b",
    "llama-3-70b",
    "llama-3.2-1b",
    "llama-3.2-3b",
    "llama-3.3-70b",
    "llama-2-7b",
    "llama-2-70b",
    "mistral-7b",
    "qwen3-4b",
    "qwen3-14b",
    "gemma-2-9b",
)
OTHERS = {
    "qwen2.5-7b": Source(
        "github.com/inference-sim/inference-sim model_configs/qwen2.5-7b-instruct/config.json",
        "f90a1e3, August 2026",
    ),
    "qwen2.5-72b": Source(LITGPT.where, LITGPT.version, "context as in the 7B's config.json"),
    "qwen3-30b-a3b": Source(LITGPT.where, LITGPT.version, "context of the 2507 releases"),
    "qwen3-235b-a22b": Source(LITGPT.where, LITGPT.version, "context of the 2507 releases"),
    "phi-3.5-moe": Source(
        "github.com/huggingface/transformers src/transformers/models/phimoe/"
        "configuration_phimoe.py",
        "040e1a7",
        "its defaults",
    ),
    "tiny-random-llama": Source(
        "huggingface.co/hf-internal-testing/tiny-random-LlamaForCausalLM config.json", "refs/pr/3"
    ),
}


def shape_source(name: str, hub_name: str) -> Source:
    """Return where the shape of the model `name` was read; `hub_name` if nowhere."""
    if name in COPIES:
        return config(COPIES[name])
    if name in REPEATED:
        return LITGPT
    return OTHERS.get(name, Source(f"huggingface.co/{hub_name} config.json", opened=False))
