"""Catalogues, memory, rooflines, published tables, speculation, routing."""

from __future__ import annotations

import pytest
from serving_fixtures import PlainStepTime, random_requests

from simulator.serving.all_reduce import Link
from simulator.serving.catalogue import GPUS, MODELS, find_gpu, find_model, mig_slice
from simulator.serving.engine import ContinuousBatching
from simulator.serving.errors import DoesNotFit, ServingError, UnknownName
from simulator.serving.generation import Generation
from simulator.serving.memory import QUANTIZATIONS, plan_memory
from simulator.serving.published import from_table
from simulator.serving.replay import replay
from simulator.serving.roofline import Roofline
from simulator.serving.routing import LeastLoaded, PrefixAffine, RoundRobin, router
from simulator.serving.settings import EngineConfig
from simulator.serving.speculative import SpeculativeDecoding

# Parameters in billions as the publishers state them: (total, active or None).
STATED = {
    "llama-3-8b": (8.03, None),
    "llama-3-70b": (70.6, None),
    "llama-3.1-405b": (405.9, None),
    "llama-2-7b": (6.74, None),
    "mistral-7b": (7.25, None),
    "mixtral-8x7b": (46.7, 12.9),
    "mixtral-8x22b": (141.0, 39.0),
    "qwen3-32b": (32.8, None),
    "qwen3-30b-a3b": (30.5, 3.3),
    "qwen3-235b-a22b": (235.0, 22.0),
    "gpt-oss-20b": (20.9, 3.6),
    "gpt-oss-120b": (117.0, 5.1),
}


@pytest.mark.parametrize("name", STATED)
def test_shapes_add_up_to_the_published_parameters(name: str) -> None:
    """Parameters computed from the shape are the stated ones within 1 % (active: 10 %)."""
    total, active = STATED[name]
    model = find_model(name)
    assert model.parameters / 1e9 == pytest.approx(total, rel=0.01)
    if active is not None:
        # Publishers count embeddings in or out of the active ones.
        assert model.active_parameters / 1e9 == pytest.approx(active, rel=0.10)


def test_every_entry_is_found_by_all_its_names_and_has_a_source() -> None:
    """No two entries share a name."""
    for gpu in GPUS:
        assert gpu.source and all(find_gpu(name) is gpu for name in (gpu.name, *gpu.aliases))
    for model in MODELS:
        assert model.source and all(
            find_model(name) is model for name in (model.name, *model.aliases)
        )


@pytest.mark.parametrize(
    ("driver", "name"),
    [
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA H100 PCIe", "H100-PCIe"),
        ("NVIDIA A100-SXM4-80GB", "A100-80GB"),
        ("NVIDIA A100-SXM4-40GB", "A100-40GB"),
        ("Tesla T4", "T4"),
        ("NVIDIA L40S", "L40S"),
        ("NVIDIA GeForce RTX 4090", "RTX-4090"),
        ("NVIDIA GeForce RTX 5090", "RTX-5090"),
        ("NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition", "RTX-PRO-6000"),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "RTX-PRO-6000"),
        ("AMD Instinct MI300X", "MI300X"),
    ],
)
def test_a_gpu_is_known_by_its_driver_s_name(driver: str, name: str) -> None:
    """A measured profile holds what the driver says."""
    assert find_gpu(driver).name == name


def test_unknown_names_get_the_nearest() -> None:
    """GPUs and models."""
    with pytest.raises(UnknownName, match=r"unknown GPU 'h1000'; did you mean H100"):
        find_gpu("h1000")
    with pytest.raises(UnknownName, match=r"did you mean .*llama-3-70b"):
        find_model("lama3 70b")


def test_kv_bytes_of_llama_3() -> None:
    """128 KiB a token for 8B: 2 x 32 layers x 8 heads x 128 x 2 bytes."""
    assert find_model("llama-3-8b").kv_bytes_per_token() == 131072


def test_a_model_too_large_says_by_how_much_and_what_fits() -> None:
    """70B in 16 bits on one H100."""
    with pytest.raises(DoesNotFit, match=r"60\.\d GiB more .* tensor_parallel 2 or a .*would fit"):
        plan_memory(find_model("llama-3-70b"), find_gpu("h100"))


