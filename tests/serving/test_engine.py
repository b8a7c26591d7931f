"""The continuous-batching engine: jumping equals stepping, blocks are conserved, order holds."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from serving_fixtures import PlainStepTime, random_requests

from simulator.serving.engine import ContinuousBatching
from simulator.serving.errors import DoesNotFit, ServingError
from simulator.serving.generation import FIRST_TOKEN, PREEMPTED, FrontEnd, Generation
from simulator.serving.replay import closed_loop, replay
from simulator.serving.routing import RoundRobin
from simulator.serving.settings import EngineConfig

CASES: dict[str, dict[str, Any]] = {
    "plenty": {},
    "synchronous": {"lookahead": 0},
    "few slots": {"max_num_seqs": 4},
    "tight blocks": {"num_gpu_blocks": 420},
    "tight, first chunk only": {"num_gpu_blocks": 420, "reserve_full_prompt": False},
    "tight and small chunks": {
        "num_gpu_blocks": 420,
        "max_num_batched_tokens": 128,
        "max_num_seqs": 16,
        "reserve_full_prompt": False,
    },
    "priority": {"priority": True, "num_gpu_blocks": 450, "max_num_seqs": 8},
    "prefix caching": {"prefix_caching": True, "num_gpu_blocks": 500},
    "prefix caching, tight": {
        "prefix_caching": True,
        "num_gpu_blocks": 300,
        "reserve_full_prompt": False,
    },
    "drafts": {"draft_tokens": 3, "tokens_per_step": 2.4, "num_gpu_blocks": 450},
    "whole drafts": {"draft_tokens": 1, "tokens_per_step": 2.0},
    "host overhead": {"step_overhead_s": 0.002, "num_gpu_blocks": 450},
    "host overhead of prompts": {"prompt_overhead_s": 0.005},
}


@pytest.fixture(autouse=True)
def count_blocks_at_every_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's own count of its KV blocks, which it makes at every sixteenth change."""
    monkeypatch.setattr("simulator.serving.batch.AUDIT_EVERY", 1)


