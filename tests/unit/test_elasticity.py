"""Scalers, replicas that join and leave a balancer, and capacity that is taken back."""

from collections import Counter
from math import exp, sqrt
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from simulator.engine.replicate import Experiment, run_replication
from simulator.policies.horizontal import Horizontal
from simulator.policies.knative import Knative, Panicking
from simulator.policies.spot import Checkpoint
from simulator.recording.recording import Recording
from simulator.topology.model import Topology
from simulator.workload.arrivals.constant import Constant

NEVER_BY_LOAD = {"metric": "queue", "target": 1e6, "scale_down": {"stabilization": "0s"}}


def run(
    component: dict[str, Any],
    *,
    rate: float,
    horizon_s: float,
    attributes: dict[str, Any] | None = None,
) -> Recording:
    """Evenly spaced requests to one component."""
    design = Topology.model_validate(
        {
            "name": "design",
            "rate": f"{rate} rps",
            "requests": {"ask": {"entry": "web", "attributes": attributes or {}}},
            "components": {"web": component},
        }
    )
    return run_replication(Experiment(design, Constant(), horizon_s, seed=5), 0)


def last(recording: Recording, meter: str) -> float:
    return float(recording.meters["web"][meter][-1])


def lost(recording: Recording) -> float:
    outcomes = Counter(recording.outcomes[code] for code in recording.requests["outcome"].tolist())
    return outcomes["error"] / outcomes.total()


def service(scale: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"kind": "service", "cost": "$3600/h", "autoscale": scale, **fields}


def test_what_it_finds_is_the_first_recommendation() -> None:
    # controller-manager notes the pods it finds (recordInitialRecommendation): too many of them
    # stay for the five minutes of the window, and too few are joined at once.
    oversized = Horizontal(1, 10)
    assert [oversized.limit(15.0 * tick, 2, 8) for tick in range(1, 23)] == [8] * 20 + [2] * 2
    assert Horizontal(1, 10).limit(15.0, 8, 4) == 8


def test_knative_panics_holds_and_calms_down() -> None:
    # Worked out by hand from autoscaler.go: (time, stable, panic, ready, replicas).
    trace = [
        (0.0, 5.0, 5.0, 1, 1),
        (2.0, 6.0, 50.0, 1, 5),  # 5 wanted / 1 there >= 2: panic
        (4.0, 8.0, 80.0, 1, 8),  # extended
        (6.0, 12.0, 60.0, 8, 8),  # asks for 6: no fewer in panic
        (60.0, 120.0, 60.0, 8, 12),  # the stable window may ask for more
        (65.0, 30.0, 30.0, 12, 6),  # 60 s without: 3 wanted, at most halved
        (67.0, 30.0, 30.0, 6, 3),
    ]
    rule = Panicking(Knative(), target=10.0)
    for now, stable, panic, ready, expected in trace:
        assert rule.decide(now, stable, panic, ready) == expected, now


def test_knative_follows_concurrency() -> None:
    # 20 requests/s of 1 s are 20 inside: four replicas at five each.
    scale = {"max_replicas": 50, "metric": "queue", "target": 5, "knative": {}, "startup": "4s"}
    recording = run(service(scale, workers=100, steps=[{"work": "1s"}]), rate=20.0, horizon_s=240.0)
    replicas = recording.meters["web"]["replicas"]
    assert replicas[0] == 1 and replicas[-1] == 4
    # Panic within the first ticks: at 2 s 15 are inside, at 4 s 20; ready 4 s later.
    assert replicas[10] >= 4


@pytest.mark.parametrize("queue_at", ["shared", "replica", "balancer"])
def test_cost_follows_the_replicas_of_a_schedule(queue_at: str) -> None:
    # Two replicas, four from minute 1 to minute 3: ordered at 60 s, ready at 70 s, gone at 180 s.
    shift = [{"from": "00:01", "to": "00:03", "count": 4}]
    scale = {"min_replicas": 2, "max_replicas": 4, "schedule": shift, "startup": "10s"}
    recording = run(
        service(
            {**scale, **NEVER_BY_LOAD}, replicas=2, queue_at=queue_at, steps=[{"work": "50ms"}]
        ),
        rate=10.0,
        horizon_s=240.0,
    )
    replicas = recording.meters["web"]["replicas"]
    assert [replicas[at] for at in (69, 71, 179, 181)] == [2, 4, 4, 2]
    # A replica is paid from its order until it has finished: 50 ms at most.
    assert last(recording, "running_cost_total") == pytest.approx(2 * 240 + 2 * 120, abs=0.1)
    assert recording.meters["web"]["servers"][100] == 4
    assert last(recording, "servers") == 2
    assert last(recording, "served_total") == pytest.approx(2400, abs=2)


