"""The faults of a run: what it was like before, while they lasted, and after."""

from collections.abc import Iterator, Sequence
from typing import Any

from simulator.metrics.fault_phases import recovery_sentence
from simulator.present.numbers import percent, seconds

Document = dict[str, Any]
Line = tuple[str, str]

PHASES = ("before", "during", "after")


def fault_lines(rows: Sequence[Document]) -> Iterator[Line]:
    """The faults on a terminal: a line that names each, and a small table of its phases."""
    for row in rows:
        yield "", f"    {row['name']}, {when_of(row)}"
        yield "dim", f"      {'':<14}" + "".join(f"{phase:>11}" for phase in PHASES)
        for label, cells in (
            ("available", [availability_of(row, phase) for phase in PHASES]),
            ("p(50)", [latency_of(row, phase, "p50_s") for phase in PHASES]),
            ("p(99)", [latency_of(row, phase, "p99_s") for phase in PHASES]),
        ):
            yield "", f"      {label:<14}" + "".join(f"{cell:>11}" for cell in cells)
        yield "", f"      {recovery_sentence(row, seconds)}"


def when_of(row: Document) -> str:
    """The span of a fault in words."""
    if row["to_s"] <= row["from_s"]:
        return f"at {seconds(row['from_s'])}"
    return f"from {seconds(row['from_s'])} to {seconds(row['to_s'])}"


def availability_of(row: Document, phase: str) -> str:
    """The availability in a phase; a dash if nothing arrived."""
    return "–" if row[phase] is None else percent(row[phase]["availability"])


def latency_of(row: Document, phase: str, name: str) -> str:
    """A percentile in a phase; a dash if too few answers are good."""
    return "–" if row[phase] is None else seconds(row[phase][name])
