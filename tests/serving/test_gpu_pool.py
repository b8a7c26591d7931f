"""The kind `gpu_pool`: engines on the simulation's clock, failures, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pool_fixtures import ENCODER, LLM, build, serve
from pydantic import ValidationError
from serving_fixtures import random_requests

from simulator.components.gpu_pool import GpuPool
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Request
from simulator.serving.engine import ContinuousBatching
from simulator.serving.profile import calibrate
from simulator.serving.replay import replay
from simulator.serving.routing import LeastLoaded

FOLDER = Path(__file__).parents[2] / "data" / "llmservingsim" / "RTXPRO6000" / "Llama-3.1-8B"


def lengths(seed: int, count: int, rate: float) -> list[tuple[float, dict[str, Any]]]:
    """Return random arrivals as attributes."""
    return [
        (at, {"input_tokens": request.prompt, "output_tokens": request.output})
        for at, request in random_requests(seed, count, rate=rate)
    ]


def test_the_clock_adds_nothing_to_the_engines() -> None:
    """The pool's requests end when the clock-free engines say."""
    arrivals = lengths(1, 150, 4.0)
    clock, server = build(LLM)
    served = serve(clock, server, arrivals)
    spec = server.spec
    engines = [ContinuousBatching(spec.step_time(), spec.engine_config()) for _ in range(2)]
    plain = [(at, request) for at, request in random_requests(1, 150, rate=4.0)]
    replay(engines, plain, LeastLoaded())
    for (request, ended), (_, generation) in zip(served, plain, strict=True):
        assert request.outcome is Outcome.OK
        assert ended == [pytest.approx(generation.finished_s)]
        assert request.first_token == pytest.approx(generation.first_token_s)
        if generation.output > 1:
            assert request.per_token == pytest.approx(generation.tpot_s)
        else:
            assert request.per_token is None


def test_work_of_a_lost_replica_is_done_by_the_other() -> None:
    """Every request still ends well; the pool counts what it recomputed."""
    clock, server = build(LLM)
    clock.call_at(8.0, lambda: server.lose(0.5))
    clock.call_at(20.0, lambda: server.regain(0.5))
    served = serve(clock, server, lengths(2, 120, 4.0))
    assert all(request.outcome is Outcome.OK for request, _ in served)
    assert server.pool.recomputed > 0
    assert all(engine.batch.pool.used == 0 for engine in server.inner)


def test_when_all_replicas_are_lost_requests_wait() -> None:
    """They are served after the model has been loaded again."""
    clock, server = build({**LLM, "load_time": "30s"})
    clock.call_at(0.5, lambda: server.lose(1.0))
    clock.call_at(10.0, lambda: server.regain(1.0))
    served = serve(clock, server, [(0.0, {"input_tokens": 100, "output_tokens": 100})] * 3)
    assert all(request.outcome is Outcome.OK and ended[0] > 40.0 for request, ended in served)


def test_a_client_that_gives_up_frees_its_place() -> None:
    """Cancelling stops the generation and frees the KV blocks."""
    clock, server = build({**LLM, "replicas": 1})
    request = Request(clock, 0, 0, {"input_tokens": 500, "output_tokens": 2000})
    clock.call_at(0.0, lambda: request.start(server.call(request)))
    clock.call_at(1.0, request.cancel)
    while not clock.advance(1e6):
        pass
    engine = server.inner[0]
    assert request.outcome is Outcome.CANCELLED and server.left == 1
    assert engine.load == 0 and engine.batch.pool.used == 0 and engine.busy_s < 1.1


def test_a_context_too_long_for_the_memory_is_an_error() -> None:
    """The pool answers with an error and counts it."""
    clock, server = build({**LLM, "num_gpu_blocks": 50})
    ((request, _),) = serve(clock, server, [(0.0, {"input_tokens": 900, "output_tokens": 9})])
    assert request.outcome is Outcome.ERROR and server.refused == 1