def test_a_replica_that_leaves_finishes_its_requests_and_is_paid_so_long() -> None:
    # Requests at 25, 50, ... s take 50 s and go round. The second replica is sent away at 60 s
    # with the request of 50 s inside, and takes none after that.
    shift = [{"from": "00:00", "to": "00:01", "count": 2}]
    scale = {"max_replicas": 2, "schedule": shift, **NEVER_BY_LOAD}
    recording = run(
        service(scale, replicas=2, workers=9, queue_at="replica", steps=[{"work": "50s"}]),
        rate=0.04,
        horizon_s=240.0,
    )
    assert recording.requests["latency"].tolist() == pytest.approx([50.0] * 9, abs=1e-6)
    assert last(recording, "replicas_area") == pytest.approx(240.0 + 100.0)


def test_new_replicas_take_their_share() -> None:
    # 30 requests/s on replicas of 10/s: JSQ over four replicas holds what one could not.
    scale = {"min_replicas": 4, "max_replicas": 4, "startup": "1s", "sync_period": "1s"}
    recording = run(
        service(
            scale,
            queue_at="replica",
            balancing="least_request",
            steps=[{"work": {"exponential": "100ms"}}],
        ),
        rate=30.0,
        horizon_s=240.0,
    )
    late = recording.requests["latency"][recording.requests["arrived"] > 60.0]
    # Above M/D-like service alone, and below four separate M/M/1 at 75 % load (0.4 s).
    assert 0.1 < late.mean() < 0.3


MTBF_S, JOB_S, START_S = 100.0, 100.0, 20.0


def restarts(piece_s: float) -> float:
    """Mean seconds to get a piece done that starts anew after each failure.

    `(e^(s/m) - 1) (m + d)` for exponential failures of mean m and a replacement time d.
    """
    return (exp(piece_s / MTBF_S) - 1.0) * (MTBF_S + START_S)


@pytest.mark.parametrize(("every", "pieces"), [(None, 1), ("25s", 4)])
def test_work_is_done_again_from_its_checkpoint(every: str | None, pieces: int) -> None:
    spot: dict[str, Any] = {"mtbf": f"{MTBF_S}s", "notice": "0s"}
    if every is not None:
        spot["checkpoint"] = {"every": every}
    scale = {"max_replicas": 1, "startup": f"{START_S}s", "spot": spot}
    recording = run(
        service(scale, steps=[{"work": f"{JOB_S}s"}]), rate=0.0005, horizon_s=3_000_000.0
    )
    latency = recording.requests["latency"]
    # A job may come while there is no replica, and then waits for half of the replacement time.
    waits = START_S / (MTBF_S + START_S) * START_S / 2
    expected = pieces * restarts(JOB_S / pieces) + waits
    # Five standard errors: one alarm in 2 million runs.
    error = float(latency.std()) / sqrt(len(latency))
    assert latency.mean() == pytest.approx(expected, abs=5 * error)
    assert error < 0.05 * expected
    worked = last(recording, "busy_area")
    done = last(recording, "served_total") * JOB_S
    assert worked - last(recording, "redone_seconds_total") == pytest.approx(done, abs=2 * JOB_S)


def test_with_notice_a_checkpoint_saves_everything() -> None:
    spot = {"mtbf": "100s", "notice": "30s", "checkpoint": {"takes": "5s"}}
    scale = {"max_replicas": 1, "startup": "20s", "spot": spot}
    recording = run(service(scale, steps=[{"work": "100s"}]), rate=0.001, horizon_s=1_000_000.0)
    taken = last(recording, "preempted_total")
    assert taken > 1000
    # What is written is 5 s old when the notice ends; nothing else is ever done again.
    redone = last(recording, "redone_seconds_total")
    assert redone == pytest.approx(5.0 * round(redone / 5.0)) and 0.0 < redone <= 5.0 * taken


def test_what_a_checkpoint_holds() -> None:
    saved = Checkpoint.model_validate({"every": "10s", "takes": "3s"}).saved_s
    # Begun at 10 and 20 s, complete at 13 and 23 s; with notice, begun in time.
    assert [saved(worked, 0.0) for worked in (5.0, 12.0, 13.0, 22.0, 23.5)] == [0, 0, 10, 10, 20]
    assert saved(22.0, 2.0) == 10.0
    assert saved(22.0, 3.0) == 19.0


@pytest.mark.parametrize(("notice", "exposed_s"), [("0s", 50.0), ("30s", 20.0), ("60s", 0.0)])
def test_requests_at_a_replica_that_is_taken_break_off(notice: str, exposed_s: float) -> None:
    # A request of 50 s is lost if its replica gets notice while more work is left than time.
    spot = {"mtbf": "1000s", "notice": notice}
    scale = {"min_replicas": 20, "max_replicas": 20, "startup": "10s", "spot": spot}
    recording = run(
        service(scale, replicas=20, workers=99, queue_at="replica", steps=[{"work": "50s"}]),
        rate=1.0,
        horizon_s=20_000.0,
    )
    expected = 1.0 - exp(-exposed_s / 1000.0)
    # About 400 replicas are taken, and what they lose is lost together: a standard error of
    # a tenth or so; four of them.
    assert lost(recording) == pytest.approx(expected, rel=0.4)
    assert last(recording, "preempted_total") == pytest.approx(400, abs=100)


