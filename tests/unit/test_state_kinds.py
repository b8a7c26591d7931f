"""Components that remember: brokers, databases, people, jobs, regions, streams, scalers, users."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from simulator.engine.replicate import Experiment, run_replication
from simulator.kernel.clock import Clock
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Request
from simulator.kernel.streams import Streams
from simulator.recording.recording import Recording
from simulator.topology.model import Topology
from simulator.workload.arrival_process import Arrivals
from simulator.workload.arrivals.sessions import Sessions

HOUR_S, DAY_S = 3600.0, 86_400.0


def run(
    components: dict[str, Any],
    *,
    rate: float = 100.0,
    horizon_s: float = 100.0,
    attributes: dict[str, Any] | None = None,
    faults: tuple[dict[str, Any], ...] = (),
    arrivals: dict[str, Any] | None = None,
    **request: Any,
) -> Recording:
    """One replication; the first component is the entry."""
    entry = {"entry": next(iter(components)), "attributes": attributes or {}, **request}
    design = Topology.model_validate(
        {
            "name": "design",
            "rate": f"{rate} rps",
            "requests": {"ask": entry},
            "components": components,
            "faults": {"all": list(faults)},
        }
    )
    process = Arrivals.pick(arrivals or {"kind": "steady"})
    experiment = Experiment(design, process, horizon_s, seed=3, faults=tuple(design.faults["all"]))
    return run_replication(experiment, 0)


def outcomes(recording: Recording) -> Counter[str]:
    return Counter(recording.outcomes[code] for code in recording.requests["outcome"].tolist())


def last(recording: Recording, component: str, meter: str) -> float:
    return float(recording.meters[component][meter][-1])


def broker(**fields: Any) -> dict[str, Any]:
    work = [{"work": {"exponential": "10ms"}}, {"call": "sink"}]
    return {
        "topic": {"kind": "broker", "steps": work, **fields},
        "sink": {"kind": "delay", "latency": "1ms"},
    }


def test_a_poisonous_message_becomes_a_dead_letter_after_its_last_delivery() -> None:
    poison = ({"at": "0s", "target": "sink", "poison": "100%"},)
    recording = run(broker(consumers=8, max_receives=4), rate=50, faults=poison)
    dead = last(recording, "topic", "dead_lettered_total")
    assert last(recording, "topic", "acknowledged_total") == 0
    assert last(recording, "topic", "redelivered_total") == pytest.approx(3 * dead, abs=30)
    assert dead > 4000


def test_overflow_policies_keep_the_bound_and_differ_in_who_pays() -> None:
    found = {
        name: run(broker(consumers=1, capacity=20, on_full=name), rate=200)
        for name in ("reject", "drop_head", "block")
    }
    for name, recording in found.items():
        assert recording.meters["topic"]["queue"].max() <= 20 + (name == "block"), name
    assert outcomes(found["reject"])["rejected_queue_full"] > 8000
    assert set(outcomes(found["drop_head"])) == {"ok"}
    assert last(found["drop_head"], "topic", "dropped_total") > 8000
    assert found["block"].requests["latency"].max() > 1.0


def test_each_partition_has_one_reader_and_surplus_consumers_are_idle() -> None:
    one_key = {"key": {"constant": 7}}
    recording = run(broker(consumers=10, partitions=4, key="key"), rate=200, attributes=one_key)
    # All messages are in one partition, whose reader does about 90 a second.
    assert last(recording, "topic", "servers") == 4
    assert last(recording, "topic", "acknowledged_total") < 10_500
    assert last(recording, "topic", "lag_of_consumers") > 9000


def test_a_message_that_expires_before_delivery_is_not_delivered_again() -> None:
    recording = run(broker(consumers=1, message_ttl="500ms", max_receives=5), rate=200)
    assert last(recording, "topic", "redelivered_total") == 0
    assert last(recording, "topic", "dead_lettered_total") > 8000


def database(**fields: Any) -> dict[str, Any]:
    ask = [
        {"share": "30%", "steps": [{"call": {"to": "db", "operation": "write"}}]},
        {"share": "70%", "steps": [{"call": "db"}]},
    ]
    return {
        "app": {"kind": "service", "workers": 500, "steps": [{"choose": ask}]},
        "db": {"kind": "database", "query": {"exponential": "5ms"}, **fields},
    }


def test_writes_fail_until_a_replica_has_been_elected() -> None:
    lost = ({"at": "40s", "for": "50s", "target": "db", "primary_lost": True},)
    failover = {"detect": "3s", "elect": "7s"}
    recording = run(database(read_replicas=2, failover=failover), faults=lost)
    bad = recording.requests["arrived"][recording.requests["outcome"] != 0]
    assert bad.min() >= 39.9 and bad.max() <= 50.0
    # 30 writes a second for ten seconds: five standard deviations of a Poisson count.
    assert len(bad) == pytest.approx(300, abs=5 * 300**0.5)


def test_a_class_of_requests_may_ask_for_an_operation() -> None:
    database = {"kind": "database", "query": "1ms", "operations": {"write": "7ms"}}
    recording = run({"db": database}, rate=5, horizon_s=10.0, operation="write")
    assert recording.requests["latency"].max() == pytest.approx(0.007)
    assert recording.requests["latency"].min() == pytest.approx(0.007)


def test_reads_from_a_replica_may_be_stale_and_those_of_the_primary_are_not() -> None:
    keyed = {"key": {"zipf": {"items": 20, "exponent": 1.0}}}
    lagging = {"read_replicas": 1, "replication_lag": "1s", "shard_key": "key"}
    replicas = run(database(**lagging), attributes=keyed)
    primary = run(database(**lagging, read_from="primary"), attributes=keyed)
    assert outcomes(replicas)["stale_ok"] > 500
    assert set(outcomes(primary)) == {"ok"}


def test_a_quorum_waits_for_the_slowest_copy_it_needs() -> None:
    def mean(needed: int) -> float:
        quorum = {"read": needed, "write": needed}
        recording = run(database(read_replicas=2, quorum=quorum, connections=50), rate=20)
        return float(recording.requests["latency"].mean())

    # Order statistics of three exponentials of 5 ms; 2,000 requests, five standard deviations.
    assert mean(1) == pytest.approx(0.005 / 3, rel=0.15)
    assert mean(2) == pytest.approx(0.005 * (1 / 3 + 1 / 2), rel=0.1)
    assert mean(3) == pytest.approx(0.005 * (1 / 3 + 1 / 2 + 1), rel=0.1)


def test_nobody_takes_a_case_outside_the_shift() -> None:
    people = {
        "kind": "people",
        "handling": "10m",
        "starts": "00:00",
        "shifts": [{"from": "09:00", "to": "17:00", "count": 3, "days": ["mon", "wed"]}],
    }
    recording = run({"desk": people}, rate=0.002, horizon_s=7 * DAY_S)
    at_work = recording.meters["desk"]["servers"]
    hours = recording.times / HOUR_S
    inside = (hours % 24 > 9.01) & (hours % 24 < 17) & np.isin(hours // 24, (0, 2))
    assert (at_work[inside] == 3).all()
    assert (at_work[(hours % 24 > 17.01) | (hours % 24 < 9)] == 0).all()
    done = (recording.requests["arrived"] + recording.requests["latency"]) / HOUR_S
    assert ((done % 24 >= 9.16) & (done % 24 <= 17.17)).all()


def test_readers_get_the_previous_result_while_a_job_is_late() -> None:
    job = {"kind": "batch_job", "every": "24h", "takes": "6h", "deadline": "4h", "lookup": "1ms",
           "stale_quality": 0.5}  # fmt: skip
    recording = run({"job": job}, rate=0.05, horizon_s=10 * DAY_S)
    stale = recording.requests["quality"] == 0.5
    hour = recording.requests["arrived"] / HOUR_S % 24
    assert ((hour[stale] >= 4.0) & (hour[stale] <= 6.001)).all()
    assert stale.mean() == pytest.approx(2 / 24, rel=0.05)


def test_clients_move_to_another_region_within_detection_and_ttl() -> None:
    region = {"kind": "service", "workers": 100, "steps": [{"work": "10ms"}]}
    regions = {"eu": {"target": "eu"}, "us": {"target": "us"}}
    dns = {"kind": "geo_dns", "regions": regions, "check_interval": "10s", "ttl": "40s"}
    down = ({"at": "100s", "for": "150s", "target": "eu", "down": True},)
    recording = run({"dns": dns, "eu": region, "us": region}, horizon_s=400.0, faults=down)
    bad = recording.requests["arrived"][recording.requests["outcome"] != 0]
    # Three checks of ten seconds, then records expire evenly over forty.
    assert bad.min() >= 99.9 and bad.max() <= 171.0
    first = ((bad >= 100) & (bad < 119)).sum() / 19.0
    assert first == pytest.approx(50.0, rel=0.17)


@pytest.mark.parametrize(("hours", "late"), [(24, 0), (25, 9)])
def test_a_job_that_outlasts_its_period_never_gets_done(hours: int, late: int) -> None:
    job = {"kind": "batch_job", "every": "24h", "deadline": "24h", "takes": f"{hours}h",
           "lookup": "1ms"}  # fmt: skip
    recording = run({"job": job}, rate=1e-3, horizon_s=9.5 * DAY_S)
    assert last(recording, "job", "late_total") == late
    stale = outcomes(recording)["stale_ok"]
    assert (stale > 0) == (late > 0)


def test_a_job_that_crashes_leaves_its_last_result() -> None:
    job = {"kind": "batch_job", "every": "24h", "deadline": "4h", "takes": "2h", "lookup": "1ms"}
    down = ({"at": "25h", "for": "1h", "target": "job", "down": True},)
    recording = run({"job": job}, rate=1e-3, horizon_s=2.5 * DAY_S, faults=down)
    found = outcomes(recording)
    # The second run breaks off an hour after its start: stale from 28 h until the third is due.
    assert set(found) == {"ok", "stale_ok"}
    assert last(recording, "job", "failed_total") == 1


def test_a_stream_does_again_what_its_checkpoint_did_not_hold() -> None:
    steps = [{"work": {"exponential": "10ms"}}, {"record": "age"}]
    stream = {"kind": "stream", "tasks": 4, "steps": steps,
              "checkpoint_every": "30s", "restart": "5s"}  # fmt: skip
    down = ({"at": "75s", "for": "10s", "target": "stream", "down": True},)
    recording = run({"stream": stream}, horizon_s=200.0, faults=down)
    # Fifteen seconds since the checkpoint at 60 s, a hundred events a second.
    assert last(recording, "stream", "replayed_total") == pytest.approx(1500, rel=0.13)
    assert recording.meters["stream"]["lag"].max() > 2000
    assert last(recording, "stream", "lag") < 10
    # The broker keeps what comes in during the outage.
    assert set(outcomes(recording)) == {"ok"}
    # Ten seconds of outage, five of restart, and some eight for 3000 events at 400 a second.
    assert 15.0 < float(recording.samples["value"].max()) < 26.0


def test_a_scaler_follows_the_load_and_is_paid_for_what_it_ordered() -> None:
    web = {"kind": "service", "workers": 4, "cost": "$3600/h", "steps": [{"work": "50ms"}],
           "autoscale": {"max_replicas": 20, "target": "50%", "startup": "20s"}}  # fmt: skip
    recording = run({"web": web}, rate=200, horizon_s=900.0)
    replicas = recording.meters["web"]["replicas"]
    # Ten busy workers at half load are five replicas of four; the tolerance allows one more.
    assert replicas[0] == 1 and 5 <= replicas[-1] <= 6
    paid = last(recording, "web", "running_cost_total")
    assert paid == pytest.approx(last(recording, "web", "replicas_area"))
    assert paid > replicas.mean() * 900.0 * 0.98


@pytest.mark.parametrize(
    "fields",
    [
        {"autoscale": {"min_replicas": 5, "max_replicas": 2}},
        {"autoscale": {"max_replicas": 2, "target": 3}},
    ],
)
def test_contradictions_of_a_scaler_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        run({"web": {"kind": "service", "steps": [{"work": "1ms"}], **fields}})


def test_a_keystroke_supersedes_the_one_before() -> None:
    server = {"kind": "service", "workers": 50, "steps": [{"work": "1s"}]}
    user = {"user": {"uniform": {"low": 1, "high": 2}}}
    same = {"user": {"constant": 1}}
    alone = run({"search": server}, rate=2, attributes=user, supersedes="user")
    typed = run({"search": server}, rate=2, attributes=same, supersedes="user")
    assert set(outcomes(alone)) == {"ok"}
    # A request survives if no other comes within its second: exp(-2) of them.
    survived = outcomes(typed)["ok"] / sum(typed.issued)
    assert survived == pytest.approx(np.exp(-2.0), abs=5 * (0.117 / sum(typed.issued)) ** 0.5)
    assert typed.in_flight == 0


def test_a_session_keeps_its_tenant_and_its_context_grows() -> None:
    work = {"per": {"attribute": "input_tokens", "each": "1ms"}}
    server = {"kind": "service", "workers": 500, "steps": [{"work": work}]}
    tokens = {"input_tokens": {"constant": 100}, "output_tokens": {"constant": 50}}
    growth = {"attribute": "input_tokens", "by": ["input_tokens", "output_tokens"], "at_most": 350}
    sessions = {"kind": "sessions", "turns": 4, "think_time": "1s", "grows": [growth]}
    recording = run({"llm": server}, rate=20, attributes=tokens, arrivals=sessions)
    latency = np.round(recording.requests["latency"], 6)
    assert set(latency.tolist()) == {0.1, 0.25, 0.35}
    assert (latency == 0.35).sum() > (latency == 0.1).sum()


def test_a_full_window_drops_its_beginning_or_is_compacted() -> None:
    growth = {"attribute": "tokens", "by": ["tokens"], "at_most": 350}
    slides = Sessions.model_validate({"grows": [growth]})
    shrinks = Sessions.model_validate({"grows": [{**growth, "falls_to": 150}]})
    assert turns_of(slides) == [(100, 0), (200, 0), (300, 0), (350, 1), (350, 2)]
    assert turns_of(shrinks) == [(100, 0), (200, 0), (300, 0), (150, 1), (250, 1)]
    with pytest.raises(ValidationError, match="above it"):
        Sessions.model_validate({"grows": [{**growth, "falls_to": 400}]})


def test_sessions_under_way_give_the_offered_rate_from_the_start() -> None:
    """Ten turns of 10 s each: begun empty, half of the turns of the first 100 s would be missing.

    Turns come in sessions, so their number over a window has at most the variance of about ten
    (mean turns of a length-biased session in the window) times a Poisson number; five deviations.
    """
    server = {"kind": "service", "workers": 5000, "steps": [{"work": "4s"}]}
    sessions = {"kind": "sessions", "turns": {"geometric": {"mean": 10}}, "think_time": "6s"}
    full = run({"llm": server}, rate=20, arrivals={**sessions, "answer_time": "4s"})
    assert sum(full.issued) == pytest.approx(20 * 100, abs=5 * (10 * 20 * 100) ** 0.5)
    empty = run({"llm": server}, rate=20, arrivals=sessions)
    # Sessions of mean length T = 100 s reach 1 - exp(-t/T) of the rate: 37 % of it over 100 s.
    assert sum(empty.issued) == pytest.approx(0.37 * 2000, abs=5 * (10 * 0.37 * 2000) ** 0.5)


def turns_of(sessions: Sessions) -> list[tuple[float, int]]:
    """Length and number of the context of the turns of one session."""
    seen: list[tuple[float, int]] = []
    clock = Clock()

    class OneSession:
        streams, name = Streams(1), "one"

        def __init__(self) -> None:
            self.clock = clock

        def arrive(self, prepare: Callable[[Request], None] | None = None) -> Request:
            request = Request(clock, 0, 0, {"tokens": 100.0})
            assert prepare is not None
            prepare(request)
            request.outcome = Outcome.OK
            seen.append((request.attributes["tokens"], request.attributes["context"]))
            return request

    line = Request(clock, -1, 0, {})
    line.start(sessions._session(line, OneSession(), lambda: 1.0, 5, 0, 1e3, 0, 0.0))
    while not clock.advance(1e6):
        pass
    return seen
