"""Two branches of one request that wait for the same fetch."""

from simulator.studies.run import RunOptions, run
from simulator.topology.model import Topology


def test_a_failed_fetch_fails_both() -> None:
    topology = Topology.model_validate(
        {
            "name": "siblings",
            "rate": "1 rps",
            "requests": {"page": {"entry": "front", "attributes": {"item": {"constant": 1}}}},
            "components": {
                "front": {
                    "kind": "service",
                    "workers": 100,
                    "steps": [{"parallel": [{"call": "store"}, {"call": "store"}]}],
                },
                "store": {
                    "kind": "cache", "lookup": "1ms", "key": "item", "coalesce": "cache",
                    "on_miss": [{"call": "source"}],
                },
                "source": {"kind": "delay", "latency": "100ms", "errors": "100%"},
            },
        }
    )  # fmt: skip
    document = run(topology, RunOptions(duration_s=60.0, replications=1, jobs=1)).document
    assert document["metrics"]["errors"]["rate"]["value"] == 1.0
