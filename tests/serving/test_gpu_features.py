"""What each feature of a GPU pool costs or saves, against numbers worked out by hand."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pool_fixtures import ENCODER, LLM, build, serve
from ruamel.yaml import YAML

import simulator
from simulator.components.gpu_pool import GpuPool
from simulator.components.gpu_server import GpuPoolServer
from simulator.kernel.request import Request
from simulator.serving.catalogue import find_gpu, find_model
from simulator.studies.run import RunOptions, plan_run
from simulator.topology.model import Topology

FOLDER = Path(__file__).parents[2] / "data" / "llmservingsim" / "RTXPRO6000" / "Llama-3.1-8B"


def test_without_a_cost_a_replica_costs_what_its_gpus_do() -> None:
    """The catalogue's price times the GPUs of a replica, of a slice its share; `cost` overrules."""
    h100 = {"kind": "gpu_pool", "gpu": "h100", "model": "llama-3-8b"}
    price = find_gpu("h100").price_usd_per_hour
    both = GpuPool.model_validate({**h100, "tensor_parallel": 2})
    assert both.cost == pytest.approx(2 * price)
    assert any("catalogue's price" in note for note in both.on_paper({}).notes)
    slice_of_it = GpuPool.model_validate({**h100, "mig": {"compute": 3, "memory": 4}})
    assert slice_of_it.cost == pytest.approx(price * 4 / 8)
    own = GpuPool.model_validate({**h100, "cost": "$2.5/h"})
    assert own.cost == 2.5 and not any("catalogue's" in note for note in own.on_paper({}).notes)
    assert GpuPool.model_validate({**h100, "external": True}).cost is None


def test_priority_decides_who_waits() -> None:
    """One slot is taken: the more important of two that wait begins first, only with `priority`."""
    for priority in (True, False):
        document = {**LLM, "replicas": 1, "max_num_seqs": 1, "priority": priority}
        clock, server = build(document)
        ranks = (0, 5, 1)
        requests = [
            Request(clock, i, 0, {"output_tokens": 50}, rank) for i, rank in enumerate(ranks)
        ]
        for i, request in enumerate(requests):
            clock.call_at(0.01 * i, partial(start, server, request))
        while not clock.advance(1e6):
            pass
        _, low, high = (request.first_token or 0.0 for request in requests)
        assert (high < low) is priority


def start(server: GpuPoolServer, request: Request) -> None:
    """Let a request in."""
    request.start(server.call(request))


def alone(extra: dict[str, Any], prompt: int = 512, output: int = 101) -> tuple[float, float]:
    """Return when the first token and the end of a lone request come."""
    clock, server = build({**LLM, "replicas": 1, "host_overhead": 0.0, **extra})
    ((request, ended),) = serve(
        clock, server, [(0.0, {"input_tokens": prompt, "output_tokens": output})]
    )
    assert request.first_token is not None
    return request.first_token, ended[0]


def test_drafts_take_as_many_fewer_steps_as_are_accepted() -> None:
    """Three drafts, each accepted half of the time: 1 + 1/2 + 1/4 + 1/8 = 1.875 tokens a step.

    100 tokens need ceil(100 / 1.875) = 54 steps instead of 100, each longer by three drafts.
    A lone request is bound by memory, so checking four tokens takes as long as making one.
    """
    first, plain = alone({})
    draft = {"draft_tokens": 3, "acceptance": "50%", "draft_time": "1ms"}
    began, drafted = alone({"speculative": draft})
    expected = 54 * ((plain - first) / 100 + 3e-3)
    assert drafted - began == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(("scheme", "bytes_"), [("int8", 1.0), ("fp8", 1.0), ("int4", 0.515625)])
def test_fewer_bits_are_read_faster(scheme: str, bytes_: float) -> None:
    """Decoding reads the weights at 80 % of 300 GB/s; the head keeps its 16 bits."""
    model = find_model("llama-3.2-3b")
    layers = model.active_parameters - model.vocab * model.hidden
    saved_s = layers * (2.0 - bytes_) / (0.8 * 300e9)
    times = []
    for extra in ({}, {"quantization": scheme}):
        first, end = alone(extra)
        times.append((end - first) / 100)
    assert times[0] - times[1] == pytest.approx(saved_s, rel=1e-3)


def test_a_slice_decodes_at_its_share_of_the_bandwidth() -> None:
    """3g.40gb of an H100 has half of the memory and its bandwidth: weights take twice as long."""
    model = find_model("llama-3.2-3b")
    h100 = {"gpu": "h100"}
    whole, part = (alone({**h100, **extra}) for extra in ({}, {"mig": {"compute": 3, "memory": 4}}))
    more_s = (part[1] - part[0] - whole[1] + whole[0]) / 100
    kv_bytes = 562.5 * model.kv_bytes_per_token()
    read_s = (model.active_parameters * 2.0 + kv_bytes) / (0.8 * 3.35e12)
    assert more_s == pytest.approx(read_s, rel=0.01)


