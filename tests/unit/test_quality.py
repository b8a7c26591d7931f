"""Quality is that of the classes which a design marks, alone and against another design."""

from typing import Any

import pytest

from simulator.engine.replicate import Experiment, run_replication
from simulator.metrics.estimates import difference, estimates_by_cut, table_at
from simulator.metrics.quality import with_same_classes
from simulator.metrics.summary import Question, metrics_document
from simulator.metrics.window import Window
from simulator.recording.recording import Recording
from simulator.topology.model import Topology
from simulator.workload.arrivals.steady import Steady


def recorded(search: list[Any], change: list[Any]) -> list[Recording]:
    """Three replications of a design with two classes, each with a component of its own."""
    parts = {"index": [{"wait": "1ms"}, *search], "log": [{"wait": "1ms"}, *change]}
    design = Topology.model_validate(
        {
            "name": "design",
            "rate": "50 rps",
            "requests": {
                "search": {"entry": "index", "share": 1},
                "change": {"entry": "log", "share": 3},
            },
            "components": {
                name: {"kind": "service", "workers": 50, "steps": steps}
                for name, steps in parts.items()
            },
        }
    )
    experiment = Experiment(design, Steady(), 20.0, seed=3)
    return [run_replication(experiment, number) for number in range(3)]


def quality(recordings: list[Recording], kind: int | None = None) -> Any:
    windows = [Window(recording, 0.0) for recording in recordings]
    return metrics_document(windows, Question(), kind)["quality"]


MARKED = [{"mark": "80%"}]


def test_classes_that_nobody_marks_do_not_count() -> None:
    found = recorded(MARKED, [])
    assert quality(found)["value"] == pytest.approx(0.8)
    assert [quality(found, kind)["value"] for kind in (0, 1)] == pytest.approx([0.8, 1.0])
    assert quality(recorded([], []))["value"] == 1.0


def test_failures_of_the_marked_class_leave_no_quality() -> None:
    assert quality(recorded([*MARKED, {"fail": "error"}], [])) is None


def test_designs_are_compared_over_what_either_marks() -> None:
    tables = [
        table_at(estimates_by_cut(found, {}), 0.0)
        for found in (recorded(MARKED, []), recorded(MARKED, [{"mark": "50%"}]))
    ]
    before, after = with_same_classes(tables)
    # The same arrivals: three changes, now worth half, beside one search.
    answers = tables[0]["quality"]["answers"]
    searches, changes = (sum(count for count, _ in answers[name]) for name in ("search", "change"))
    drop = 0.5 * changes / (searches + changes)
    found = difference(before["quality"], after["quality"])
    assert found.value == pytest.approx(-drop)
    assert found.high < 0.0
    assert before["quality"]["pooled"] > tables[0]["quality"]["pooled"] == pytest.approx(0.8)
    assert with_same_classes(tables[:1]) == tables[:1]