def test_running_over_room_is_the_share_of_capacity() -> None:
    """Offered half of what it can serve, the pool is about half used; the law of Little holds.

    The capacity on paper is servers / service time. Utilization from the meters may miss one
    half by 10 percent: lengths are random, and the room uses their means.
    """
    clock, server = build({**LLM, "replicas": 1, "max_num_seqs": 32})
    paper = server.spec.on_paper({"input_tokens": 600.0, "output_tokens": 80.0})
    assert paper.servers is not None
    capacity = paper.servers / paper.service_s
    serve(clock, server, lengths(3, 1500, 0.5 * capacity))
    end = 1500 / (0.5 * capacity)
    busy, _, servers = (server.pool.area(i) for i in range(3))
    room_after_the_end = server.pool._room(server.inner[0]) * (clock.now - end)
    assert busy / (servers - room_after_the_end) == pytest.approx(0.5, rel=0.1)
    assert any("roofline" in note for note in paper.notes)


def test_a_calibrated_profile_is_used_and_named(tmp_path: Path) -> None:
    """The note on paper says where step times come from and how good they are."""
    path = tmp_path / "profile.json.gz"
    calibrate(FOLDER).save(path)
    document = {**LLM, "gpu": "rtx-pro-6000", "model": "llama-3.1-8b", "profile": str(path)}
    spec = GpuPool.model_validate(document)
    note = spec.on_paper({"input_tokens": 600.0, "output_tokens": 80.0}).notes[0]
    assert note.startswith("step times are calibrated (held-out error 2.")
    with pytest.raises(ValidationError, match="was measured with"):
        GpuPool.model_validate({**document, "model": "llama-3-70b", "tensor_parallel": 4})
    clock, server = build(document)
    serve(clock, server, [(0.0, {"input_tokens": 20000, "output_tokens": 5})])
    assert server._outside() == pytest.approx(20_004 / 16_384, rel=1e-3)


@pytest.mark.parametrize(
    "extra",
    [
        {"speculative": {"draft_tokens": 3, "acceptance": "70%", "draft_time": "1ms"}},
        {"disaggregated": {"prefill": 1, "bandwidth": "10GB/s"}},
        {"prefixes": [{"attribute": "tenant", "tokens": 200}], "router": "prefix_affine"},
        {"prefixes": [{"attribute": "tenant"}]},
        {"prompt_blocks": {"attribute": "hashes", "tokens": 64}},
        {"gpu": "h100", "mig": {"compute": 2, "memory": 2}},
        {"quantization": "fp8", "kv_quantization": "fp8", "priority": True},
        {"tensor_parallel": 2, "link": {"bandwidth": "20GB/s", "latency": "10us"}},
        {"front_end": {"request": "5ms", "answer": "1ms"}, "router": "round_robin"},
    ],
)
def test_every_feature_serves(extra: dict[str, Any]) -> None:
    """Each option by itself, with cancellations on the way."""
    clock, server = build({**LLM, **extra})
    arrivals = lengths(4, 60, 3.0)
    for number, (_, attributes) in enumerate(arrivals):
        attributes |= {"tenant": number % 3, "hashes": [number % 3, number]}
    served = serve(clock, server, arrivals)
    assert all(request.outcome is Outcome.OK for request, _ in served)
    assert all(request.first_token is not None for request, _ in served)
    clock, server = build({**LLM, **extra})
    request = Request(clock, 0, 0, {"input_tokens": 500, "output_tokens": 200})
    clock.call_at(0.0, lambda: request.start(server.call(request)))
    clock.call_at(0.3, request.cancel)
    while not clock.advance(1e6):
        pass
    assert all(engine.load == 0 for engine in server.inner)


@pytest.mark.parametrize(
    "extra",
    [
        {"pass_time": {"fixed": "5ms", "per_item": "1ms", "per_token": "10us"}},
        {"pass_time": {"table": {1: "5ms", 8: "20ms"}}, "preferred_batch_size": [4]},
        {"batching": "single", "pass_time": {"fixed": "5ms"}},
        {"batching": "static", "max_queue_delay": "50ms", "pass_time": {"fixed": "5ms"}},
        {
            "batching": "single",
            "pass_time": {
                "diffusion": {
                    "step_per_image": "40ms",
                    "steps": "steps",
                    "images": 2,
                    "adapter": "lora",
                    "adapter_load": "1s",
                }
            },
        },
    ],
)
def test_models_of_one_pass_serve(extra: dict[str, Any]) -> None:
    """Encoders, tables, static batches and diffusion."""
    clock, server = build({**ENCODER, "max_queue_delay": "2ms", **extra})
    arrivals = [(0.01 * i, {"input_tokens": 50, "steps": 20, "lora": i % 2}) for i in range(40)]
    served = serve(clock, server, arrivals)
    assert all(request.outcome is Outcome.OK for request, _ in served)
    assert server.spec.on_paper({"input_tokens": 50.0}).service_s > 0.0


