"""The warm-up of a run with a fault: what the fault does is measured, not cut away."""

from simulator.engine.replicate import Experiment, run_replication
from simulator.metrics.summary import Question, settle
from simulator.metrics.window import Window
from simulator.topology.model import Topology
from simulator.workload.arrivals.steady import Steady

DESIGN = Topology.model_validate(
    {
        "name": "design",
        "rate": "50 rps",
        "requests": {"ask": {"entry": "cache"}},
        "components": {
            "cache": {"kind": "cache", "lookup": "1ms", "hit_ratio": "50%",
                      "on_miss": [{"call": "store"}]},
            "store": {"kind": "delay", "latency": {"exponential": "100ms"}},
        },
        "faults": {"lost": [{"at": "30%", "for": "15%", "target": "store", "slow": "8x"}]},
    }
)  # fmt: skip


def windows(*, faults: bool) -> list[Window]:
    chosen = tuple(DESIGN.faults["lost"]) if faults else ()
    experiment = Experiment(DESIGN, Steady(), 100.0, seed=7, faults=chosen)
    recordings = [run_replication(experiment, number) for number in range(4)]
    return settle(recordings, Question()).windows


def test_a_fault_is_not_taken_for_a_warm_up() -> None:
    broken = windows(faults=True)
    # Without a limit the cut falls behind the fault, where the rest looks calmest.
    assert {window.cut_s for window in broken} == {30.0}
    assert max(float(window.requests["latency"].max()) for window in broken) > 2.0


def test_without_a_fault_the_warm_up_is_short() -> None:
    assert {window.cut_s for window in windows(faults=False)} == {5.0}