def test_tensor_parallel_pays_two_all_reduces_a_layer() -> None:
    """A slower link adds its latency: 2 * 28 + 1 reductions of two messages in every step."""
    times = []
    for latency in ("0us", "100us"):
        link = {"bandwidth": "1000GB/s", "latency": latency}
        first, end = alone({"tensor_parallel": 2, "link": link})
        times.append((end - first) / 100)
    assert times[1] - times[0] == pytest.approx(57 * 2 * 100e-6, rel=1e-6)


def test_disaggregated_prefill_sends_its_keys_and_values() -> None:
    """Halving the bandwidth adds the bytes of the prompt's KV: 2 * 28 * 8 * 128 * 2 a token."""
    ends = []
    for bandwidth in ("2GB/s", "1GB/s"):
        extra = {"disaggregated": {"prefill": 1, "bandwidth": bandwidth}, "replicas": 2}
        ends.append(alone(extra, prompt=1000)[1])
    size = 1000 * 2 * 28 * 8 * 128 * 2
    assert ends[1] - ends[0] == pytest.approx(size / 2e9, rel=1e-6)


def test_diffusion_takes_its_steps_images_pixels_and_adapter() -> None:
    """20 steps * (10 ms + 2 images * 40 ms * (512/1024)^2) + 2 * 0.1 s / 4, and 1 s to load."""
    diffusion = {
        "step": "10ms",
        "step_per_image": "40ms",
        "decode_per_image": "100ms",
        "steps": "steps",
        "images": 2,
        "pixels": 512,
        "adapter": "lora",
        "adapter_load": "1s",
    }
    document = {**ENCODER, "batching": "single", "pass_time": {"diffusion": diffusion}}
    clock, server = build(document)
    arrivals: list[tuple[float, dict[str, Any]]] = [
        (10.0 * i, {"steps": 20, "lora": name}) for i, name in enumerate(("a", "a", "b"))
    ]
    took = [ended[0] - 10.0 * i for i, (_, ended) in enumerate(serve(clock, server, arrivals))]
    usual = 20 * (0.010 + 2 * 0.040 / 4) + 2 * 0.1 / 4
    assert took == pytest.approx([usual + 1.0, usual, usual + 1.0])


def test_an_encoder_pads_its_batch_to_the_longest() -> None:
    """Two of a batch with 10 and 90 tokens: 5 ms + 2 * 1 ms + 2 * 90 * 10 us, after 20 ms."""
    times = {"fixed": "5ms", "per_item": "1ms", "per_token": "10us"}
    clock, server = build({**ENCODER, "max_queue_delay": "20ms", "pass_time": times})
    served = serve(clock, server, [(0.0, {"input_tokens": 10}), (0.0, {"input_tokens": 90})])
    assert [ended[0] for _, ended in served] == pytest.approx([0.020 + 0.0088] * 2)


def test_a_static_batch_waits_until_it_is_full() -> None:
    """Four of four: the first waits for the fourth, then one pass serves them all."""
    extra = {"batching": "static", "max_batch_size": 4, "pass_time": {"fixed": "50ms"}}
    clock, server = build({**ENCODER, **extra})
    served = serve(clock, server, [(0.1 * i, {}) for i in range(4)])
    assert [ended[0] for _, ended in served] == pytest.approx([0.35] * 4)


@pytest.mark.parametrize(("delay", "rate"), [("0s", 4 / 0.018), ("5ms", 8 / 0.026)])
def test_on_paper_a_pool_serves_the_batches_it_forms(delay: str, rate: float) -> None:
    """Passes of 10 + 2 n ms: preferred fours, unless the oldest may be overdue (then eights)."""
    times = {"fixed": "10ms", "per_item": "2ms"}
    extra = {"preferred_batch_size": [4], "max_queue_delay": delay, "pass_time": times}
    paper = GpuPool.model_validate({**ENCODER, **extra}).on_paper({})
    assert paper.servers is not None
    assert paper.servers / paper.service_s == pytest.approx(rate)


def test_a_restart_loads_the_model_first() -> None:
    """A request that comes right after a restart waits for the load and nothing else."""
    _, usual = alone({})
    clock, server = build({**LLM, "replicas": 1, "load_time": "30s"})
    clock.call_at(1.0, server.restore)
    ((_, ended),) = serve(clock, server, [(2.0, {"input_tokens": 512, "output_tokens": 101})])
    assert ended[0] == pytest.approx(31.0 + usual)


