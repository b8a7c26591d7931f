"""What a run with faults says about before, during and after them."""

from dataclasses import replace
from typing import Any

import pytest

from simulator.metrics.fault_phases import fault_bands, fault_phases, recovery_sentence
from simulator.present.faults import fault_lines
from simulator.studies.run import RunOptions, RunResult, run
from simulator.topology.model import Topology

LINE: dict[str, Any] = {
    "name": "line",
    "rate": "50 rps",
    "requests": {"all": {"entry": "web"}},
    "components": {
        "web": {"kind": "service", "workers": 1, "steps": [{"work": "10ms"}, {"call": "hints"}]},
        "hints": {"kind": "delay", "latency": "1ms"},
    },
    "faults": {
        "stopped": [{"at": "20s", "for": "10s", "target": "web", "capacity": {"lost": "100%"}}],
        "failing": [{"at": "20s", "for": "10s", "target": "hints", "errors": "50%"}],
        "to_the_end": [{"at": "20s", "target": "hints", "down": True}],
        "now_and_then": [{"mtbf": "5s", "mttr": "1s", "target": "hints", "down": True}],
    },
}


def result(faults: str) -> RunResult:
    options = RunOptions(faults=faults, duration_s=60.0, replications=4, jobs=1, warmup_s=5.0)
    return run(Topology.model_validate(LINE), replace(options, seed=7))


def test_a_backlog_takes_as_long_as_a_fluid_to_drain() -> None:
    # Ten seconds at 50 a second wait; they drain at 100 - 50 a second, so in ten seconds. The
    # number of arrivals until then has a deviation of sqrt(1000), so the time one of 0.63 s in a
    # replication; 2.5 s is four of them.
    (row,) = result("stopped").document["faults"]
    assert (row["from_s"], row["to_s"]) == (20.0, 30.0)
    assert row["recovery_s"] == pytest.approx(10.0, abs=2.5)
    assert row["during"]["p50_s"] > 100 * row["before"]["p50_s"]


def test_failing_fast_is_over_at_once() -> None:
    (row,) = result("failing").document["faults"]
    # 2000 arrivals, half of which fail: a deviation of 1.1 points; five of them.
    assert row["during"]["availability"] == pytest.approx(0.5, abs=0.056)
    # A request that arrived just before and met the fault did not end before it.
    assert row["before"]["availability"] == 1.0 and row["after"]["availability"] == 1.0
    assert row["recovery_s"] == 0.0
    shown = [text for _, text in fault_lines([row])]
    assert shown[0].strip() == "50% of the calls of hints fail, from 20s to 30s"
    assert shown[-1].strip() == "back to normal as soon as it ends"
    lost = {**row, "objectives": [{"objective": "delivery", "missing_share": 0.4}]}
    said = recovery_sentence(lost, str)
    assert said == "back to normal as soon as it ends, for what comes after it"


def test_a_percentile_that_a_young_run_cannot_show_is_not_known() -> None:
    # Hints take 12 s of the 20 s before, of which at most half is found to be warm-up.
    slow = {**LINE, "components": {**LINE["components"]}}
    slow["components"]["hints"] = {"kind": "delay", "latency": "12s"}
    known = {}
    for warmup_s in (0.0, 15.0):
        options = RunOptions(
            faults="failing", duration_s=60.0, replications=2, jobs=1, warmup_s=warmup_s, seed=7
        )
        (row,) = run(Topology.model_validate(slow), options).document["faults"]
        known[warmup_s] = row["before"]["p99_s"]
    assert known[0.0] is None and known[15.0] == pytest.approx(12.0, abs=0.2)


def test_a_fault_is_not_measured_against_the_warm_up() -> None:
    # A cache that begins empty: in the first seconds every look-up misses and takes 200 ms longer.
    # 200 keys at 50 a second: after 12 s of 40 some 5 % miss, over all 40 s a tenth.
    cold = {**STORES, "faults": {"failing": [{"at": "40s", "for": "10s", "target": "origin",
                                              "errors": "1%"}]}}  # fmt: skip
    options = RunOptions(faults="failing", duration_s=80.0, replications=2, jobs=1, seed=7)
    known = {}
    for warmup_s in (0.0, 20.0):
        found = run(Topology.model_validate(cold), replace(options, warmup_s=warmup_s))
        (row,) = found.document["faults"]
        known[warmup_s] = row["before"]
    assert known[20.0]["p99_s"] < 0.1
    assert known[0.0]["p99_s"] == pytest.approx(known[20.0]["p99_s"], abs=0.2)
    assert known[0.0]["requests"] < 0.9 * 2 * 50 * 40


def test_a_fault_to_the_end_has_no_recovery() -> None:
    (row,) = result("to_the_end").document["faults"]
    assert row["to_s"] == 60.0 and row["after"] is None and row["recovery_s"] is None
    assert row["during"]["availability"] == 0.0 and row["during"]["p99_s"] is None
    assert "no recovery to see" in [text for _, text in fault_lines([row])][-1]


