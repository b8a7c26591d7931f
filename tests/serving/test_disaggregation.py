"""Prefill and decode on engines of their own: transfers, losses, and nothing left over."""

from __future__ import annotations

import pytest
from serving_fixtures import PlainStepTime, random_requests

from simulator.serving.catalogue import find_model
from simulator.serving.disaggregation import Disaggregated, KvTransfer
from simulator.serving.engine import ContinuousBatching
from simulator.serving.generation import Generation
from simulator.serving.settings import EngineConfig


def test_disaggregation_adds_the_transfer_between_first_and_second_token() -> None:
    """One request: prefill, transfer of its KV, decode."""
    times = PlainStepTime()
    transfer = KvTransfer.of(find_model("llama-3-8b"), 1e9, 0.01)
    server = Disaggregated(
        [ContinuousBatching(times, EngineConfig())],
        [ContinuousBatching(times, EngineConfig())],
        transfer,
    )
    request = Generation(1000, 11)
    server.submit(request, 2.0)
    while server.next_time() < 1e9:
        server.advance(server.next_time())
    assert request.ttft_s == pytest.approx(times.mixed([(1000, 0)], 0, 0, 0))
    decode = sum(times.decode(1).at(1000 + i) for i in range(1, 11))
    sent = 0.01 + 1000 * 131072 / 1e9
    assert request.latency_s == pytest.approx(request.ttft_s + sent + decode)
    assert server.load == 0


def test_disaggregation_serves_everything() -> None:
    """Random requests over two prefill and two decode engines with little memory."""
    times = PlainStepTime()
    config = EngineConfig(num_gpu_blocks=420)
    server = Disaggregated(
        [ContinuousBatching(times, config) for _ in range(2)],
        [ContinuousBatching(times, config) for _ in range(2)],
        KvTransfer(131072, 10e9),
    )
    arrivals = random_requests(4, 200, rate=15)
    for now, request in arrivals:
        server.advance(now)
        server.submit(request, now)
    while server.next_time() < 1e9:
        server.advance(server.next_time())
    assert all(request.finished_s >= request.first_token_s for _, request in arrivals)
    assert all(engine.batch.pool.used == 0 for engine in (*server.prefill, *server.decode))


def test_a_lost_decode_engine_costs_prefill_transfer_and_the_missing_tokens() -> None:
    """Lost in its fifth step: 1,005 tokens are computed and sent again, five more decoded."""
    times, transfer = PlainStepTime(), KvTransfer(131072, 1e9, 0.01)
    config = EngineConfig(jump_steps_max=1)
    engines = [ContinuousBatching(times, config) for _ in range(3)]
    server = Disaggregated(engines[:1], engines[1:], transfer)
    request = Generation(1000, 11)
    server.submit(request, 0.0)
    while engines[1].steps < 4:
        server.advance(server.next_time())
    lost_s = server.next_time() - 1e-4
    first_s = request.first_token_s
    assert server.lose([1]) == [request] and request.generated == 5 and not engines[1].load
    server.submit(request, lost_s)
    while server.next_time() < 1e9:
        server.advance(server.next_time())
    again = times.mixed([(1005, 0)], 0, 0, 0) + transfer.seconds(1005)
    rest = sum(times.decode(1).at(1000 + i) for i in range(6, 11))
    assert request.finished_s == pytest.approx(lost_s + again + rest)
    assert request.first_token_s == first_s and request.generated == 11
    assert engines[1].load == server.load == 0


def test_a_transfer_breaks_off_with_its_sender_but_outlives_whoever_decodes() -> None:
    """Two senders, one prompt each on its way; then nothing decodes and the other one waits."""
    engines = [ContinuousBatching(PlainStepTime(), EngineConfig()) for _ in range(3)]
    server = Disaggregated(engines[:2], engines[2:], KvTransfer(131072, 1e9, 0.01))
    first, second = Generation(1000, 11), Generation(1000, 11)
    server.submit(first, 0.0)
    server.submit(second, 0.0)
    server.advance(engines[0].next_time())
    sent_s = first.first_token_s
    assert sent_s is not None and engines[0].load == engines[1].load == 0
    assert server.lose([0]) == [first] and not first.prefilled
    assert server.lose([2]) == [] and server.load == 1
    server.advance(server.next_time())
    assert server.next_time() == float("inf") and server.waiting_count == 1
    server.regain([2], 5.0)
    assert server.next_time() == pytest.approx(5.0 + 0.01 + 1000 * 131072 / 1e9)
    while server.next_time() < 1e9:
        server.advance(server.next_time())
    assert second.generated == 11 and first.finished_s is None
