"""Faults: how they are read, what they do, and that nothing else pays for them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from simulator.engine.compile import compile_simulation
from simulator.engine.replicate import Experiment, run_replication
from simulator.recording.recording import Recording
from simulator.topology.diagnostics import DocumentError
from simulator.topology.fault_file import check_times, find_faults, misdirected
from simulator.topology.model import Topology
from simulator.workload.arrivals.constant import Constant
from simulator.workload.arrivals.steady import Steady

CHAIN: dict[str, Any] = {
    "name": "chain",
    "rate": "100 rps",
    "requests": {"get": {"entry": "web"}},
    "components": {
        "web": {
            "kind": "service",
            "workers": 8,
            "steps": [{"work": {"exponential": "5ms"}}, {"call": "db"}],
        },
        "db": {"kind": "database", "query": {"exponential": "10ms"}, "connections": 8},
    },
}
HORIZON_S = 60.0
SPAN = {"at": "20s", "for": "20s"}


def chain(*faults: dict[str, Any]) -> Topology:
    return Topology.model_validate({**CHAIN, "faults": {"all": list(faults)}})


def run(*faults: dict[str, Any]) -> Recording:
    design = chain(*faults)
    experiment = Experiment(design, Steady(), HORIZON_S, seed=5, faults=tuple(design.faults["all"]))
    return run_replication(experiment, 0)


def during(recording: Recording, begin: float = 20.0, end: float = 40.0) -> Any:
    arrived = recording.requests["arrived"]
    return (arrived >= begin) & (arrived < end)


def good(recording: Recording, mask: Any) -> float:
    return float((recording.requests["outcome"][mask] == 0).mean())


def test_down_fails_everything_inside_and_nothing_outside() -> None:
    recording = run({**SPAN, "target": "db", "down": True})
    inside = during(recording, 20.0, 39.9)
    assert good(recording, inside) == 0.0
    assert good(recording, during(recording, 0.0, 19.5)) == 1.0
    assert good(recording, during(recording, 40.1, 60.0)) == 1.0
    assert recording.manifest["faults"] == [
        {
            "begin": 20.0,
            "end": 40.0,
            "effect": "down",
            "targets": ["db"],
            "sentence": "db is down",
        }
    ]


def test_calls_in_service_break_off_when_the_component_goes_down() -> None:
    slow = {"at": "0s", "target": "db", "slow": "1000x"}
    recording = run(slow, {"at": "30s", "target": "db", "down": True})
    ended = recording.requests["arrived"] + recording.requests["latency"]
    waiting = during(recording, 5.0, 29.0) & (ended > 29.9)
    assert waiting.sum() > 1000
    assert good(recording, waiting) == 0.0
    assert np.allclose(ended[waiting], 30.0)


def test_errors_take_their_share() -> None:
    recording = run({**SPAN, "target": "db", "errors": "50%"})
    inside = during(recording)
    # 2,000 independent calls: five standard deviations, false alarm below one in a million.
    assert good(recording, inside) == pytest.approx(0.5, abs=5 * 0.5 / inside.sum() ** 0.5)


def test_slow_multiplies_the_service_and_ends() -> None:
    recording = run({**SPAN, "target": "db", "slow": "2x"})
    latency = recording.requests["latency"]
    # Mean 5 ms + 10 ms, then 5 ms + 20 ms; queueing at a quarter of the capacity is slight. Means
    # of 2,000 exponentials are within 12 % at five standard deviations.
    assert latency[during(recording, 0.0, 20.0)].mean() == pytest.approx(0.015, rel=0.12)
    assert latency[during(recording)].mean() == pytest.approx(0.025, rel=0.12)
    assert latency[during(recording, 41.0, 60.0)].mean() == pytest.approx(0.015, rel=0.12)


def test_a_spike_adds_requests_and_moves_no_other() -> None:
    quiet, spiky = run(), run({**SPAN, "spike": "3x"})
    assert during(spiky).sum() == pytest.approx(3 * during(quiet).sum(), rel=0.1)
    usual = np.sort(quiet.requests["arrived"])
    assert np.isin(usual, spiky.requests["arrived"]).all()


def test_a_partition_hangs_until_it_heals() -> None:
    recording = run({**SPAN, "partition": {"between": ["web", "db"]}})
    inside = during(recording, 20.0, 39.0)
    ended = recording.requests["arrived"] + recording.requests["latency"]
    assert good(recording, inside) == 0.0
    assert np.allclose(ended[inside], 40.0)


def test_lost_capacity_comes_back() -> None:
    design = chain({**SPAN, "target": "db", "capacity": "75%"})
    simulation = compile_simulation(design, Steady(), seed=1, faults=design.faults["all"])
    recording = simulation.run(HORIZON_S, Experiment(design, Steady(), HORIZON_S).budget)
    servers = recording.meters["db"]["servers"]
    assert servers[120] == 2 and servers[0] == servers[-1] == 8


@pytest.mark.parametrize(("queue_at", "longest_s"), [("replica", 4.0), ("balancer", 10 / 3)])
def test_a_quarter_of_four_replicas_is_one_that_takes_nothing_more(
    queue_at: str, longest_s: float
) -> None:
    # Four replicas with one worker each: a quarter of a worker is nothing, a quarter of the
    # replicas is one. The other three get 1200 requests of 60 ms in the 20 s of the fault, which
    # is 24 s of work for each: the last one waits for 4 s. In one queue the replica that comes
    # back helps with the backlog; who came 16.67 s into the fault waits longest, for 3.33 s.
    document = {
        "name": "farm",
        "rate": "60 rps",
        "requests": {"ask": {"entry": "web"}},
        "components": {
            "web": {
                "kind": "service",
                "replicas": 4,
                "queue_at": queue_at,
                "steps": [{"work": "60ms"}],
            }
        },
        "faults": {"all": [{**SPAN, "target": "web", "capacity": "25%"}]},
    }
    design = Topology.model_validate(document)
    experiment = Experiment(
        design, Constant(), HORIZON_S, faults=tuple(design.faults["all"]), seed=1
    )
    recording = run_replication(experiment, 0)
    assert recording.requests["latency"].max() == pytest.approx(longest_s + 0.06, abs=0.05)
    before = recording.requests["latency"][during(recording, 0.0, 20.0)]
    assert before.max() == pytest.approx(0.06)


def test_a_rolling_restart_gets_round_to_every_replica() -> None:
    parts: dict[str, Any] = {
        "web": {"kind": "service", "replicas": 4, "queue_at": "replica", "steps": [{"work": "1ms"}]}
    }
    restart = {"at": "10s", "target": "web", "rolling_restart": {"each": "5s"}}
    design = Topology.model_validate({**CHAIN, "components": parts, "faults": {"all": [restart]}})
    simulation = compile_simulation(design, Steady(), seed=1, faults=design.faults["all"])
    simulation.run(HORIZON_S, Experiment(design, Steady(), HORIZON_S).budget)
    farm: Any = simulation.site.servers["web"]
    # One after the other, back 5 s after it left.
    back = [replica.joined_at for replica in farm.farm.replicas]
    assert back == pytest.approx([15.0, 20.0, 25.0, 30.0])
    assert len(farm.farm.usable) == 4


def test_components_that_no_fault_names_have_no_gate_and_no_pace() -> None:
    design = chain({**SPAN, "target": "db", "down": True}, {**SPAN, "target": "db", "slow": "2x"})
    site = compile_simulation(design, Steady(), seed=1, faults=design.faults["all"]).site
    assert set(site.gates) == set(site.paces) == {"db"}
    assert not compile_simulation(design, Steady(), seed=1).site.gates


def test_repeated_failures_have_the_means_asked_for() -> None:
    design = chain({"mtbf": "10s", "mttr": "2s", "target": "db", "down": True})
    experiment = Experiment(design, Steady(), 6000.0, faults=tuple(design.faults["all"]))
    simulation = compile_simulation(design, Steady(), seed=1, faults=experiment.faults)
    simulation.schedule.start(simulation.site, 6000.0)
    windows = simulation.schedule.windows
    lengths = [window["end"] - window["begin"] for window in windows]
    # About 500 windows: five standard deviations of the mean of as many exponentials is 22 %.
    assert len(windows) == pytest.approx(500, rel=0.22)
    assert np.mean(lengths) == pytest.approx(2.0, rel=0.25)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"at": "1s", "target": "db"}, "needs one key"),
        ({"at": "1s", "target": "db", "dwn": True}, "unknown effect `dwn`"),
        ({"at": "1s", "target": "db", "down": True, "slow": "2x"}, "one key"),
        ({"target": "db", "down": True}, "either `at` or `mtbf`"),
        ({"mtbf": "1s", "target": "db", "down": True}, "`mtbf` needs `mttr`"),
        ({"at": "1s", "down": True}, "needs a `target`"),
        ({"at": "1s", "target": "db", "spike": "3x"}, "strikes no single component"),
        ({"at": "1s", "target": "db", "slow": "-3x"}, "greater than 0"),
        ({"at": "1s", "target": "db", "flush": False}, "Input should be True"),
    ],
)
def test_contradictions_are_refused(fault: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        chain(fault)


def test_faults_after_the_end_and_unknown_scenarios_are_refused() -> None:
    design = chain({"at": "2h", "target": "db", "down": True})
    faults = find_faults(design, "all")
    assert find_faults(design, None) == find_faults(design, "none") == ()
    with pytest.raises(DocumentError) as refused:
        check_times(faults, HORIZON_S, "all")
    (finding,) = refused.value.diagnostics.errors
    assert finding.code == "E118"
    assert "not before the end of the run" in finding.message
    with pytest.raises(DocumentError):
        find_faults(design, "al")


def test_a_bare_list_of_faults_is_told_the_key_it_needs(tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text("- {at: 60s, for: 20s, target: db, down: true}\n", encoding="utf-8")
    design = chain({"at": "2h", "target": "db", "down": True})
    with pytest.raises(DocumentError) as refused:
        find_faults(design, str(path))
    (finding,) = refused.value.diagnostics.errors
    assert "under a key: `faults:" in finding.hint


@pytest.mark.parametrize(
    ("effect", "words"),
    [
        ({"flush": True}, "keeps nothing in memory"),
        ({"primary_lost": True}, "has no primary"),
        ({"replica": {"number": 1, "down": True}}, "no replicas that a balancer could tell apart"),
    ],
)
def test_faults_that_could_do_nothing_are_refused(effect: dict[str, Any], words: str) -> None:
    design = chain({"at": "1s", "target": "web", **effect})
    ((_, message, _),) = misdirected(design.faults["all"][0], design.components)
    assert words in message


@pytest.mark.parametrize("effect", [{"capacity": "50%"}, {"spot_wave": "50%"}])
def test_there_have_to_be_servers_to_lose(effect: dict[str, Any]) -> None:
    parts = {**CHAIN["components"], "db": {"kind": "delay", "latency": "1ms"}}
    fault = {"at": "1s", "target": "db", **effect}
    design = Topology.model_validate({**CHAIN, "components": parts, "faults": {"all": [fault]}})
    ((_, message, _),) = misdirected(design.faults["all"][0], design.components)
    assert "no servers to lose" in message


def test_several_parts_lose_what_is_theirs() -> None:
    part = {"kind": "service", "steps": [{"wait": "1ms"}]}
    lost = {"at": "10%", "for": "10%", "target": ["web", "db"], "capacity": "20%"}
    topology = Topology.model_validate(
        {
            "name": "pair",
            "rate": "1 rps",
            "requests": {"all": {"entry": "web"}},
            "components": {"web": {**part, "steps": [{"call": "db"}]}, "db": part},
            "faults": {"both": [lost], "one": [{**lost, "target": "db"}]},
        }
    )
    assert topology.faults["both"][0].sentence == "web and db lose 20% of their capacity"
    assert topology.faults["one"][0].sentence == "db loses 20% of its capacity"


PARTS: dict[str, dict[str, Any]] = {
    "service": {"kind": "service", "workers": 8, "steps": [{"work": "1ms"}]},
    "queue": {"kind": "queue", "consumers": 8, "steps": [{"work": "1ms"}]},
    "stream": {
        "kind": "stream",
        "tasks": 8,
        "restart": "1s",
        "checkpoint_every": "9s",
        "checkpoint_pause": "2s",
        "steps": [{"work": "1ms"}],
    },
}
HALF_LOST, ALL_LOST, DOWN = {"capacity": "50%"}, {"capacity": "100%"}, {"down": True}


@pytest.mark.parametrize(
    ("part", "first", "second", "servers"),
    # The first lasts from 10 s to 30 s, the second from 20 s to 40 s; seen at 15, 25, 35, 43 s.
    [
        ("service", HALF_LOST, HALF_LOST, [4, 2, 4, 8]),
        ("service", HALF_LOST, ALL_LOST, [4, 0, 0, 8]),
        ("service", ALL_LOST, HALF_LOST, [0, 0, 4, 8]),
        ("queue", DOWN, ALL_LOST, [0, 0, 0, 8]),
        ("queue", DOWN, DOWN, [0, 0, 0, 8]),
        # The first begins within the pause for a checkpoint, whose end brings nobody back.
        ("stream", DOWN, DOWN, [0, 0, 0, 8]),
        ("stream", HALF_LOST, DOWN, [4, 0, 0, 8]),
    ],
)
def test_faults_that_overlap_lose_and_return_what_each_took(
    part: str, first: dict[str, Any], second: dict[str, Any], servers: list[int]
) -> None:
    faults = [
        {"at": "10s", "for": "20s", "target": "part", **first},
        {"at": "20s", "for": "20s", "target": "part", **second},
    ]
    design = Topology.model_validate(
        {
            "name": "overlap",
            "rate": "10 rps",
            "requests": {"all": {"entry": "part"}},
            "components": {"part": PARTS[part]},
            "faults": {"both": faults},
        }
    )
    struck = tuple(design.faults["both"])
    recording = run_replication(Experiment(design, Constant(), 50.0, faults=struck), 0)
    seen = np.searchsorted(recording.times, [15.0, 25.0, 35.0, 43.0])
    assert recording.meters["part"]["servers"][seen].tolist() == servers
    assert recording.in_flight == 0


def struck(faults: list[dict[str, Any]], rate: float, **fields: Any) -> Recording:
    """Two replicas of a service whose work takes 100 ms, the first of which faults strike."""
    service = {"kind": "service", "replicas": 2, "queue_at": "replica", **fields}
    design = Topology.model_validate(
        {
            "name": "struck",
            "rate": f"{rate} rps",
            "requests": {"all": {"entry": "part"}},
            "components": {"part": {**service, "steps": [{"work": "100ms"}]}},
            "faults": {"all": [{"target": "part", **fault} for fault in faults]},
        }
    )
    experiment = Experiment(design, Constant(), 60.0, faults=tuple(design.faults["all"]))
    return run_replication(experiment, 0)


def test_a_slow_replica_is_slow_with_a_thread_per_request_too() -> None:
    slow = {"at": "0s", "for": "60s", "replica": {"slow": "10x"}}
    for blocking in (False, True):
        latency = struck([slow], 10.0, workers=100, blocking=blocking).requests["latency"]
        assert np.unique(np.round(latency, 6)).tolist() == [0.1, 1.0]


def test_a_replica_is_struck_until_the_last_of_its_faults_is_over() -> None:
    slow = {"at": "10s", "for": "40s", "replica": {"slow": "10x"}}
    failing = {"at": "20s", "for": "10s", "replica": {"errors": "100%", "slow": "3x"}}
    recording = struck([slow, failing], 10.0, workers=100)
    slowest = [
        float(recording.requests["latency"][during(recording, begin, begin + 8.0)].max())
        for begin in (1.0, 11.0, 31.0, 51.0)
    ]
    assert slowest == pytest.approx([0.1, 1.0, 1.0, 0.1])
    assert good(recording, during(recording, 21.0, 29.0)) == pytest.approx(0.5)
    assert good(recording, during(recording, 31.0, 60.0)) == 1.0


def test_what_waits_at_a_replica_when_it_gets_well_is_served_at_full_pace() -> None:
    slow = {"at": "20s", "for": "20s", "replica": {"slow": "10x"}}
    recording = struck([slow], 10.0)
    # 5 a second come to it and 1 is served: 80 wait at 40 s, then 10 a second are served.
    done = recording.requests["arrived"] + recording.requests["latency"]
    late = recording.requests["latency"] > 0.15
    assert float(done[late].max()) == pytest.approx(56.0, abs=0.5)
