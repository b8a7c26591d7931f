"""Everything that has a name can be explained, and the examples of units are units."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from simulator.cli.explain import explain
from simulator.cli.units import FORMS
from simulator.metrics.catalogue import METRICS
from simulator.topology.catalogue import every_name
from simulator.topology.codes import CODES


@pytest.fixture
def explained(capsys: pytest.CaptureFixture[str]) -> Callable[[str], str]:
    """What the command says about a name."""

    def said(name: str) -> str:
        explain(name)
        return capsys.readouterr().out

    return said


@pytest.mark.parametrize("form", FORMS, ids=[name for name, *_ in FORMS])
def test_examples_of_units_can_be_read(form: tuple[str, object, tuple[str, ...], str]) -> None:
    _, read, examples, _ = form
    assert callable(read)
    for text in examples:
        read(text)


def test_every_name_has_an_explanation(explained: Callable[[str], str]) -> None:
    for name in [*every_name(), *METRICS, *CODES, "units", "p99"]:
        lines = [line for line in explained(name).splitlines() if line.strip()]
        assert len(lines) >= 2, name


def test_a_fault_a_policy_and_a_metric(explained: Callable[[str], str]) -> None:
    assert "(faults)" in explained("down")
    assert "half-open" in explained("breaker")
    assert "one of: " in explained("retry_budget")
    assert "metric" in explained("errors") and "(faults)" in explained("errors")


def test_a_mistyped_name_gets_a_suggestion() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "simulator", "explain", "latncy"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2 and "did you mean `latency`?" in done.stderr


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("database", "acquire_timeout: default 30s"),
        ("closed", "think_time: default 1s"),
        ("sessions", "turns: default 5"),
        ("delay", "external: default false"),
    ],
)
def test_a_default_is_told_as_a_document_has_it(
    explained: Callable[[str], str], kind: str, line: str
) -> None:
    assert f"    {line}\n" in explained(kind)
