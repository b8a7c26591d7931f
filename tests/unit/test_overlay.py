"""Single values laid over a document, and the words for those that do not fit."""

from pathlib import Path

import pytest

from simulator.topology.diagnostics import DocumentError
from simulator.topology.reading import load_topology

DESIGN = """
name: desk
rate: 10 rps
requests: {ask: {entry: counter}}
components:
  counter: {kind: service, workers: 2, steps: [{work: 5ms}, {call: {to: model}}]}
  model: {kind: llm_api, first_token: 1s, per_token: 20ms}
"""


@pytest.fixture
def desk(tmp_path: Path) -> str:
    """A small document without a queue's capacity, a run and objectives."""
    path = tmp_path / "desk.yaml"
    path.write_text(DESIGN, encoding="utf-8")
    return str(path)


def test_a_setting_adds_what_the_document_does_not_write(desk: str) -> None:
    settings = ("counter.queue.capacity=3", "run.duration=30s", "objectives.errors=[rate<1%]")
    topology = load_topology(desk, None, settings).topology
    assert topology.components["counter"].queue.capacity == 3  # type: ignore[attr-defined]
    assert topology.run.duration == 30.0
    assert [line.text for line in topology.objectives["errors"]] == ["rate<1%"]


@pytest.mark.parametrize(
    ("setting", "code", "hint"),
    [
        ("counter.quee.capacity=3", "E104", "did you mean `queue`?"),
        ("counter.queue.capacty=3", "E104", "did you mean `capacity`?"),
        ("cuonter.queue.capacity=3", "E115", "did you mean `counter`?"),
        ("components.cuonter.replicas=3", "E115", "did you mean `counter`?"),
        ("rn.duration=3s", "E115", "did you mean `run`?"),
        ("faults.outage.0.at=3s", "E115", "known: none"),
        ("counter.workers.x=3", "E115", ""),
    ],
)
def test_a_setting_that_fits_nowhere_is_told_with_what_is_near(
    desk: str, setting: str, code: str, hint: str
) -> None:
    with pytest.raises(DocumentError) as raised:
        load_topology(desk, None, (setting,))
    found = [item for item in raised.value.diagnostics if item.code == code]
    assert [item.hint for item in found] == [hint]


def test_a_field_by_its_name_elsewhere_is_found_in_the_texts(tmp_path: Path) -> None:
    path = tmp_path / "desk.yaml"
    path.write_text(DESIGN.replace("first_token", "ttft").replace("per_token", "tpot"))
    with pytest.raises(DocumentError) as raised:
        load_topology(str(path))
    hints = [(item.code, item.hint) for item in raised.value.diagnostics]
    assert hints == [
        ("E104", "did you mean `first_token`?"),
        ("E104", "did you mean `per_token`?"),
    ]