@pytest.mark.parametrize("case", ["tight blocks", "prefix caching", "drafts"])
def test_the_engine_notices_a_block_that_is_lost_or_found(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One block more or less than requests hold, at most sixteen changes later."""
    for wrong in (-1, 1):
        monkeypatch.setattr("simulator.serving.batch.AUDIT_EVERY", 16)
        config = EngineConfig(**CASES[case])
        engine = ContinuousBatching(PlainStepTime(), config)
        for _, request in random_requests(7, 30, rate=12.0, shared=config.prefix_caching):
            engine.submit(request, 0.0)
        for _ in range(20):
            engine.advance(engine.next_time())
        engine.batch.pool.free += wrong
        with pytest.raises(AssertionError, match="KV blocks"):
            for _ in range(16):
                engine.advance(engine.next_time())


def serve(config: EngineConfig, seed: int, count: int = 120) -> list[Generation]:
    """Return random requests served by one engine, auditing the KV blocks at every change."""
    engine = ContinuousBatching(PlainStepTime(), config)
    arrivals = random_requests(seed, count, rate=12.0, shared=config.prefix_caching)
    for arrival, request in arrivals:
        while engine.next_time() <= arrival:
            engine.advance(engine.next_time())
            engine.batch.audit()
        engine.submit(request, arrival)
        engine.batch.audit()
    while engine.next_time() < float("inf"):
        engine.advance(engine.next_time())
        engine.batch.audit()
    assert engine.load == 0
    assert engine.batch.pool.used == 0
    return [request for _, request in arrivals]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_jumping_gives_the_times_of_stepping(case: str, seed: int) -> None:
    """One event per change of the batch tells the same as one event per step."""
    config = EngineConfig(**CASES[case])
    jumped = serve(config, seed)
    stepped = serve(replace(config, jump_steps_max=1), seed)
    for one, other in zip(jumped, stepped, strict=True):
        assert one.finished_s == pytest.approx(other.finished_s, rel=1e-9)
        assert one.first_token_s == pytest.approx(other.first_token_s, rel=1e-9)
        assert one.preemptions == other.preemptions
        assert one.cached == other.cached
        assert one.generated == one.output


def test_tight_blocks_do_preempt() -> None:
    """The cases above really exercise preemption."""
    tight = EngineConfig(num_gpu_blocks=420, reserve_full_prompt=False)
    assert sum(request.preemptions for request in serve(tight, 1)) > 0


def test_a_lone_request_takes_the_time_of_its_steps(step_time: PlainStepTime) -> None:
    """Two prompt chunks, then one decode step for every further token."""
    engine = ContinuousBatching(step_time, EngineConfig(max_num_batched_tokens=2048))
    request = Generation(3000, 50)
    replay([engine], [(1.0, request)], RoundRobin())
    prompt = step_time.mixed([(2048, 0)], 0, 0, 0) + step_time.mixed([(952, 2048)], 0, 0, 0)
    decode = sum(step_time.decode(1).at(3000 + i) for i in range(1, 50))
    assert request.ttft_s == pytest.approx(prompt)
    assert request.latency_s == pytest.approx(prompt + decode)
    assert request.tpot_s == pytest.approx(decode / 49)
    assert engine.steps == 2 + 49


def test_an_arrival_waits_for_the_step_planned_already(step_time: PlainStepTime) -> None:
    """Asynchronous scheduling delays an arrival by the step in progress and the next one."""
    first_token = {}
    for lookahead in (0, 1):
        engine = ContinuousBatching(step_time, EngineConfig(lookahead=lookahead))
        early, late = Generation(100, 500), Generation(64, 2)
        replay([engine], [(0.0, early), (1.0, late)], RoundRobin())
        first_token[lookahead] = late.first_token_s
    step = step_time.decode(1).at(175)
    assert first_token[1] - first_token[0] == pytest.approx(step, rel=0.01)


def test_front_end_delays_without_occupying_the_gpu(step_time: PlainStepTime) -> None:
    """The engine is as busy with a slow front end as without."""
    plain, slow = (ContinuousBatching(step_time, EngineConfig()) for _ in range(2))
    a, b = Generation(100, 20), Generation(100, 20)
    replay([plain], [(0.0, a)], RoundRobin())
    replay([slow], [(0.0, b)], RoundRobin(), FrontEnd(request_s=0.5, answer_s=0.1))
    assert slow.busy_s == pytest.approx(plain.busy_s)
    assert b.ttft_s == pytest.approx(a.ttft_s + 0.6)


def test_more_important_requests_go_first(step_time: PlainStepTime) -> None:
    """With priority, of two that wait the one with the lower number is served first."""
    engine = ContinuousBatching(step_time, EngineConfig(max_num_seqs=1, priority=True))
    running, low, high = Generation(10, 50), Generation(10, 5), Generation(10, 5)
    low.priority, high.priority = 5, 1
    replay([engine], [(0.0, running), (0.01, low), (0.02, high)], RoundRobin())
    assert high.finished_s < low.finished_s


def test_a_shared_prefix_is_computed_once(step_time: PlainStepTime) -> None:
    """The second request of a tenant computes only what is new."""
    engine = ContinuousBatching(step_time, EngineConfig(prefix_caching=True, num_gpu_blocks=1000))
    a = Generation(1040, 5, prefix=(("tenant", 1024), ("a", 16)))
    b = Generation(1040, 5, prefix=(("tenant", 1024), ("b", 16)))
    replay([engine], [(0.0, a), (1.0, b)], RoundRobin())
    assert (a.cached, b.cached) == (0, 1024)
    assert b.ttft_s < a.ttft_s / 2


def test_cached_blocks_are_evicted_least_recently_used_first(step_time: PlainStepTime) -> None:
    """When space is needed the prefix used longest ago goes, its end before its beginning."""
    engine = ContinuousBatching(step_time, EngineConfig(prefix_caching=True, num_gpu_blocks=100))
    requests = [Generation(700, 2, prefix=((key, 700),)) for key in ("a", "b", "c", "c", "a")]
    replay([engine], [(float(i), r) for i, r in enumerate(requests)], RoundRobin())
    blocks = [r.cached // 16 for r in requests]
    assert blocks[:4] == [0, 0, 0, 43]
    assert 0 < blocks[4] < 43


def test_a_preempted_request_finds_blocks_it_left(step_time: PlainStepTime) -> None:
    """With prefix caching less is recomputed after a preemption than without."""
    recomputed = {}
    for caching in (False, True):
        config = EngineConfig(num_gpu_blocks=60, max_num_seqs=4, prefix_caching=caching)
        engine = ContinuousBatching(step_time, config)
        requests = [Generation(200, 300) for _ in range(4)]
        replay([engine], [(0.0, request) for request in requests], RoundRobin())
        assert engine.batch.preemptions > 0
        recomputed[caching] = engine.batch.prompt_tokens - 4 * 200
    assert 0 < recomputed[True] < recomputed[False]


def test_cancelled_requests_leave_and_free_their_blocks(step_time: PlainStepTime) -> None:
    """A client that gives up stops costing GPU time at the end of the step."""
    engine = ContinuousBatching(step_time, EngineConfig(max_num_seqs=1))
    running, waiting, last = (Generation(100, 1000) for _ in range(3))
    engine.submit(running, 0.0)
    engine.advance(0.1)
    engine.submit(waiting, 0.2)
    engine.submit(last, 0.2)
    engine.cancel(waiting, 0.3)
    engine.cancel(running, 0.3)
    assert engine.next_time() < 0.35
    while engine.next_time() < 1e9:
        engine.advance(engine.next_time())
    assert last.finished_s is not None and last.scheduled_s < 0.36
    assert running.finished_s is None and waiting.finished_s is None
    assert engine.batch.pool.used == 0


def test_requests_of_a_failed_replica_continue_elsewhere(step_time: PlainStepTime) -> None:
    """Another engine recomputes prompt and tokens and produces only the missing ones."""
    config = EngineConfig(prefix_caching=True, num_gpu_blocks=1000)
    dying, alive = (ContinuousBatching(step_time, config) for _ in range(2))
    requests = [Generation(200, 100, prefix=(("p", 200),)) for _ in range(5)]
    for request in requests:
        dying.submit(request, 0.0)
    dying.advance(0.0301)
    while dying.next_time() < 0.5:
        dying.advance(dying.next_time())
    lost = dying.fail()
    assert len(lost) == 5 and dying.load == 0 and dying.batch.pool.used == 0
    assert dying.next_time() == float("inf")
    for request in lost:
        alive.submit(request, 0.5)
    while alive.next_time() < 1e9:
        for _, kind, _ in alive.advance(alive.next_time()):
            assert kind != FIRST_TOKEN
    assert all(request.generated == 100 for request in requests)


def test_more_blocks_never_preempt_more_on_this_trace() -> None:
    """Preemptions fall as memory grows (on this trace; not a law)."""
    counts = [
        sum(
            request.preemptions
            for request in serve(EngineConfig(num_gpu_blocks=n, reserve_full_prompt=False), 5)
        )
        for n in (400, 600, 900, 2000)
    ]
    assert counts == sorted(counts, reverse=True) and counts[-1] == 0


def test_a_context_that_can_never_fit_is_refused(step_time: PlainStepTime) -> None:
    """The message says how much is needed and how much there is."""
    engine = ContinuousBatching(step_time, EngineConfig(num_gpu_blocks=10))
    with pytest.raises(DoesNotFit, match=r"needs 13 KV blocks .* holds 10 \(160 tokens\)"):
        engine.submit(Generation(150, 50), 0.0)


def test_settings_that_cannot_work_are_refused() -> None:
    """A token budget below the sequences, or an impossible acceptance."""
    with pytest.raises(ServingError, match="one token for each"):
        EngineConfig(max_num_seqs=256, max_num_batched_tokens=128)
    with pytest.raises(ServingError, match="tokens_per_step"):
        EngineConfig(tokens_per_step=2.0)


def test_closed_loop_keeps_the_clients_busy(step_time: PlainStepTime) -> None:
    """With zero think time the number in the engine is the number of clients (Little's law)."""
    engine = ContinuousBatching(step_time, EngineConfig(lookahead=0))
    done = closed_loop(engine, lambda: Generation(100, 50), clients=8, requests=400)
    span = max(request.finished_s for request in done)
    mean = sum(request.latency_s for request in done) / len(done)
    assert mean * len(done) / span == pytest.approx(8, rel=0.02)


def test_preempted_requests_report_it(step_time: PlainStepTime) -> None:
    """Preemption is an event, and the victim still finishes."""
    config = EngineConfig(num_gpu_blocks=40, max_num_seqs=4)
    engine = ContinuousBatching(step_time, config)
    requests = [Generation(200, 200) for _ in range(3)]
    kinds = []
    for request in requests:
        engine.submit(request, 0.0)
    while engine.next_time() < 1e9:
        kinds += [kind for _, kind, _ in engine.advance(engine.next_time())]
    assert PREEMPTED in kinds
    assert all(request.finished_s for request in requests)


@pytest.mark.parametrize("case", CASES)
def test_an_engine_that_fails_gives_every_block_back(case: str) -> None:
    """Lost after any number of changes, with prompts under way or without."""
    config = EngineConfig(**CASES[case])
    for changes in range(60):
        engine = ContinuousBatching(PlainStepTime(), config)
        requests = random_requests(3, 30, rate=12.0, shared=config.prefix_caching)
        for _, request in requests:
            engine.submit(request, 0.0)
        for _ in range(changes):
            if engine.load:
                engine.advance(engine.next_time())
        lost = engine.fail()
        assert engine.batch.pool.used == 0
        assert len(lost) == sum(request.finished_s is None for _, request in requests)


@pytest.mark.parametrize("jump", [1, None])
def test_conversations_keep_the_books_of_their_blocks(jump: int | None) -> None:
    """Turns that contain the earlier ones, with little memory, two of a conversation at a time."""
    config = EngineConfig(num_gpu_blocks=500, prefix_caching=True, reserve_full_prompt=False)
    if jump is not None:
        config = replace(config, jump_steps_max=jump)
    engine = ContinuousBatching(PlainStepTime(), config)
    turns = []
    for turn, chat, twin in product(range(6), range(8), range(2)):
        pieces = [((chat, n), 128) for n in range(20)]
        prefix = (("system", 200), *pieces)
        prompt = 300 + 250 * turn + 40 * twin
        turns.append(Generation(prompt, 170 + chat, prefix=prefix, continues=True))
        arrival = 30.0 * turn + 0.1 * chat
        while engine.next_time() <= arrival:
            engine.advance(engine.next_time())
            engine.batch.audit()
        engine.submit(turns[-1], arrival)
        engine.batch.audit()
    while engine.next_time() < float("inf"):
        engine.advance(engine.next_time())
        engine.batch.audit()
    assert engine.load == 0
    assert engine.batch.pool.used == 0
    assert sum(request.cached for request in turns) > 0
