"""How far the news of a cancelled call travels into an engine that keeps a queue of its own."""

from typing import Any

import pytest

from simulator.engine.replicate import Experiment, run_replication
from simulator.topology.model import Topology
from simulator.workload.arrivals.constant import Constant

ONE_PASS: dict[str, Any] = {"batching": "single", "pass_time": {"fixed": "4s"}}
# One sequence at a time: whoever comes second waits for the first.
TOKENS: dict[str, Any] = {"model": "llama-3.2-3b", "max_num_seqs": 1}


@pytest.mark.parametrize("engine", [ONE_PASS, TOKENS])
@pytest.mark.parametrize(
    ("cancel", "served", "left"), [("none", 2, 0), ("in_queue", 1, 1), ("in_service", 0, 2)]
)
def test_waiting_requests_leave_and_running_ones_stay(
    engine: dict[str, Any], cancel: str, served: int, left: int
) -> None:
    # Two calls at once of a pool that serves one at a time, both given up after half a second:
    # the first is being served then, the second waits. (A pass that has begun runs to its end,
    # but nobody gets its answer.)
    call = {"call": {"to": "gpus", "timeout": "500ms", "cancel_on_timeout": cancel,
                     "optional": True}}  # fmt: skip
    design = Topology.model_validate(
        {
            "name": "design",
            "rate": "0.01 rps",
            "requests": {
                "ask": {
                    "entry": "client",
                    "attributes": {"input_tokens": 500, "output_tokens": 400},
                }
            },
            "components": {
                "client": {"kind": "service", "workers": 9, "steps": [{"parallel": [call, call]}]},
                "gpus": {"kind": "gpu_pool", "gpu": "l4", **engine},
            },
        }
    )
    recording = run_replication(Experiment(design, Constant(), 380.0, seed=1), 0)
    requests = len(recording.requests["index"])
    assert requests == 3
    meters = recording.meters["gpus"]
    found = [meters[name][-1] for name in ("served_total", "left_total")]
    assert found == [requests * served, requests * left]
    assert meters["queue"][-1] == meters["busy"][-1] == 0
