"""Replicas of a GPU pool that are lost and come back: what stops, what begins anew, what ends."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from pool_fixtures import ENCODER, LLM, build, serve
from serving_fixtures import random_requests

from simulator.engine.replicate import Experiment, run_replication
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Request
from simulator.topology.model import Topology
from simulator.workload.arrivals.constant import Constant

SPLIT = {"replicas": 4, "disaggregated": {"prefill": 2, "bandwidth": "50GB/s"}}
FULL = Outcome.REJECTED_QUEUE_FULL


def lengths(seed: int, count: int, rate: float) -> list[tuple[float, dict[str, Any]]]:
    """Return random arrivals as attributes."""
    return [
        (at, {"input_tokens": request.prompt, "output_tokens": request.output})
        for at, request in random_requests(seed, count, rate=rate)
    ]


@pytest.mark.parametrize(
    ("prefill", "share", "lost"),
    [
        (2, 0.25, [3]),
        (2, 0.5, [1, 3]),
        (2, 0.75, [1, 2, 3]),
        (2, 1.0, [0, 1, 2, 3]),
        (1, 0.25, [3]),
        (1, 0.5, [2, 3]),
        (1, 0.75, [0, 2, 3]),
        (3, 0.25, [2]),
        (3, 0.5, [2, 3]),
    ],
)
def test_a_split_pool_loses_its_share_of_both_roles(
    prefill: int, share: float, lost: list[int]
) -> None:
    """As many of four replicas as a plain pool would lose; they stop, and serve again later."""
    split = {"prefill": prefill, "bandwidth": "50GB/s"}
    clock, server = build({**LLM, **SPLIT, "disaggregated": split, "router": "round_robin"})
    steps: list[list[int]] = []
    room: list[float] = []

    def note() -> None:
        steps.append([engine.steps for engine in server.inner])
        room.append(server.pool.meters()["servers"]())

    for at, happens in [
        (9.999, note),
        (10.0, lambda: server.lose(share)),
        (10.001, note),
        (19.999, note),
        (20.0, lambda: server.regain(share)),
    ]:
        clock.call_at(at, happens)
    served = serve(clock, server, lengths(2, 160, 5.0))
    note()
    assert all(request.outcome is Outcome.OK for request, _ in served)
    # Prompts are short: few are at a prefill replica when it is lost.
    assert server.served == 160 and (server.pool.recomputed > 0 or lost == [2])
    assert all(engine.load == engine.batch.pool.used == 0 for engine in server.inner)
    _, lost_at, back_at, end = steps
    still = [i for i in range(4) if back_at[i] == lost_at[i]]
    # Without a role nothing reaches the other one, but for what it had.
    nothing_through = set(range(prefill)) <= set(lost) or set(range(prefill, 4)) <= set(lost)
    assert set(lost) <= set(still) and (nothing_through or still == lost)
    assert all(end[i] > back_at[i] for i in range(4))
    if prefill == 2 and share >= 0.5:
        # Both roles have lost a half or more, so the pool has too.
        assert room[1] < 0.8 * room[0]


@pytest.mark.parametrize(("share", "first_token"), [(0.5, True), (1.0, False)])
def test_a_prompt_waits_while_nothing_decodes_and_a_request_while_nothing_prefills(
    share: float, first_token: bool
) -> None:
    """A half of one replica for each role is the one that decodes."""
    one = {"replicas": 2, "disaggregated": {"prefill": 1, "bandwidth": "50GB/s"}}
    clock, server = build({**LLM, **one, "load_time": "5s"})
    seen: list[tuple[float, float]] = []
    meters = server.pool.meters()
    clock.call_at(1.0, lambda: server.lose(share))
    clock.call_at(9.0, lambda: seen.append((meters["queue"](), meters["busy"]())))
    clock.call_at(10.0, lambda: server.regain(share))
    tokens = {"input_tokens": 500, "output_tokens": 50}
    ((request, ended),) = serve(clock, server, [(2.0, tokens)])
    assert seen == [(1.0, 0.0)]
    assert request.first_token is not None and (request.first_token < 3.0) is first_token
    assert request.outcome is Outcome.OK and ended[0] > 15.0
    assert server.pool.recomputed == 0


@pytest.mark.parametrize("load_time", ["0s", "5s"])
@pytest.mark.parametrize(
    ("engine", "share"),
    [
        ({**LLM, "replicas": 4}, 0.25),
        ({**LLM, "replicas": 5}, 0.4),
        ({**LLM, **SPLIT}, 0.25),
        ({**LLM, **SPLIT, "replicas": 6}, 1 / 3),
    ],
)
def test_a_rolling_restart_gets_round_to_every_replica_of_a_pool(
    engine: dict[str, Any], share: float, load_time: str
) -> None:
    """However soon a batch is back, and in both roles; a second restart gets round again."""
    clock, server = build({**engine, "load_time": load_time})
    lost: list[set[int]] = [set(), set()]

    def lose(restart: int) -> None:
        server.lose(share)
        lost[restart] |= set(server.taken[share][-1])

    batches = int(np.ceil(1.0 / share - 1e-9))
    for number in range(2 * batches):
        at = 10.0 + 20.0 * number
        clock.call_at(at, lambda number=number: lose(number // batches))
        clock.call_at(at + 10.0, lambda: server.regain(share))
    serve(clock, server, [(1.0, {"input_tokens": 500, "output_tokens": 50})])
    assert lost == [set(range(engine["replicas"]))] * 2


def test_two_faults_that_take_the_same_share_give_back_both() -> None:
    """Each takes one of two replicas; once both are over, both replicas serve."""
    clock, server = build(LLM)
    for at in (1.0, 2.0):
        clock.call_at(at, lambda: server.lose(0.5))
        clock.call_at(at + 10.0, lambda: server.regain(0.5))
    served = serve(clock, server, lengths(2, 60, 4.0))
    assert all(request.outcome is Outcome.OK for request, _ in served)
    assert server.pool.serving == [0, 1]


@pytest.mark.parametrize("engine", [LLM, {**LLM, **SPLIT}])
def test_a_crash_throws_everybody_out_of_either_pool(engine: dict[str, Any]) -> None:
    """For 20 of 100 s nobody is served; who was inside or came then fails, all others do well."""
    design = Topology.model_validate(
        {
            "name": "design",
            "rate": "2 rps",
            "requests": {
                "ask": {"entry": "gpus", "attributes": {"input_tokens": 500, "output_tokens": 50}}
            },
            "components": {"gpus": engine},
            "faults": {"crash": [{"at": "40s", "for": "20s", "target": "gpus", "down": True}]},
        }
    )
    crash = tuple(design.faults["crash"])
    recording = run_replication(Experiment(design, Constant(), 100.0, seed=1, faults=crash), 0)
    found = Counter(recording.outcomes[code] for code in recording.requests["outcome"].tolist())
    # One arrives every 0.5 s and takes 2 s or less: at most 4 inside and 41 at the door.
    assert found.total() == found["ok"] + found["error"] and 40 < found["error"] <= 45
    assert found["ok"] >= 150


@pytest.mark.parametrize("seed", range(8))
def test_every_request_ends_whatever_is_lost_and_given_up(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random faults over random pools, one client in four gives up; blocks counted every time."""
    monkeypatch.setattr("simulator.serving.batch.AUDIT_EVERY", 1)
    rng = np.random.default_rng(seed)
    replicas = int(rng.integers(2, 6))
    split = {"prefill": int(rng.integers(1, replicas)), "bandwidth": "2GB/s"}
    clock, server = build({
        **LLM,
        "replicas": replicas,
        "router": ("round_robin", "least_loaded", "prefix_affine")[seed % 3],
        "num_gpu_blocks": int(rng.integers(1000, 2500)),
        "load_time": f"{seed % 2 * 2}s",
        "max_queue_size": seed % 4 * 3,
        "prefixes": [{"attribute": "tenant", "tokens": 160}, {"attribute": "chat"}],
        **({"disaggregated": split} if seed else {}),
    })  # fmt: skip
    for _ in range(3):
        share, at, span = float(rng.choice([0.25, 0.5, 1.0])), rng.uniform(0, 25), rng.uniform(0, 9)
        clock.call_at(at, lambda share=share: server.lose(share))
        clock.call_at(at + span, lambda share=share: server.regain(share))
    requests = []
    for number, (at, attributes) in enumerate(lengths(seed, 120, 5.0)):
        attributes |= {"tenant": number % 3, "chat": number // 3}
        request = Request(clock, number, 0, attributes)
        requests.append(request)
        clock.call_at(at, lambda it=request: it.start(server.call(it)))
        if rng.random() < 0.25:
            clock.call_at(at + rng.exponential(1.5), request.cancel)
    while not clock.advance(1e6):
        pass
    outcomes = Counter(request.outcome for request in requests)
    ends = {Outcome.OK: server.served, Outcome.CANCELLED: server.left, FULL: server.refused}
    assert outcomes == Counter(ends) and outcomes.total() == 120
    assert all(engine.load == engine.batch.pool.used == 0 for engine in server.inner)
    meters = server.pool.meters()
    assert meters["queue"]() == meters["busy"]() == 0


ONE_EACH = {"max_num_seqs": 1, "max_queue_size": 2, "router": "round_robin"}
ENGINES = {
    "tokens": {**LLM, **ONE_EACH},
    "split": {**LLM, **SPLIT, **ONE_EACH},
    "passes": {
        **ENCODER,
        "replicas": 2,
        "batching": "single",
        "pass_time": {"fixed": "4s"},
        "max_queue_size": 2,
        "router": "round_robin",
    },
}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_full_queue_refuses_with_any_batching(engine: str) -> None:
    """Two replicas with one slot and two places in the queue: six of ten get in."""
    clock, server = build(ENGINES[engine])
    tokens = {"input_tokens": 4000, "output_tokens": 20}
    found = Counter(it.outcome for it, _ in serve(clock, server, [(0.0, tokens)] * 10))
    assert found == {Outcome.OK: 6, FULL: 4}
    assert (server.served, server.refused) == (6, 4)


@pytest.mark.parametrize("engine", ENGINES)
def test_requests_of_a_lost_replica_are_refused_by_a_full_queue(engine: str) -> None:
    """Its three find the other replica as full as theirs was: they are told so at once."""
    clock, server = build(ENGINES[engine])
    clock.call_at(0.1, lambda: server.lose(0.5))
    tokens = {"input_tokens": 4000, "output_tokens": 20}
    served = serve(clock, server, [(0.0, tokens)] * 6)
    assert Counter(it.outcome for it, _ in served) == {Outcome.OK: 3, FULL: 3}
    assert [ended[0] for it, ended in served if it.outcome is FULL] == [0.1] * 3
    assert (server.served, server.refused, server.pool.recomputed) == (3, 3, 3)
    assert all(inner.load == 0 for inner in server.inner)


@pytest.mark.parametrize("engine", ENGINES)
def test_requests_that_waited_for_a_replica_are_refused_by_a_full_queue(engine: str) -> None:
    """Ten wait until both replicas are back, which have room for three each."""
    clock, server = build(ENGINES[engine])
    clock.call_at(1.0, lambda: server.lose(1.0))
    clock.call_at(9.0, lambda: server.regain(1.0))
    tokens = {"input_tokens": 4000, "output_tokens": 20}
    served = serve(clock, server, [(2.0, tokens)] * 10)
    assert Counter(it.outcome for it, _ in served) == {Outcome.OK: 6, FULL: 4}
    assert [ended[0] for it, ended in served if it.outcome is FULL] == [9.0] * 4


@pytest.mark.parametrize("extra", [{}, SPLIT])
def test_a_context_too_long_is_an_error_also_after_a_wait_for_a_replica(
    extra: dict[str, Any],
) -> None:
    """Nobody looked at it while there was no replica; the one behind it is served."""
    clock, server = build({**LLM, **extra, "num_gpu_blocks": 50})
    clock.call_at(1.0, lambda: server.lose(1.0))
    clock.call_at(9.0, lambda: server.regain(1.0))
    served = serve(
        clock, server, [(2.0, {"input_tokens": n, "output_tokens": 9}) for n in (900, 90)]
    )
    assert [it.outcome for it, _ in served] == [Outcome.ERROR, Outcome.OK]
