"""A backlog fails the latency of those who wait in it, and of nobody else."""

from typing import Any

import pytest

from simulator.present.terminal import summary_lines
from simulator.studies.run import RunOptions, run
from simulator.topology.model import Topology

BUSY = {"work": {"exponential": "20ms"}}
PATHS: dict[str, Any] = {
    # Offered 1.33 of what it can do, by those who wait for it, or behind an answer.
    "in_front": [BUSY, {"call": "slow"}],
    "behind": [BUSY, {"call": "mails"}],
    "after_the_answer": [BUSY, {"respond": {}}, {"call": "slow"}],
}


def measured(way: str) -> Any:
    topology = Topology.model_validate(
        {
            "name": "design",
            "rate": "20 rps",
            "requests": {"read": {"entry": "reader"}, "write": {"entry": "writer"}},
            "objectives": {f"{name}latency": ["p(99)<500ms"] for name in ("", "read.", "write.")},
            "components": {
                "reader": {"kind": "service", "replicas": 2, "steps": [BUSY]},
                "writer": {"kind": "service", "replicas": 2, "steps": PATHS[way]},
                "mails": {"kind": "broker", "steps": [{"call": "slow"}]},
                "slow": {"kind": "service", "steps": [{"work": "133ms"}]},
            },
        }
    )
    return run(topology, RunOptions(duration_s=600.0, replications=4, jobs=1)).document


@pytest.mark.parametrize(
    ("way", "delayed"), [("in_front", ["write"]), ("behind", []), ("after_the_answer", [])]
)
def test_only_those_who_wait_are_delayed(way: str, delayed: list[str]) -> None:
    document = measured(way)
    assert document["verdict"]["status"] == "unstable"
    assert document["delayed"] == delayed
    found = {row["metric"]: row["status"] for row in document["objectives"]}
    told = "fail" if delayed else "pass"
    assert found == {"latency": told, "read.latency": "pass", "write.latency": told}
    lines = [text for _, text in summary_lines(document, [], [])]
    assert sum("no steady state" in line for line in lines) == 2 * len(delayed)
    assert sum("read...." in line for line in lines) == 1