def test_a_context_that_never_fits_is_found_before_a_run() -> None:
    """100,100 tokens on average need 6,257 blocks of 16 tokens, 20 are there."""
    spec = GpuPool.model_validate({**LLM, "num_gpu_blocks": 20})
    paper = spec.on_paper({"input_tokens": 100_000.0, "output_tokens": 100.0})
    assert "6257 KV blocks" in paper.impossible and "6237 too few" in paper.impossible
    assert not spec.on_paper({"input_tokens": 200.0, "output_tokens": 100.0}).impossible


def test_a_default_run_is_shorter_with_engines_in_it() -> None:
    """210,000 requests over 1.5, since one through an engine takes that much longer."""
    path = FOLDER.parents[3] / "benchmarks" / "topologies" / "chatgpt_two_pools.yaml"
    topology = Topology.model_validate(YAML(typ="safe").load(path.read_text()))
    experiment, replications, _ = plan_run(topology, RunOptions())
    assert experiment.expected_requests * replications == pytest.approx(140_000, rel=1e-6)
    asked, replications, _ = plan_run(topology, RunOptions(requests=6000))
    assert asked.expected_requests * replications == pytest.approx(6000, rel=1e-6)


def test_streaming_is_measured_by_first_token_and_by_the_others(tmp_path: Path) -> None:
    """TTFT + (output - 1) x TPOT is the latency; objectives may name both; a provider streams too.

    Every answer has 101 tokens. What passes before the pool and after the last token is nothing.
    """
    design = """
name: streamed
rate: 2 rps
requests:
  own: {entry: pool, share: 50%, attributes: {input_tokens: 300, output_tokens: 101}}
  bought: {entry: api, share: 50%, attributes: {input_tokens: 300, output_tokens: 101}}
components:
  pool: {kind: gpu_pool, gpu: l4, model: llama-3.2-3b, cost: $1/h}
  api: {kind: llm_api, first_token: 200ms, per_token: 10ms}
objectives:
  own.tpot: ["p(95)<100ms"]
  bought.tpot: ["p(95)<9ms"]
"""
    path = tmp_path / "streamed.yaml"
    path.write_text(design)
    document = simulator.run(path, requests=2000, replications=1).document
    own, bought = (document["classes"][name] for name in ("own", "bought"))
    for values in (own, bought):
        ttft, tpot = values["ttft"]["mean"]["value"], values["tpot"]["mean"]["value"]
        assert ttft + 100 * tpot == pytest.approx(values["latency"]["mean"]["value"], rel=1e-4)
    assert bought["tpot"]["p50"]["value"] == pytest.approx(0.010, rel=1e-4)
    # At least the weights and at most ten times that: 3.2e9 x 2 bytes at 80 % of 300 GB/s.
    assert 0.0267 < own["tpot"]["p50"]["value"] < 0.267
    assert [row["status"] for row in document["objectives"]] == ["pass", "fail"]


@pytest.mark.parametrize(("prefill", "output"), [(1, 20), (3, 400)])
def test_disaggregated_pools_know_what_they_can_serve(prefill: int, output: int) -> None:
    """Prompts of 2,000 tokens: one prefill replica of four gives way, or one decode replica.

    The capacity on paper is that of the bottleneck: at 70 % of it nothing piles up and the pool
    is 70 % used up to 10 % (lengths are fixed, arrivals even); at 130 % the queue grows.
    """
    shape = {"replicas": 4, "disaggregated": {"prefill": prefill, "bandwidth": "50 GB/s"}}
    attributes = {"input_tokens": 2000, "output_tokens": output}
    waited = {}
    for load in (0.7, 1.3):
        clock, server = build({**LLM, **shape, "prefix_caching": False})
        paper = server.spec.on_paper({name: float(value) for name, value in attributes.items()})
        assert paper.servers is not None
        rate = load * paper.servers / paper.service_s
        count = int(400 * rate)
        served = serve(clock, server, [(i / rate, attributes) for i in range(count)])
        waited[load] = max(ended[0] - i / rate for i, (_, ended) in enumerate(served))
        if load < 1.0:
            busy, waiting = (server.pool.area(which) / (count / rate) for which in (0, 1))
            levels = server.room.of(round(busy)) if server.room else 0.0
            assert busy / levels == pytest.approx(load, rel=0.1)
            assert waiting < 0.1 * busy
    assert waited[1.3] > 2.0 * waited[0.7]