def test_a_full_queue_rejects() -> None:
    """max_queue_size of a dynamic batcher."""
    extra = {"max_batch_size": 1, "max_queue_size": 2, "pass_time": {"fixed": "1s"}}
    clock, server = build({**ENCODER, **extra})
    served = serve(clock, server, [(0.0, {})] * 5)
    outcomes = [request.outcome for request, _ in served]
    assert outcomes.count(Outcome.REJECTED_QUEUE_FULL) == 2


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({**LLM, "gpu": "h1000"}, "unknown GPU 'h1000'; did you mean H100"),
        ({**LLM, "model": "lama-3-8b"}, "did you mean llama-3-8b"),
        ({**LLM, "model": "llama-3-70b"}, r"GiB more than the .* would fit"),
        ({**LLM, "tensor_parallel": 5}, "does not divide the 24 attention heads"),
        ({**LLM, "profile": "nowhere.json"}, "nowhere.json:1:1: there is no such file"),
        ({**LLM, "gpu": "t4", "quantization": "fp8"}, "no FP8 arithmetic"),
        ({"kind": "gpu_pool", "gpu": "l4"}, "`batching: continuous` needs `model`"),
        (ENCODER, "`batching: dynamic` needs `pass_time`"),
        (
            {**LLM, "disaggregated": {"prefill": 2, "bandwidth": "1GB/s"}},
            "leaves no replica to decode",
        ),
        ({**LLM, "mig": {"compute": 1, "memory": 1}}, "cannot be cut into MIG slices"),
        (
            {**LLM, "max_num_seqs": 512, "max_num_batched_tokens": 256, "num_gpu_blocks": 500},
            "one token for each",
        ),
    ],
)
def test_bad_input_is_explained(document: dict[str, Any], message: str) -> None:
    """A sentence to act on, at the component."""
    with pytest.raises(ValidationError, match=message):
        GpuPool.model_validate(document)


def test_a_conversation_finds_its_earlier_prompt() -> None:
    """Turns of 500, 1,500 and 2,500 tokens: full pieces of 128 tokens are found again."""
    turns = [(10.0 * n, {"input_tokens": 500 + 1000 * n, "output_tokens": 2}) for n in range(3)]
    arrivals = [(at, {**tokens, "chat": 1, "system": 0}) for at, tokens in turns]
    parts = [{"attribute": "system", "tokens": 160}, {"attribute": "chat"}]
    clock, server = build({**LLM, "replicas": 1, "prefixes": parts})
    serve(clock, server, arrivals)
    # After the 160 tokens of the system prompt: 2 whole pieces of 340 tokens, 10 of 1,340.
    assert server.inner[0].batch.pool.hit_tokens == 160 + 2 * 128 + 160 + 10 * 128
    # With an answer of 1,000 tokens, 1,499 of the next prompt's 2,000 are there: 10 pieces of them.
    clock, server = build({**LLM, "replicas": 1, "prefixes": parts})
    longer = [(0.0, {**arrivals[0][1], "output_tokens": 1000}),
              (60.0, {**arrivals[0][1], "input_tokens": 2000})]  # fmt: skip
    serve(clock, server, longer)
    assert server.inner[0].batch.pool.hit_tokens == 160 + 10 * 128
    others = [(at, {**tokens, "chat": at}) for at, tokens in arrivals]
    clock, server = build({**LLM, "replicas": 1, "prefixes": parts})
    serve(clock, server, others)
    assert server.inner[0].batch.pool.hit_tokens == 2 * 160
