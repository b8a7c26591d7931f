"""What a run with faults says about before, during and after them."""

from dataclasses import replace
from typing import Any

import pytest

from simulator.metrics.fault_phases import fault_bands, fault_phases
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
    # A request that arrived just before may meet the fault.
    assert row["before"]["availability"] > 0.998 and row["after"]["availability"] == 1.0
    assert row["recovery_s"] == 0.0
    shown = [text for _, text in fault_lines([row])]
    assert shown[0].strip() == "50% of the calls of hints fail, from 20s to 30s"
    assert shown[-1].strip() == "back to normal as soon as it ends"


def test_a_fault_to_the_end_has_no_recovery() -> None:
    (row,) = result("to_the_end").document["faults"]
    assert row["to_s"] == 60.0 and row["after"] is None and row["recovery_s"] is None
    assert row["during"]["availability"] == 0.0 and row["during"]["p99_s"] is None
    assert "no recovery to see" in [text for _, text in fault_lines([row])][-1]


def test_faults_at_random_times_have_no_band() -> None:
    found = result("now_and_then")
    assert found.document["faults"] == []
    assert fault_bands(found.recordings) == []
    assert any(recording.manifest["faults"] for recording in found.recordings)


def test_a_run_without_faults_has_none() -> None:
    found = result("none")
    assert "faults" not in found.document
    assert fault_phases(found.recordings, 5.0) == []