STORES: dict[str, Any] = {
    "name": "stores",
    "rate": "50 rps",
    "requests": {
        "all": {"entry": "web", "attributes": {"key": {"zipf": {"items": 200, "exponent": 0}}}}
    },
    "components": {
        "web": {
            "kind": "service",
            "workers": 100,
            "steps": [{"call": "cache"}, {"call": {"to": "db", "operation": "write"}}],
        },
        "cache": {
            "kind": "cache",
            "lookup": "1ms",
            "key": "key",
            "capacity": 1000,
            "on_miss": [{"call": "origin"}],
        },
        "origin": {"kind": "delay", "latency": "200ms"},
        "db": {
            "kind": "database",
            "query": "1ms",
            "read_replicas": 1,
            "failover": {"detect": "6s", "elect": "4s"},
        },
    },
    "faults": {
        "flushed": [{"at": "30s", "target": "cache", "flush": True}],
        "primary_lost": [{"at": "20s", "target": "db", "primary_lost": True}],
    },
}


def test_a_flush_is_over_at_once_and_what_follows_is_its_recovery() -> None:
    options = RunOptions(faults="flushed", duration_s=60.0, replications=2, warmup_s=15.0)
    (row,) = run(Topology.model_validate(STORES), options).document["faults"]
    assert (row["from_s"], row["to_s"]) == (30.0, 30.0)
    # Of 200 keys at 50 a second, half are back after 200 ln 2 / 50 = 2.8 s; the median is a hit
    # from then on. The rate of the hits in a second has a deviation of 7 points, and they grow
    # by 12 points a second at that time, so that two bad stretches are over within 4 s.
    assert 1.0 < row["recovery_s"] < 5.0
    assert row["during"]["p50_s"] > 0.2 and row["before"]["p50_s"] < 0.1
    shown = [text for _, text in fault_lines([row])]
    assert shown[0].strip() == "cache is flushed, at 30s"
    assert shown[-1].strip().startswith("back to normal")


def test_a_lost_primary_is_over_when_a_replica_has_taken_over() -> None:
    options = RunOptions(faults="primary_lost", duration_s=60.0, replications=2, warmup_s=5.0)
    (row,) = run(Topology.model_validate(STORES), options).document["faults"]
    assert (row["from_s"], row["to_s"]) == (20.0, 30.0)
    assert row["during"]["availability"] < 0.05
    assert row["recovery_s"] is not None and row["recovery_s"] < 1.0


def test_faults_at_random_times_have_no_band() -> None:
    found = result("now_and_then")
    assert found.document["faults"] == []
    assert fault_bands(found.recordings) == []
    assert any(recording.manifest["faults"] for recording in found.recordings)


def test_a_run_without_faults_has_none() -> None:
    found = result("none")
    assert "faults" not in found.document
    assert fault_phases(found.recordings, 5.0) == []


LETTERS: dict[str, Any] = {
    "name": "letters",
    "rate": "50 rps",
    "requests": {"send": {"entry": "desk"}},
    "components": {
        "desk": {"kind": "service", "workers": 20, "steps": [{"spawn": [{"call": "carrier"}]}]},
        "carrier": {
            "kind": "service",
            "workers": 2,
            "steps": [{"work": "20ms"}, {"record": "delivery_time"}],
        },
    },
    "objectives": {"delivery_time": ["p(99)<200ms"]},
    "faults": {
        "lost": [{"at": "20s", "for": "10s", "target": "carrier", "down": True}],
        "late": [{"at": "20s", "for": "10s", "target": "carrier", "capacity": {"lost": "100%"}}],
    },
}


@pytest.mark.parametrize("faults", ["lost", "late"])
def test_what_nobody_waits_for_is_measured_while_a_fault_lasts(faults: str) -> None:
    options = RunOptions(faults=faults, duration_s=60.0, replications=2, jobs=1, warmup_s=5.0)
    found = run(Topology.model_validate(LETTERS), replace(options, seed=7))
    (row,) = found.document["faults"]
    assert row["during"]["availability"] == 1.0
    (promised,) = row["objectives"]
    assert promised["objective"] == "delivery_time" and promised["before"] < 0.2
    if faults == "lost":
        assert promised["missing_share"] == 1.0 and promised["during"] is None
        assert row["recovery_s"] == 0.0
    else:
        # The first waits ten seconds, the last five, for 500 to drain at 100 a second; the p99 is
        # 9.95 s, with a deviation of a hundredth or two. All is as before when they have drained
        # at 100 - 50 a second, in ten seconds with a deviation of 0.6 s (see above).
        assert promised["missing_share"] == 0.0
        assert promised["during"] == pytest.approx(10.0, abs=0.5)
        assert row["recovery_s"] == pytest.approx(10.0, abs=2.5)
