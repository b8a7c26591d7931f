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
