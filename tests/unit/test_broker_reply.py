"""Request and reply over a broker: the publisher waits for the outcome of its message."""

from typing import Any

import pytest

from simulator.studies.run import RunOptions, run
from simulator.topology.model import Topology


def metrics(**queue: Any) -> Any:
    topology = Topology.model_validate(
        {
            "name": "jobs",
            "rate": "1 rps",
            "requests": {"job": {"entry": "queue"}},
            "components": {
                "queue": {"kind": "broker", "consumers": 1000, "publish": "50ms", **queue},
                "worker": {"kind": "delay", "latency": "2s"},
            },
        }
    )
    options = RunOptions(duration_s=300.0, replications=2, jobs=1, warmup_s=0.0)
    return run(topology, options).document["metrics"]


WORK = [{"call": "worker"}, {"mark": {"quality": "90%"}}]


@pytest.mark.parametrize("visible", [{}, {"visibility_timeout": "10s", "max_receives": 2}])
def test_the_publisher_waits_and_learns_the_quality(visible: Any) -> None:
    measured = metrics(reply=True, steps=WORK, **visible)
    assert measured["latency"]["mean"]["value"] == pytest.approx(2.05)
    assert measured["quality"]["value"] == pytest.approx(0.9)


def test_without_reply_it_goes_on_at_once() -> None:
    measured = metrics(steps=WORK)
    assert measured["latency"]["mean"]["value"] == pytest.approx(0.05)


def test_a_dead_letter_is_told() -> None:
    failing = [{"call": "worker"}, {"fail": {"share": "100%"}}]
    measured = metrics(reply=True, steps=failing, max_receives=3)
    assert measured["errors"]["rate"]["value"] == 1.0
    assert set(measured["errors"]["outcomes"]) == {"dead_lettered"}


def test_a_publisher_may_push_its_own_sibling_out_of_a_full_queue() -> None:
    """Two messages of one request: the second drops the first, whose failure withdraws it."""
    design = Topology.model_validate(
        {
            "name": "siblings",
            "rate": "1 rps",
            "requests": {"job": {"entry": "front"}},
            "components": {
                "front": {
                    "kind": "service",
                    "workers": 100,
                    "steps": [{"parallel": [{"call": "queue"}] * 3}],
                },
                "queue": {
                    "kind": "broker",
                    "reply": True,
                    "publish": "5ms",
                    "capacity": 1,
                    "on_full": "drop_head",
                    "steps": [{"work": "10ms"}],
                },
            },
        }
    )
    document = run(design, RunOptions(duration_s=60.0, replications=1, jobs=1)).document
    assert set(document["metrics"]["errors"]["outcomes"]) == {"dead_lettered"}
    assert document["metrics"]["errors"]["rate"]["value"] == 1.0