def test_a_pool_of_gpus_loads_its_model_before_it_serves() -> None:
    shift = [{"from": "00:01", "to": "00:03", "count": 2}]
    scale = {"max_replicas": 2, "schedule": shift, "startup": "10s", **NEVER_BY_LOAD}
    pool = {
        "kind": "gpu_pool",
        "gpu": "l4",
        "cost": "$3600/h",
        "batching": "single",
        "pass_time": {"fixed": "3s"},
        "load_time": "25s",
        "autoscale": scale,
    }
    recording = run(pool, rate=0.5, horizon_s=240.0)
    replicas = recording.meters["web"]["replicas"]
    # Ordered at 60 s, a machine at 70 s, the model loaded at 95 s, sent away at 180 s.
    assert [replicas[at] for at in (94, 96, 179, 181)] == [1, 2, 2, 1]
    # The last replica has up to two passes to finish.
    paid = last(recording, "running_cost_total")
    assert 240.0 + 120.0 <= paid <= 240.0 + 120.0 + 6.1
    assert recording.meters["web"]["servers"][[50, 120, 230]].tolist() == [1, 2, 1]
    # Two replicas serve 2/3 of a request a second: the backlog of the first 95 s is worked off.
    queue = recording.meters["web"]["queue"]
    assert queue[95] > queue[175] and queue[230] > queue[175]


def test_gpus_that_are_taken_hand_their_requests_on() -> None:
    scale = {"min_replicas": 3, "max_replicas": 3, "startup": "5s",
             "spot": {"mtbf": "60s", "notice": "0s"}}  # fmt: skip
    pool = {
        "kind": "gpu_pool",
        "gpu": "l4",
        "replicas": 3,
        "batching": "single",
        "pass_time": {"fixed": "2s"},
        "autoscale": scale,
    }
    recording = run(pool, rate=0.5, horizon_s=2400.0)
    assert last(recording, "taken_back_total") > 60
    assert last(recording, "recomputed_total") > 10
    assert np.all(recording.requests["outcome"] == recording.outcomes.index("ok"))
    assert len(recording.requests["index"]) == sum(recording.issued)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"autoscale": {"min_replicas": 5, "max_replicas": 2}}, "more than `max_replicas`"),
        ({"autoscale": {"min_replicas": 0, "max_replicas": 2}, "queue_at": "replica"}, "a queue"),
        ({"autoscale": {"max_replicas": 2, "knative": {}}}, "set `metric: queue`"),
        ({"autoscale": {"max_replicas": 2, "warmup": "9s"}}, "with one worker"),
        ({"autoscale": {"max_replicas": 2, "starts": "08:00"}}, "without a `schedule`"),
        (
            {
                "autoscale": {
                    "max_replicas": 2,
                    "metric": "queue",
                    "target": 2,
                    "metric_window": "9s",
                }
            },
            "`metric_window` has no effect",
        ),
        (
            {"autoscale": {"max_replicas": 2, "spot": {"checkpoint": {"every": "1s"}}}},
            "without `notice`",
        ),
        (
            {
                "autoscale": {"max_replicas": 2, "spot": {"notice": "1s", "checkpoint": {}}},
                "queue_at": "replica",
            },
            "queue_at: shared",
        ),
    ],
)
def test_contradictions_are_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        run({"kind": "service", "steps": [{"work": "1ms"}], **fields}, rate=1.0, horizon_s=10.0)


@pytest.mark.parametrize("queue_at", ["shared", "replica", "balancer"])
@pytest.mark.parametrize("share", ["25%", "75%"])
def test_a_scaler_that_shrinks_during_a_fault_lets_the_missing_replicas_go_first(
    queue_at: str, share: str
) -> None:
    """One of eight replicas is enough; the fault must neither take it away nor bring others."""
    scale = {
        "max_replicas": 8,
        "metric_lag": "0s",
        "scale_down": {"stabilization": "0s"},
    }
    part = service(scale, replicas=8, queue_at=queue_at, steps=[{"work": "1s"}])
    design = Topology.model_validate(
        {
            "name": "design",
            "rate": "0.5 rps",
            "requests": {"ask": {"entry": "web"}},
            "components": {"web": part},
            "faults": {"lost": [{"at": "1s", "for": "299s", "target": "web", "capacity": share}]},
        }
    )
    struck = tuple(design.faults["lost"])
    recording = run_replication(Experiment(design, Constant(), 600.0, faults=struck), 0)
    table = recording.requests
    assert {recording.outcomes[code] for code in np.unique(table["outcome"])} == {"ok"}
    assert float(table["latency"].max()) == pytest.approx(1.0)
    web = recording.meters["web"]
    settled = recording.times >= 100.0
    assert set(web["replicas"][settled]) == set(web["servers"][settled]) == {1.0}
