"""The model catalogue: the shape of each transformer, from its published configuration.

Parameters, weight bytes and KV bytes are computed from the shape, not typed in. The shape is that
of the `config.json` beside the weights on the Hugging Face hub, under the first alias; `shapes`
says where it was read.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator.serving.catalogue.shapes import shape_source
from simulator.serving.catalogue.sources import Source
from simulator.serving.errors import UnknownName, simple_name

__all__ = ["MODELS", "Model", "find_model"]

BF16_BYTES = 2.0


@dataclass(frozen=True, slots=True)
class Model:
    """One decoder-only transformer; `intermediate` is the width of one (expert's) gated MLP.

    `expert_bytes` is the bytes of one expert weight as released (MXFP4: 4.25 bits).
    """

    name: str
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocab: int
    experts: int = 1
    experts_per_token: int = 1
    shared_intermediate: int = 0
    tied_embeddings: bool = False
    context_max: int = 131_072
    expert_bytes: float | None = None
    aliases: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """Where the shape was read."""
        return str(self.shape_source)

    @property
    def shape_source(self) -> Source:
        """The file the shape was read in."""
        return shape_source(self.name, self.aliases[0])

    @property
    def attention_parameters(self) -> int:
        """Weights of one layer's four attention projections."""
        return self.hidden * self.head_dim * (2 * self.heads + 2 * self.kv_heads)

    @property
    def expert_parameters(self) -> int:
        """Weights of one expert (of the MLP, in a dense model) of one layer."""
        return 3 * self.hidden * self.intermediate

    @property
    def other_layer_parameters(self) -> int:
        """Weights of one layer's norms, router and shared expert."""
        router = self.hidden * self.experts if self.experts > 1 else 0
        return 2 * self.hidden + router + 3 * self.hidden * self.shared_intermediate

    @property
    def parameters(self) -> int:
        """All weights."""
        layer = (
            self.attention_parameters
            + self.other_layer_parameters
            + self.experts * self.expert_parameters
        )
        return self.layers * layer + (1 if self.tied_embeddings else 2) * self.vocab * self.hidden

    @property
    def active_parameters(self) -> int:
        """Weights one token is multiplied with (the embedding is a look-up)."""
        layer = (
            self.attention_parameters
            + self.other_layer_parameters
            + self.experts_per_token * self.expert_parameters
        )
        return self.layers * layer + self.vocab * self.hidden

    def active_experts(self, tokens: float) -> float:
        """Return the expected number of experts that `tokens` touch under uniform routing."""
        if self.experts == 1:
            return 1.0
        missed: float = (1.0 - self.experts_per_token / self.experts) ** tokens
        return self.experts * (1.0 - missed)

    def expert_weight_bytes(self, bytes_per_weight: float = BF16_BYTES) -> float:
        """Return the bytes of all experts (0 without any), which may be released in fewer bits."""
        if self.experts == 1:
            return 0.0
        each = min(bytes_per_weight, self.expert_bytes or bytes_per_weight)
        return self.layers * self.experts * self.expert_parameters * each

    def weight_bytes(self, bytes_per_weight: float = BF16_BYTES) -> float:
        """Return the bytes of all weights; embedding and head are never quantized."""
        experts = self.layers * self.experts * self.expert_parameters if self.experts > 1 else 0
        tables = (1 if self.tied_embeddings else 2) * self.vocab * self.hidden
        rest = (self.parameters - experts - tables) * bytes_per_weight + tables * BF16_BYTES
        return rest + self.expert_weight_bytes(bytes_per_weight)

    def kv_bytes_per_token(self, bytes_per_value: float = BF16_BYTES) -> float:
        """Return the bytes of keys and values one token keeps in all layers."""
        return 2 * self.layers * self.kv_heads * self.head_dim * bytes_per_value


def _llama(
    name: str,
    layers: int,
    hidden: int,
    heads: int,
    intermediate: int,
    *aliases: str,
    context: int = 131_072,
    tied: bool = False,
    head_dim: int = 128,
) -> Model:
    return Model(
        name,
        layers,
        hidden,
        heads,
        8,
        head_dim,
        intermediate,
        128_256,
        tied_embeddings=tied,
        context_max=context,
        aliases=aliases,
    )


def _qwen(
    name: str,
    layers: int,
    hidden: int,
    heads: int,
    kv_heads: int,
    intermediate: int,
    *aliases: str,
    experts: int = 1,
    tied: bool = False,
    vocab: int = 151_936,
    head_dim: int = 128,
) -> Model:
    return Model(
        name,
        layers,
        hidden,
        heads,
        kv_heads,
        head_dim,
        intermediate,
        vocab,
        experts=experts,
        experts_per_token=8 if experts > 1 else 1,
        tied_embeddings=tied,
        context_max=40_960 if experts == 1 else 262_144,
        aliases=aliases,
    )


MXFP4_BYTES = 4.25 / 8

# fmt: off
MODELS: tuple[Model, ...] = (
    _llama("llama-3-8b", 32, 4096, 32, 14336, "meta-llama/Meta-Llama-3-8B",
           "meta-llama/Meta-Llama-3-8B-Instruct", context=8192),
    _llama("llama-3-70b", 80, 8192, 64, 28672, "meta-llama/Meta-Llama-3-70B",
           "meta-llama/Meta-Llama-3-70B-Instruct", context=8192),
    _llama("llama-3.1-8b", 32, 4096, 32, 14336, "meta-llama/Llama-3.1-8B",
           "meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Meta-Llama-3.1-8B"),
    _llama("llama-3.1-70b", 80, 8192, 64, 28672, "meta-llama/Llama-3.1-70B",
           "meta-llama/Llama-3.1-70B-Instruct", "meta-llama/Meta-Llama-3.1-70B"),
    _llama("llama-3.1-405b", 126, 16384, 128, 53248, "meta-llama/Llama-3.1-405B",
           "meta-llama/Llama-3.1-405B-Instruct"),
    _llama("llama-3.2-1b", 16, 2048, 32, 8192, "meta-llama/Llama-3.2-1B",
           "meta-llama/Llama-3.2-1B-Instruct", tied=True, head_dim=64),
    _llama("llama-3.2-3b", 28, 3072, 24, 8192, "meta-llama/Llama-3.2-3B",
           "meta-llama/Llama-3.2-3B-Instruct", tied=True),
    _llama("llama-3.3-70b", 80, 8192, 64, 28672, "meta-llama/Llama-3.3-70B-Instruct"),
    Model("llama-2-7b", 32, 4096, 32, 32, 128, 11008, 32_000, context_max=4096,
          aliases=("meta-llama/Llama-2-7b-hf", "meta-llama/Llama-2-7b-chat-hf")),
    Model("llama-2-70b", 80, 8192, 64, 8, 128, 28672, 32_000, context_max=4096,
          aliases=("meta-llama/Llama-2-70b-hf", "meta-llama/Llama-2-70b-chat-hf")),
    Model("mistral-7b", 32, 4096, 32, 8, 128, 14336, 32_768, context_max=32_768,
          aliases=("mistralai/Mistral-7B-v0.3", "mistralai/Mistral-7B-Instruct-v0.3")),
    Model("mixtral-8x7b", 32, 4096, 32, 8, 128, 14336, 32_000, experts=8, experts_per_token=2,
          context_max=32_768,
          aliases=("mistralai/Mixtral-8x7B-v0.1", "mistralai/Mixtral-8x7B-Instruct-v0.1")),
    Model("mixtral-8x22b", 56, 6144, 48, 8, 128, 16384, 32_000, experts=8, experts_per_token=2,
          context_max=65_536,
          aliases=("mistralai/Mixtral-8x22B-v0.1", "mistralai/Mixtral-8x22B-Instruct-v0.1")),
    Model("qwen2.5-7b", 28, 3584, 28, 4, 128, 18944, 152_064, context_max=32_768,
          aliases=("Qwen/Qwen2.5-7B-Instruct", "Qwen/Qwen2.5-7B")),
    Model("qwen2.5-72b", 80, 8192, 64, 8, 128, 29568, 152_064, context_max=32_768,
          aliases=("Qwen/Qwen2.5-72B-Instruct", "Qwen/Qwen2.5-72B")),
    _qwen("qwen3-0.6b", 28, 1024, 16, 8, 3072, "Qwen/Qwen3-0.6B", tied=True),
    _qwen("qwen3-1.7b", 28, 2048, 16, 8, 6144, "Qwen/Qwen3-1.7B", tied=True),
    _qwen("qwen3-4b", 36, 2560, 32, 8, 9728, "Qwen/Qwen3-4B", tied=True),
    _qwen("qwen3-8b", 36, 4096, 32, 8, 12288, "Qwen/Qwen3-8B"),
    _qwen("qwen3-14b", 40, 5120, 40, 8, 17408, "Qwen/Qwen3-14B"),
    _qwen("qwen3-32b", 64, 5120, 64, 8, 25600, "Qwen/Qwen3-32B"),
    _qwen("qwen3-30b-a3b", 48, 2048, 32, 4, 768, "Qwen/Qwen3-30B-A3B",
          "Qwen/Qwen3-30B-A3B-Instruct-2507", "Qwen/Qwen3-30B-A3B-Thinking-2507", experts=128),
    _qwen("qwen3-235b-a22b", 94, 4096, 64, 4, 1536, "Qwen/Qwen3-235B-A22B",
          "Qwen/Qwen3-235B-A22B-Instruct-2507", experts=128),
    Model("gpt-oss-20b", 24, 2880, 64, 8, 64, 2880, 201_088, experts=32, experts_per_token=4,
          expert_bytes=MXFP4_BYTES, aliases=("openai/gpt-oss-20b",)),
    Model("gpt-oss-120b", 36, 2880, 64, 8, 64, 2880, 201_088, experts=128, experts_per_token=4,
          expert_bytes=MXFP4_BYTES, aliases=("openai/gpt-oss-120b",)),
    Model("phi-3.5-moe", 32, 4096, 32, 8, 128, 6400, 32_064, experts=16, experts_per_token=2,
          aliases=("microsoft/Phi-3.5-MoE-instruct",)),
    Model("gemma-2-9b", 42, 3584, 16, 8, 256, 14336, 256_000, tied_embeddings=True,
          context_max=8192, aliases=("google/gemma-2-9b", "google/gemma-2-9b-it")),
    Model("tiny-random-llama", 2, 16, 4, 4, 4, 64, 32_000, context_max=2048,
          aliases=("hf-internal-testing/tiny-random-LlamaForCausalLM",)),
)
# fmt: on


def find_model(name: str) -> Model:
    """Return the model called `name`: a catalogue name, a hub name, or its last part.

    Raises `UnknownName` with the nearest names.
    """
    wanted = simple_name(name)
    last = simple_name(name.rsplit("/", 1)[-1])
    for model in MODELS:
        known = {simple_name(model.name)} | {simple_name(alias) for alias in model.aliases}
        tails = {simple_name(alias.rsplit("/", 1)[-1]) for alias in model.aliases}
        if wanted in known or last in tails or last == simple_name(model.name):
            return model
    raise UnknownName("model", name, [model.name for model in MODELS])
