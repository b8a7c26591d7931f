"""A fault alone makes no design unstable; a backlog that still grows after it does."""

from typing import Any

import pytest

from simulator.engine.replicate import Experiment, run_replication
from simulator.metrics.calm import calm_part
from simulator.metrics.summary import Findings, Question, settle
from simulator.topology.model import Topology
from simulator.workload.arrivals.steady import Steady

HORIZON_S = 400.0


def found(*faults: dict[str, Any], rate: float = 50.0, call: Any = "store") -> Findings:
    """Four replications of a client before a store that carries 80 requests/s."""
    design = Topology.model_validate(
        {
            "name": "design",
            "rate": f"{rate} rps",
            "requests": {"ask": {"entry": "client"}},
            "components": {
                "client": {"kind": "service", "workers": 500, "steps": [{"call": call}]},
                "store": {
                    "kind": "service",
                    "workers": 8,
                    "steps": [{"work": {"exponential": "100ms"}}],
                },
            },
            "faults": {"all": list(faults)},
        }
    )
    chosen = tuple(design.faults["all"])
    experiment = Experiment(design, Steady(), HORIZON_S, seed=3, faults=chosen)
    return settle([run_replication(experiment, number) for number in range(4)], Question())


def stable(findings: Findings) -> bool:
    return findings.stability.stable and not findings.unstable


def test_growth_during_a_fault_is_no_instability() -> None:
    # Half of the workers carry 40 of 50 requests/s: the queue grows for as long as the fault
    # lasts, drains by 30/s afterwards, and is empty when the calm part begins.
    halved = {"at": "100s", "for": "60s", "target": "store", "capacity": "50%"}
    findings = found(halved)
    assert stable(findings)
    assert findings.calm.begin_s == pytest.approx(160.0 + 0.25 * 240.0)
    assert findings.calm.since_fault_s == pytest.approx(240.0)


def test_growth_during_a_fault_to_the_end_is_no_instability_either() -> None:
    findings = found({"at": "200s", "target": "store", "capacity": "50%"})
    assert stable(findings)
    # The warm-up rule cuts up to the fault, so a quarter of what is before is left out instead.
    assert (findings.calm.begin_s, findings.calm.end_s) == (50.0, 200.0)


def test_a_backlog_that_still_grows_after_the_fault_is() -> None:
    # Calls are given up after a second and tried four times, and the store does all the work
    # nevertheless: once it is behind, it is asked for up to 200 requests/s and never recovers.
    call = {"to": "store", "timeout": "10s", "per_try_timeout": "1s", "max_attempts": 4,
            "backoff": {"none": {}}}  # fmt: skip
    assert stable(found(call=call))
    stuck = found({"at": "100s", "for": "60s", "target": "store", "capacity": "75%"}, call=call)
    assert not stable(stuck)
    assert "store" in stuck.unstable
    assert stuck.calm.since_fault_s == pytest.approx(240.0)


def test_an_overload_before_the_fault_is_seen() -> None:
    late = {"at": "350s", "target": "store", "slow": "2x"}
    assert not stable(found(late, rate=90.0))


def test_the_calm_part() -> None:
    def part(*bands: tuple[float, float]) -> tuple[float, float]:
        calm = calm_part([{"from_s": one, "to_s": two} for one, two in bands], 5.0, 100.0)
        return calm.begin_s, calm.end_s

    assert part() == (5.0, 100.0)
    assert part((20.0, 40.0)) == (55.0, 100.0)
    assert part((20.0, 30.0), (50.0, 60.0)) == (70.0, 100.0)
    # Too little is left: what was before counts, unless that is too short as well.
    assert part((50.0, 95.0)) == (5.0, 50.0)
    assert part((10.0, 95.0)) == (5.0, 5.0)
    assert part((4.0, 95.0)) == (1.0, 1.0)