@pytest.mark.parametrize(
    ("name", "card", "gpus", "bits", "said"),
    [
        # 756 GiB: neither 16 L4, nor one GPU of another kind, nor 4 bits on one L4.
        ("llama-3.1-405b", "l4", 1, 2.0, "tensor_parallel 8 on MI300X"),
        ("llama-3.1-405b", "h100", 8, 2.0, "tensor_parallel 16 or 8 H200 or fp8 weights"),
        ("llama-3-70b", "h100", 1, 2.0, "tensor_parallel 2 or a B200 or fp8 weights"),
        # The A100 does not multiply in FP8.
        ("llama-3-70b", "a100", 1, 2.0, "tensor_parallel 2 or a B200 or int8 weights"),
    ],
)
def test_what_would_fit_fits(name: str, card: str, gpus: int, bits: float, said: str) -> None:
    """Each suggestion is planned as a pool is: more GPUs, other GPUs, fewer bits, else any."""
    with pytest.raises(DoesNotFit) as caught:
        plan_memory(find_model(name), find_gpu(card), tensor_parallel=gpus, weight_bytes=bits)
    assert str(caught.value).endswith(f"; {said} would fit")


def test_a_slice_is_not_joined_to_others() -> None:
    """Tensor parallelism is no way out for a slice, a whole GPU is."""
    with pytest.raises(DoesNotFit) as caught:
        plan_memory(find_model("llama-3-8b"), mig_slice(find_gpu("h100"), 1, 1))
    assert "tensor_parallel" not in str(caught.value) and "would fit" in str(caught.value)


def test_tensor_parallelism_must_divide_the_heads() -> None:
    """With the degrees that do."""
    with pytest.raises(ServingError, match="does not divide the 32 attention heads"):
        plan_memory(find_model("llama-3-8b"), find_gpu("h100"), tensor_parallel=3)


def test_kv_blocks_of_a_known_server() -> None:
    """More memory, fewer bits and more GPUs leave more blocks."""
    model, gpu = find_model("llama-3.1-8b"), find_gpu("rtx 4090")
    plain = plan_memory(model, gpu)
    fewer_bits = plan_memory(model, gpu, weight_bytes=QUANTIZATIONS["fp8"].weight_bytes)
    more_gpus = plan_memory(model, gpu, tensor_parallel=2)
    assert plain.num_gpu_blocks < fewer_bits.num_gpu_blocks < more_gpus.num_gpu_blocks
    parts = plain.weights + plain.activations + plain.reserved + plain.kv_cache
    assert parts == pytest.approx(gpu.memory_bytes * 0.9)


@pytest.mark.parametrize(
    ("model", "gpus", "bits", "weights", "activations", "reserved", "kv_cache"),
    [
        ("llama-3.1-8b", 1, "bf16", 14.99, 4.76, 0.13, 51.38),
        ("qwen3-0.6b", 1, "bf16", 1.12, 5.56, 0.13, 64.45),
        ("qwen3-32b", 1, "bf16", 61.03, 5.64, 0.14, 4.45),
        ("qwen3-32b", 2, "bf16", 30.59, 5.64, 0.54, 34.49),
        ("llama-3.3-70b", 2, "fp8", 33.88, 4.84, 0.55, 32.0),
    ],
)
def test_memory_is_what_vllm_reported(
    model: str,
    gpus: int,
    bits: str,
    weights: float,
    activations: float,
    reserved: float,
    kv_cache: float,
) -> None:
    """The start-up logs of vLLM 0.11 on an H100 that llm-d-planner published, in GiB.

    Its defaults there are 1,024 sequences and 8,192 tokens, and its sampler sorts.
    """
    plan = plan_memory(
        find_model(model),
        find_gpu("h100"),
        tensor_parallel=gpus,
        weight_bytes=QUANTIZATIONS[bits].weight_bytes,
        max_num_batched_tokens=8192,
        max_num_seqs=1024,
        sorted_sampling=True,
    )
    gib = 2.0**30
    assert plan.weights / gib == pytest.approx(weights, abs=0.1)
    assert plan.activations / gib == pytest.approx(activations, abs=0.03)
    assert plan.reserved / gib == pytest.approx(reserved, abs=0.02)
    assert plan.kv_cache / gib == pytest.approx(kv_cache, abs=0.12)


