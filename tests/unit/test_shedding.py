"""A queue with a limit that is offered too much: harmless when another component takes over."""

from typing import Any

import pytest

from simulator.studies.run import RunOptions, run
from simulator.topology.model import Topology


def result(targets: list[str]) -> Any:
    drivers = {"kind": "service", "workers": 4, "blocking": True, "queue": {"capacity": 0},
               "steps": [{"respond": {}}, {"work": {"exponential": "1s"}}]}  # fmt: skip
    topology = Topology.model_validate(
        {
            "name": "two_rings",
            "rate": "8 rps",
            "requests": {"ride": {"entry": "search"}},
            "components": {
                "search": {"kind": "fallback", "targets": targets},
                "near": drivers,
                "far": {**drivers, "workers": 40},
            },
        }
    )
    return run(topology, RunOptions(duration_s=600.0, replications=4, jobs=1))


@pytest.mark.parametrize(("targets", "stable"), [(["near", "far"], True), (["near"], False)])
def test_an_overload_counts_when_requests_are_lost(targets: list[str], stable: bool) -> None:
    # `near` is offered twice what it can serve: 8 rides a second of 1 s each for 4 workers.
    assert result(targets).document["stable"] is stable


def test_no_law_is_checked_where_answers_come_before_the_end() -> None:
    document = result(["near", "far"]).document
    checked = {row["component"] for row in document["crosscheck"]}
    assert not {"near", "far"} & checked
    assert document["components"]["near"]["service"] is None