def test_keys_and_values_in_8_bits_are_sent_in_half_the_time() -> None:
    """1,000 tokens of 112 KiB over 1 GB/s: 115 ms, and half of it in FP8."""
    shape = {"replicas": 2, "disaggregated": {"prefill": 1, "bandwidth": "1 GB/s"}}
    tokens = {"input_tokens": 1000, "output_tokens": 2}
    gaps = []
    for bits in ("bf16", "fp8"):
        clock, server = build({**LLM, **shape, "kv_quantization": bits})
        ((request, ended),) = serve(clock, server, [(0.0, tokens)])
        assert request.first_token is not None
        gaps.append(ended[0] - request.first_token)
    sent_s = 1000 * find_model("llama-3.2-3b").kv_bytes_per_token() / 1e9
    # The step itself reads 1,001 tokens in half the time too: less than a millisecond.
    assert gaps[0] - gaps[1] == pytest.approx(sent_s / 2, abs=1e-3)


def test_both_halves_of_a_split_pool_are_routed_as_asked() -> None:
    """Eight prompts one at a time: the first of equals takes all, or each its turn, or its tenant.

    Tenants come as a a b b ...; the second prompt of each finds 480 of its 500 tokens where its
    tenant is known, in round robin never (the second of a pair is at the other replica).
    """
    split = {"replicas": 4, "disaggregated": {"prefill": 2, "bandwidth": "50GB/s"}}
    shared = {"prefixes": [{"attribute": "tenant", "tokens": 480}]}
    tokens = {"input_tokens": 500, "output_tokens": 5}
    steps, hits = {}, {}
    for name in ("least_loaded", "round_robin", "prefix_affine"):
        clock, server = build({**LLM, **split, **shared, "router": name})
        arrivals = [(10.0 * i, {**tokens, "tenant": i // 2}) for i in range(8)]
        serve(clock, server, arrivals)
        steps[name] = [engine.steps for engine in server.inner]
        hits[name] = sum(engine.batch.pool.hit_tokens for engine in server.inner)
    assert steps["least_loaded"] == steps["prefix_affine"] == [8, 0, 8 * 4, 0]
    assert steps["round_robin"] == [4, 4, 4 * 4, 4 * 4]
    assert hits == {"least_loaded": 4 * 480, "prefix_affine": 4 * 480, "round_robin": 0}


def test_a_tenant_stays_with_its_replica_in_both_halves() -> None:
    """A busy replica makes way for a new tenant; idle again, each replica gets its own tenant."""
    split = {"replicas": 4, "disaggregated": {"prefill": 2, "bandwidth": "50GB/s"}}
    shared = {"prefixes": [{"attribute": "tenant", "tokens": 480}], "router": "prefix_affine"}
    tokens = {"input_tokens": 4000, "output_tokens": 200}
    clock, server = build({**LLM, **split, **shared})
    first = [(0.0, {**tokens, "tenant": "a"}), (0.1, {**tokens, "tenant": "b"})]
    serve(clock, server, first + [(100.0 + 20 * i, {**tokens, "tenant": "b"}) for i in range(5)])
    steps = [engine.steps for engine in server.inner]
    assert steps[1] == 6 * steps[0] and steps[3] == 6 * steps[2] == 6 * 199


@pytest.mark.parametrize(
    ("fields", "call"),
    [
        ("batching: dynamic, preferred_batch_size: [4]", "{to: pool}"),
        ("batching: static, max_queue_delay: 50ms", "{to: pool}"),
        ("batching: dynamic", "{to: pool, timeout: 40ms, cancel_on_timeout: in_service}"),
    ],
)
def test_the_utilization_law_holds_for_batches(tmp_path: Path, fields: str, call: str) -> None:
    """One pass serves several visits: X S is the mean number of them in service, not of passes.

    Every visit is traced, so both sides count the same visits but for those that are cut by the
    edges of the window: a few of thousands, far below 1 %.
    """
    path = tmp_path / "batches.yaml"
    path.write_text(f"""
name: batches
rate: 150 rps
requests:
  embed: {{entry: front, attributes: {{input_tokens: {{lognormal: {{mean: 100, cv: 1}}}}}}}}
components:
  front: {{kind: service, workers: 1000, steps: [{{call: {call}}}]}}
  pool: {{kind: gpu_pool, gpu: t4, replicas: 2, {fields},
    pass_time: {{fixed: 10ms, per_item: 2ms, per_token: 10us}}}}
""")
    document = simulator.run(path, requests=6000, replications=1).document
    (law,) = (
        row
        for row in document["crosscheck"]
        if row["component"] == "pool" and row["check"] == "utilization law"
    )
    assert law["status"] == "ok" and abs(law["residual"]) < 0.01
    pool = document["components"]["pool"]
    assert pool["utilization"] * pool["servers"] < 0.8 * law["measured"]
    assert "in_service_area" not in pool["other"]
    assert not any("law" in warning for warning in document["warnings"])