def test_a_sampler_without_sorting_leaves_more_room() -> None:
    """Since vLLM 0.17: 2 + 4 + 4 + 4 bytes a logit, 4 more in the rows masked at once.

    RTX 4090, 128 sequences, 128 multiprocessors: 18 bytes x 128 x 128,256 logits = 0.275 GiB and
    (2048 + 2 x 128) x 4096 x 2 bytes of hidden states; the layers need less.
    """
    model, gpu = find_model("llama-3.1-8b"), find_gpu("rtx 4090")
    plan = plan_memory(model, gpu, max_num_seqs=128)
    assert plan.activations == 18 * 128 * 128_256 + 2304 * 4096 * 2
    sorting = plan_memory(model, gpu, max_num_seqs=128, sorted_sampling=True)
    assert sorting.activations - plan.activations == 20.25 * 128 * 128_256
    left = 0.9 * gpu.memory_bytes - model.weight_bytes() - 131_072 * 256 - plan.activations
    assert plan.num_gpu_blocks == int((left - 0.13 * 2**30) / (16 * 131_072))


def test_replicas_that_share_experts_keep_more_for_the_kv_cache() -> None:
    """Half of 128 experts: half of 48 x 128 x 3 x 2048 x 768 weights less on each of two GPUs."""
    model, gpu = find_model("qwen3-30b-a3b"), find_gpu("rtx pro 6000")
    alone, shared = plan_memory(model, gpu), plan_memory(model, gpu, expert_shards=2)
    assert alone.weights - shared.weights == 48 * 128 * 3 * 2048 * 768
    assert shared.kv_cache - alone.kv_cache == pytest.approx(48 * 128 * 3 * 2048 * 768)


def test_mig_slices_are_shares() -> None:
    """3g.40gb of an H100: three sevenths of compute, half of the memory."""
    part = mig_slice(find_gpu("h100"), compute=3, memory=4)
    assert part.bf16_flops == pytest.approx(find_gpu("h100").bf16_flops * 3 / 7)
    assert part.memory_bytes == pytest.approx(find_gpu("h100").memory_bytes / 2)
    assert part.multiprocessors == 57  # 3/7 of 132
    for name, count in (("a100", 6), ("h100", 6), ("h200", 6), ("b200", 6), ("rtx pro 6000", 3)):
        gpu = find_gpu(name)
        listed = 0
        for compute in range(1, 9):
            for memory in range(1, 9):
                try:
                    mig_slice(gpu, compute, memory)
                    listed += 1
                except ServingError as error:
                    assert "the nearest has" in str(error)
        assert listed == count
    with pytest.raises(ServingError, match="cannot be cut"):
        mig_slice(find_gpu("l4"), 1, 1)


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [((5, 3), "4 and 4"), ((1, 8), "1 and 2"), ((7, 3), "4 and 4"), ((9, 9), "7 and 8")],
)
def test_a_slice_that_does_not_exist_names_the_nearest(
    asked: tuple[int, int], nearest: str
) -> None:
    """By the sum of the differences in sevenths of compute and eighths of memory."""
    with pytest.raises(ServingError, match=f"the nearest has {nearest} "):
        mig_slice(find_gpu("h100"), *asked)


def test_slices_pay_for_what_they_take() -> None:
    """As many as fit on a card never pay more than it; two halves of the memory pay all of it."""
    gpu = find_gpu("h100")
    prices = [
        mig_slice(gpu, *one).price_usd_per_hour / gpu.price_usd_per_hour
        for one in ((1, 1), (1, 2), (2, 2), (3, 4), (4, 4), (7, 8))
    ]
    assert prices == pytest.approx([1 / 7, 1 / 4, 2 / 7, 1 / 2, 4 / 7, 1.0])


