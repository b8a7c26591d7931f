"""Where further tries go and when: other replicas, and pushback from the callee."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from simulator.engine.compile import compile_simulation
from simulator.engine.replicate import Experiment, run_replication
from simulator.policies.calling import Calling
from simulator.recording.recording import Recording
from simulator.topology.model import Topology
from simulator.topology.reading import load_topology
from simulator.workload.arrivals.constant import Constant

REPLICAS = 4


def run(
    policies: dict[str, Any],
    leaf: dict[str, Any],
    faults: tuple[dict[str, Any], ...] = (),
    *,
    calls: int = 1,
    rate: float = 100.0,
    horizon_s: float = 100.0,
    attributes: dict[str, Any] | None = None,
) -> Recording:
    """A client that makes so many calls of one leaf at once."""
    call = {"call": {"to": "leaf", **policies}}
    step = call if calls == 1 else {"parallel": [call] * calls}
    design = Topology.model_validate(
        {
            "name": "small",
            "rate": f"{rate} rps",
            "requests": {"request": {"entry": "client", "attributes": attributes or {}}},
            "components": {
                "client": {"kind": "service", "workers": 1000, "steps": [step]},
                "leaf": {"kind": "service", **leaf},
            },
            "faults": {"all": list(faults)},
        }
    )
    experiment = Experiment(
        design, Constant(), horizon_s, seed=7, faults=tuple(design.faults["all"])
    )
    return run_replication(experiment, 0)


def failed(recording: Recording) -> float:
    outcomes = Counter(recording.outcomes[code] for code in recording.requests["outcome"].tolist())
    return 1.0 - outcomes["ok"] / outcomes.total()


def farm(**fields: Any) -> dict[str, Any]:
    return {
        "replicas": REPLICAS,
        "workers": 1000,
        "queue_at": "replica",
        "balancing": "random",
        "steps": [{"work": "10ms"}],
        **fields,
    }


def broken(*numbers: int, **what: Any) -> tuple[dict[str, Any], ...]:
    return tuple(
        {"at": "0s", "target": "leaf", "replica": {"number": number, **what}} for number in numbers
    )


def test_retries_go_elsewhere_if_told() -> None:
    # Two of four replicas are down; a call fails if both of its tries meet one of them: 1/2 * 1/2
    # by chance, 1/2 * 1/3 without repetition. Six standard deviations: one alarm in 5e8 runs.
    retries = {"max_attempts": 2, "backoff": {"none": {}}}
    down = broken(0, 1, down=True)
    for target, expected in (("any", 1 / 4), ("different_replica", 1 / 6)):
        recording = run({**retries, "retry_target": target}, farm(), down)
        deviation = (expected * (1 - expected) / 10_000) ** 0.5
        assert failed(recording) == pytest.approx(expected, abs=6 * deviation)
    # As many tries as broken replicas and one more always find a good one.
    thrice = {**retries, "max_attempts": 3, "retry_target": "different_replica"}
    assert failed(run(thrice, farm(), down)) == 0.0


def test_a_hash_that_names_the_same_replica_again_gives_way() -> None:
    retries: dict[str, Any] = {"max_attempts": 2, "backoff": {"none": {}}}
    leaf = farm(balancing={"ring_hash": {"key": "user"}})
    retries["retry_target"] = "different_replica"
    users = {"user": {"zipf": {"items": 100, "exponent": 1.0}}}
    found = run(retries, leaf, broken(0, down=True), horizon_s=50.0, attributes=users)
    assert found.meters["client"]["leaf.retries_total"][-1] > 100
    assert failed(found) == 0.0


def test_a_hedge_to_another_replica_never_waits_for_the_same_slow_one() -> None:
    # One replica of two takes 1 s instead of 10 ms. A copy after 50 ms lands there again half of
    # the time if it may, never if it may not: 60 ms is then the worst.
    slow = broken(0, slow="100x")
    worst = {}
    for target in ("any", "different_replica"):
        recording = run({"hedge": {"delay": "50ms", "target": target}}, farm(replicas=2), slow)
        worst[target] = float(recording.requests["latency"].max())
    assert worst["any"] == pytest.approx(1.0)
    assert worst["different_replica"] == pytest.approx(0.06)


def test_a_callee_says_when_to_try_again() -> None:
    # One place inside, held for 1 s. The second call is refused at 0 s and at 0.7 s, as it was
    # told to come back after 0.7 s, and admitted at 1.4 s; its own pause would have been 0.1 s.
    policies = {"max_attempts": 5, "backoff": {"constant": "100ms"}, "heed_pushback": True}
    leaf = {
        "workers": 9,
        "steps": [{"work": "1s"}],
        "admission": {"limit": {"fixed": 1}, "pushback": "700ms"},
    }
    heeding = run(policies, leaf, calls=2, rate=0.1)
    assert heeding.requests["latency"].tolist() == pytest.approx(
        [2.4] * len(heeding.requests["latency"])
    )
    deaf = run({**policies, "max_attempts": 20, "heed_pushback": False}, leaf, calls=2, rate=0.1)
    # Tries every 0.1 s until the place is free at 1 s.
    assert float(deaf.requests["latency"].max()) == pytest.approx(2.0, abs=0.1 + 1e-9)


def test_a_callee_may_forbid_further_tries() -> None:
    policies = {"max_attempts": 5, "backoff": {"constant": "100ms"}, "heed_pushback": True}
    admission = {"limit": {"fixed": 1}, "pushback": "never"}
    leaf = {"workers": 9, "steps": [{"work": "1s"}], "admission": admission}
    recording = run(policies, leaf, calls=2, rate=0.1)
    assert recording.meters["client"]["leaf.retries_total"][-1] == 0
    assert failed(recording) == 1.0


def test_a_hedge_goes_to_another_gpu() -> None:
    # Three engines, a pass takes 2 s: the copies of 0, 0.1 and 0.2 s choose among those that no
    # copy has been sent to.
    document = {
        "name": "small",
        "rate": "0.1 rps",
        "requests": {
            "request": {
                "entry": "gpus",
                "hedge": {"delay": "100ms", "max_attempts": 3, "target": "different_replica"},
            }
        },
        "components": {
            "gpus": {
                "kind": "gpu_pool",
                "gpu": "l4",
                "replicas": 3,
                "router": "round_robin",
                "batching": "single",
                "pass_time": {"fixed": "2s"},
            }
        },
    }
    design = Topology.model_validate(document)
    simulation = compile_simulation(design, Constant(), seed=1)
    pool: Any = simulation.site.servers["gpus"]
    offered: list[int] = []
    choose = pool.pool.router.choose

    def watched(job: Any, engines: Any) -> int:
        offered.append(len(engines))
        return int(choose(job, engines))

    pool.pool.router.choose = watched
    simulation.run(10.5, Experiment(design, Constant(), 10.5).budget)
    assert offered == [3, 2, 1]


GPUS = "kind: gpu_pool, gpu: h100, batching: continuous, model: llama-3-8b"


@pytest.mark.parametrize(
    ("leaf", "way_out"),
    [
        ("kind: service, replicas: 4, steps: [{work: 1ms}]", "set `queue_at: replica`"),
        ("kind: service, replicas: 4, steps: [{work: 1ms}], queue_at: replica", None),
        (GPUS, "set more than one replica"),
        (f"{GPUS}, replicas: 4", None),
        (
            f"{GPUS}, replicas: 4, disaggregated: {{prefill: 2, bandwidth: 50GB/s}}",
            "or `disaggregated`",
        ),
        ("kind: database, connections: 2, query: 1ms", "leave `different_replica` out"),
    ],
)
def test_a_try_that_cannot_go_elsewhere_is_warned_of(
    tmp_path: Path, leaf: str, way_out: str | None
) -> None:
    """With a way out that its kind has."""
    text = f"""
name: small
rate: 1 rps
requests: {{request: {{entry: client}}}}
components:
  client:
    kind: service
    steps: [{{call: {{to: leaf, max_attempts: 2, retry_target: different_replica}}}}]
  leaf: {{{leaf}}}
"""
    path = tmp_path / "small.yaml"
    path.write_text(text, encoding="utf-8")
    found = load_topology(path).diagnostics.warnings
    assert [one.code for one in found] == ["W203"] * (way_out is not None)
    assert all(way_out in one.hint for one in found if way_out is not None)


@pytest.mark.parametrize("field", [{"retry_target": "different_replica"}, {"heed_pushback": True}])
def test_they_need_a_further_try(field: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="no effect with a single try"):
        Calling.model_validate(field)
