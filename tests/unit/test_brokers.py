"""Brokers: prefetch, overflow, expiry at the head, and consumers that are too slow to poll."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from simulator.engine.replicate import Experiment, run_replication
from simulator.metrics.components import component_document
from simulator.metrics.window import Window
from simulator.policies.spreading import bucket_of
from simulator.recording.recording import Recording
from simulator.topology.model import Topology
from simulator.workload.arrival_process import Arrivals


def run(
    broker: dict[str, Any],
    *,
    rate: float,
    horizon_s: float,
    requests: dict[str, Any] | None = None,
    arrivals: str = "constant",
) -> Recording:
    """One replication of publishing to one broker."""
    design = Topology.model_validate(
        {
            "name": "design",
            "rate": f"{rate} rps",
            "requests": requests or {"message": {"entry": "topic"}},
            "components": {"topic": {"kind": "broker", **broker}},
        }
    )
    process = Arrivals.pick({"kind": arrivals})
    return run_replication(Experiment(design, process, horizon_s, seed=11), 0)


def last(recording: Recording, meter: str) -> float:
    return float(recording.meters["topic"][meter][-1])


@pytest.mark.parametrize(
    ("prefetch", "urgent_s", "other_s"),
    # W0 = 0.6 / 2; Cobham: W0 / (1 - 0.2) and W0 / (0.8 * 0.4). With everything handed out
    # beforehand, first come first served (Pollaczek-Khinchine): W0 / 0.4.
    [(None, 0.375, 0.9375), (1, 0.375, 0.9375), (10_000, 0.75, 0.75)],
)
def test_a_large_prefetch_defeats_priorities(
    prefetch: int | None, urgent_s: float, other_s: float
) -> None:
    broker: dict[str, Any] = {"discipline": "priority", "reply": True, "steps": [{"work": "1s"}]}
    if prefetch is not None:
        broker["prefetch"] = prefetch
    classes = {
        "urgent": {"entry": "topic", "share": 1, "priority": 0},
        "other": {"entry": "topic", "share": 2, "priority": 5},
    }
    recording = run(broker, rate=0.6, horizon_s=100_000.0, requests=classes, arrivals="steady")
    table = recording.requests
    for kind, expected in enumerate((urgent_s, other_s)):
        waited = table["latency"][table["kind"] == kind].astype(float) - 1.0
        # Twenty batch means and five of their standard errors: one alarm in some 10 000 runs.
        means = [float(part.mean()) for part in np.array_split(waited, 20)]
        error = float(np.std(means, ddof=1)) / 20**0.5
        assert np.mean(means) == pytest.approx(expected, abs=5 * error)
        assert error < 0.05 * expected


def test_prefetch_hides_the_depth() -> None:
    # Twice what two consumers can do: they hold ten messages each, and work on one each. Who
    # looks at the queue does not see the other eighteen.
    recording = run(
        {"consumers": 2, "prefetch": 10, "steps": [{"work": "1s"}]}, rate=4.0, horizon_s=60.0
    )
    meters = recording.meters["topic"]
    late = slice(100, None)
    assert np.all(meters["unacknowledged_of_consumers"][late] == 20)
    assert np.all(meters["queue"][late] - meters["ready_of_consumers"][late] == 18)
    assert last(recording, "busy_area") == pytest.approx(2 * 60, abs=1.0)


@pytest.mark.parametrize(("on_full", "dead"), [("reject", 0), ("reject_dlx", 15)])
def test_the_bound_counts_ready_messages_only(on_full: str, dead: int) -> None:
    # One message a second, 30 in all: 10 with the consumer, 5 ready, 15 refused.
    broker = {
        "prefetch": 10,
        "capacity": 5,
        "on_full": on_full,
        "steps": [{"work": "1000s"}],
    }
    recording = run(broker, rate=1.0, horizon_s=30.5)
    assert last(recording, "published_total") == 15
    assert last(recording, "refused_total") == 15
    assert last(recording, "dead_lettered_total") == dead


def test_dead_letters_go_to_whom_they_are_meant_for() -> None:
    # Two deliveries of 10 ms fail each time; every message ends on somebody's desk.
    design = Topology.model_validate(
        {
            "name": "design",
            "rate": "1 rps",
            "requests": {"message": {"entry": "topic"}},
            "components": {
                "topic": {
                    "kind": "broker",
                    "max_receives": 2,
                    "dead_letters": "clerks",
                    "steps": [{"work": "10ms"}, {"fail": "error"}],
                },
                "clerks": {"kind": "people", "count": 3, "handling": "1s"},
            },
        }
    )
    recording = run_replication(Experiment(design, Arrivals.pick({"kind": "constant"}), 60.5), 0)
    assert last(recording, "dead_lettered_total") == 60
    assert recording.finals["clerks"]["served_total"] >= 59
    # The publisher knows nothing of all that.
    assert set(recording.requests["outcome"].tolist()) == {recording.outcomes.index("ok")}


def test_an_expired_message_stays_until_its_turn() -> None:
    # One message a second from 1 s on; the first is worked on until 11 s. Those of 2 to 5 s have
    # then waited longer than 5 s and are thrown out, that of 6 s is next. Leaving at once, there
    # are never more than five.
    ttl = {"message_ttl": "5s", "steps": [{"work": "10s"}]}
    longest, dead = {}, {}
    for at in ("anywhere", "head"):
        recording = run({**ttl, "ttl_at": at}, rate=1.0, horizon_s=10.9)
        longest[at] = recording.meters["topic"]["queue"].max()
        late = run({**ttl, "ttl_at": at}, rate=1.0, horizon_s=11.1)
        dead[at] = last(late, "dead_lettered_total")
    assert longest == {"anywhere": 5, "head": 9}
    assert dead == {"anywhere": 4, "head": 4}


def test_a_slow_reader_is_thrown_out_and_everybody_waits() -> None:
    # The message of 20 s takes 10 s: thrown out at 23 s, again at 23 + 1 + 3 s, then dead.
    broker = {
        "partitions": 1,
        "max_receives": 2,
        "reply": True,
        "rebalance": {"max_poll_interval": "3s", "pause": "1s"},
        "steps": [{"work": "10s"}],
    }
    recording = run(broker, rate=0.05, horizon_s=39.0)
    assert recording.requests["latency"].tolist() == pytest.approx([7.0])
    assert last(recording, "rebalances_of_consumers_total") == 2
    assert last(recording, "dead_lettered_total") == 1


@pytest.mark.parametrize(("records", "calm"), [(4, True), (10, False)])
def test_polls_that_take_too_long_are_done_again(records: int, calm: bool) -> None:
    # A second for each message and 5 s between polls: four are in time, ten never are, and what
    # was processed is processed again.
    broker = {
        "partitions": 1,
        "max_receives": 1000,
        "rebalance": {"max_poll_interval": "5s", "pause": "1s", "max_poll_records": records},
        "steps": [{"work": "1s"}],
    }
    recording = run(broker, rate=2.0, horizon_s=200.0)
    rebalances = last(recording, "rebalances_of_consumers_total")
    again = last(recording, "duplicates_total")
    if calm:
        assert rebalances == again == 0
        assert last(recording, "acknowledged_total") == pytest.approx(199, abs=1)
    else:
        # Every six seconds, once the backlog is ten deep: four done, the fifth broken off.
        assert rebalances == pytest.approx(200 / 6, abs=3)
        assert again == pytest.approx(4 * rebalances, rel=0.15)


@pytest.mark.parametrize(("protocol", "longest_s"), [("eager", 4.0), ("cooperative", 0.01)])
def test_eager_rebalances_stop_everybody(protocol: str, longest_s: float) -> None:
    # A slow message at 100 s is broken off at 102 s, and the group pauses for 4 s. The messages
    # of the other partition come every second and take 10 ms.
    slow = next(part for part in range(9) if bucket_of(float(part), 2) == 0)
    quick = next(part for part in range(9) if bucket_of(float(part), 2) == 1)
    ways = [{"attribute": "part", "equals": slow, "steps": [{"work": "9s"}]},
            {"steps": [{"work": "10ms"}]}]  # fmt: skip
    broker = {
        "partitions": 2,
        "consumers": 2,
        "key": "part",
        "reply": True,
        "rebalance": {"protocol": protocol, "max_poll_interval": "2s", "pause": "4s"},
        "steps": [{"choose": ways}],
    }
    classes = {
        "slow": {"entry": "topic", "rate": "0.01 rps", "attributes": {"part": slow}},
        "quick": {"entry": "topic", "rate": "1 rps", "attributes": {"part": quick}},
    }
    recording = run(broker, rate=1.0, horizon_s=150.0, requests=classes)
    table = recording.requests
    assert table["latency"][table["kind"] == 0].tolist() == pytest.approx([2.0])
    # The first one in the pause comes up to a second after its beginning.
    longest = float(table["latency"][table["kind"] == 1].max())
    assert longest_s - 1.0 <= longest <= longest_s + 0.02


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"prefetch": 5, "partitions": 2}, "the reader of a partition polls"),
        ({"rebalance": {}}, "without `partitions`"),
        ({"ttl_at": "head"}, "without `message_ttl`"),
        ({"on_full": "block"}, "without a `capacity`"),
        ({"redelivery_delay": "1s"}, "without `max_receives`"),
    ],
)
def test_contradictions_are_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        run(fields, rate=1.0, horizon_s=1.0)


@pytest.mark.parametrize(
    ("fields", "drained_s"),
    # 300 messages in 10 s, and what the consumers make of them.
    [
        # Nobody waits in the queue: a publisher is let in when a consumer is free. 20 a second.
        ({"capacity": 0, "steps": [{"work": "50ms"}]}, 15.0),
        ({"capacity": 0, "consumers": 3, "steps": [{"work": "150ms"}]}, 15.0),
        # The only consumer never comes back: messages expire, two each 100 ms.
        ({"capacity": 2, "message_ttl": "100ms", "steps": [{"work": "1h"}]}, 15.0),
        ({"capacity": 2, "prefetch": 3, "consumers": 2, "steps": [{"work": "100ms"}]}, 15.0),
        # Each message is processed twice and fails twice: 10 a second.
        (
            {
                "capacity": 0,
                "max_receives": 2,
                "steps": [{"work": "50ms"}, {"fail": {"outcome": "error"}}],
            },
            30.0,
        ),
    ],
)
def test_blocked_publishers_get_in_as_room_comes_up_and_in_order(
    fields: dict[str, Any], drained_s: float
) -> None:
    recording = run({"on_full": "block", **fields}, rate=29.97, horizon_s=10.0)
    assert recording.in_flight == 0
    table = recording.requests
    published = (table["arrived"] + table["latency"])[np.argsort(table["arrived"])]
    assert np.all(np.diff(published) >= -1e-9)
    assert float(published[-1]) == pytest.approx(drained_s, abs=0.4)


def test_a_publisher_blocked_while_the_consumers_are_away_gets_in_when_they_are_back() -> None:
    broker = {"capacity": 0, "on_full": "block", "steps": [{"work": "10ms"}]}
    design = Topology.model_validate(
        {
            "name": "away",
            "rate": "1 rps",
            "requests": {"message": {"entry": "topic"}},
            "components": {"topic": {"kind": "broker", **broker}},
            "faults": {
                "away": [{"at": "2.5s", "for": "10s", "target": "topic", "capacity": "100%"}]
            },
        }
    )
    struck = tuple(design.faults["away"])
    process = Arrivals.pick({"kind": "constant"})
    recording = run_replication(Experiment(design, process, 10.0, faults=struck), 0)
    assert recording.in_flight == 0
    published = recording.requests["arrived"] + recording.requests["latency"]
    assert float(published.max()) == pytest.approx(12.5, abs=0.1)


def test_a_group_is_as_busy_as_it_is_alone() -> None:
    # 10 messages a second: 0.8 of the one archivist, 0.1 / 4 of each indexer, 0.9 / 5 pooled.
    groups = {
        "archive": {"consumers": 1, "steps": [{"work": "80ms"}]},
        "index": {"consumers": 4, "steps": [{"work": "10ms"}]},
    }
    recording = run({"groups": groups}, rate=10.0, horizon_s=100.0)
    assert component_document([Window(recording, 0.0)], "topic")["utilization"] == pytest.approx(
        0.8, abs=0.01
    )


@pytest.mark.parametrize(("consumers", "twice", "busy"), [(1, 0, 0.5), (2, 1, 1.0)])
def test_a_copy_that_still_waits_goes_with_the_first_success(
    consumers: int, twice: int, busy: float
) -> None:
    # Visible again 0.3 s into 0.5 s of work: a free consumer works on it in vain, but a copy that
    # waits for the only consumer has gone when that one is done.
    broker = {
        "consumers": consumers,
        "visibility_timeout": "300ms",
        "max_receives": 9,
        "steps": [{"work": "500ms"}],
    }
    recording = run(broker, rate=1.0, horizon_s=100.9)
    messages = len(recording.requests["arrived"])
    assert last(recording, "acknowledged_total") == messages
    assert last(recording, "duplicates_total") == twice * messages
    assert last(recording, "redelivered_total") == messages
    assert last(recording, "busy_area") == pytest.approx(busy * messages)