def test_roofline_reads_the_weights_once_a_step() -> None:
    """Bytes over bandwidth for one sequence; FP8 halves the layers; two GPUs pay the link."""
    model, gpu = find_model("llama-3.1-8b"), find_gpu("h100")
    one = Roofline(model, gpu, memory_efficiency=1.0)
    bytes_s = 2 * model.active_parameters / gpu.bandwidth_bytes_per_s
    floor = model.layers * 20e-6
    assert one.decode(1).at(0) == pytest.approx(bytes_s + floor, rel=0.01)
    half = Roofline(model, gpu, memory_efficiency=1.0, quantization=QUANTIZATIONS["fp8"])
    head_s = 2 * model.vocab * model.hidden / gpu.bandwidth_bytes_per_s
    assert half.decode(1).at(0) - floor == pytest.approx((bytes_s + head_s) / 2, rel=0.01)
    slow = Link(1e9, 1e-3)
    two = Roofline(model, gpu, gpus=2, memory_efficiency=1.0, link=slow)
    reductions = (2 * 32 + 1) * slow.all_reduce_s(2 * model.hidden, 2)
    assert two.decode(1).at(0) == pytest.approx(bytes_s / 2 + floor + reductions, rel=0.01)
    with pytest.raises(ServingError, match="no FP8 arithmetic"):
        Roofline(model, find_gpu("a100"), quantization=QUANTIZATIONS["fp8"])


def test_all_reduce_of_a_ring() -> None:
    """2 (n - 1) messages of 1/n."""
    link = Link(bytes_per_s=1e9, latency_s=1e-5)
    assert link.all_reduce_s(8e6, 4) == pytest.approx(6 * (1e-5 + 2e-3))
    assert link.all_gather_s(8e6, 4) == pytest.approx(3 * (1e-5 + 2e-3))
    assert link.all_reduce_s(8e6, 1) == 0.0


def test_a_published_table_is_fitted_and_knows_its_error() -> None:
    """An exactly linear table has no error."""
    rows = [(n, kv, 0.01 + 1e-4 * n + 1e-7 * n * kv) for n in (1, 8, 64) for kv in (100, 2000)]
    times = from_table([(128, 0.02), (2048, 0.2)], rows, "a paper")
    assert times.provenance.held_out_error == pytest.approx(0.0, abs=1e-9)
    assert times.decode(16).at(1000) == pytest.approx(0.01 + 16e-4 + 16e-4)
    assert times.mixed([(128, 0)], 0, 0, 0) == pytest.approx(0.02)
    with pytest.raises(ServingError):
        from_table([(1, 1.0)], rows, "too short")


def test_speculation_yields_the_expected_tokens() -> None:
    """(1 - a^(k+1)) / (1 - a), and the engine needs that many fewer steps."""
    plan = SpeculativeDecoding(draft_tokens=3, acceptance=0.8)
    assert plan.tokens_per_step == pytest.approx(1 + 0.8 + 0.64 + 0.512)
    assert SpeculativeDecoding(3, 1.0).tokens_per_step == 4.0
    engine = ContinuousBatching(PlainStepTime(), plan.applied_to(EngineConfig()))
    replay([engine], [(0.0, Generation(100, 301))], RoundRobin())
    assert engine.steps == 1 + -(-300 // plan.tokens_per_step)
    with pytest.raises(ServingError):
        SpeculativeDecoding(0, 0.5)


def test_routers() -> None:
    """In turn; the shortest; where the prefix was, unless that is far busier."""

    class Stub:
        def __init__(self, load: int) -> None:
            self.load = load

    turn = RoundRobin()
    stubs = [Stub(5), Stub(1), Stub(1)]
    assert [turn.choose(Generation(1, 1), stubs) for _ in range(4)] == [0, 1, 2, 0]
    assert LeastLoaded().choose(Generation(1, 1), stubs) == 1
    affine = PrefixAffine(slack=3)
    first = Generation(10, 1, prefix=(("a", 10),))
    assert affine.choose(first, stubs) == 1
    stubs[1].load = 4
    assert affine.choose(first, stubs) == 1
    stubs[1].load = 50
    assert affine.choose(first, stubs) == 2
    with pytest.raises(ServingError, match="unknown router"):
        router("magic")


def test_prefix_affinity_raises_the_hit_rate() -> None:
    """Four replicas, four tenants: each replica keeps its own tenant's prefix."""
    hits = {}
    for name in ("round_robin", "prefix_affine"):
        config = EngineConfig(prefix_caching=True, num_gpu_blocks=300)
        engines = [ContinuousBatching(PlainStepTime(), config) for _ in range(4)]
        replay(engines, random_requests(3, 300, rate=10, shared=True, prompt=200), router(name))
        hits[name] = sum(engine.batch.pool.hit_tokens for engine in engines)
    assert hits["prefix_affine"] > hits["round_robin"]
