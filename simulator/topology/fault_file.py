"""Which faults a run has: a scenario of the topology, a file of its own, or none."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

import simulator.faults  # noqa: F401  (registers the effects)
from simulator.kernel.component import Component
from simulator.kernel.fault import Fault
from simulator.kernel.references import TargetName, references
from simulator.kernel.spec import Spec
from simulator.quantities.refusal import nearest
from simulator.topology.diagnostics import Diagnostic, Diagnostics, DocumentError
from simulator.topology.model import Topology
from simulator.topology.source import read_source
from simulator.topology.validation import from_validation_error

NO_FAULTS = "none"


class FaultFile(Spec):
    """Faults as a file of their own: `faults: [{at: 60s, for: 120s, target: db, down: true}]`."""

    name: str | None = None
    """Name of the scenario."""
    summary: str | None = None
    """What happens and why."""
    faults: list[Fault] = Field(min_length=1)
    """What goes wrong."""


def find_faults(topology: Topology, word: str | None) -> tuple[Fault, ...]:
    """The faults that a word means: a scenario of the topology, a file, or none of them.

    Raises DocumentError if there is no such scenario, or with every mistake in the file.
    """
    if word is None or word == NO_FAULTS:
        return ()
    if word in topology.faults:
        return tuple(topology.faults[word])
    if not Path(word).exists() and not word.endswith((".yaml", ".yml")):
        close = nearest(word, topology.faults)
        known = ", ".join(sorted(topology.faults)) or "the topology has none; give a file"
        hint = f"did you mean `{close}`?" if close else f"known: {known}"
        raise _error("E115", f"there is no fault scenario `{word}`", hint, word)
    source, diagnostics = read_source(Path(word))
    if source is None:
        raise DocumentError(diagnostics)
    if isinstance(source.data, list):
        hint = "put the list under a key: `faults: [{at: 60s, for: 120s, target: db, down: true}]`"
        message = "a file of faults is a mapping, and this is a list"
        span = source.key_span(())
        diagnostics.add(Diagnostic("E106", message, source.file, span, hint))
        raise DocumentError(diagnostics)
    try:
        found = FaultFile.model_validate(source.data)
    except ValidationError as error:
        diagnostics.extend(from_validation_error(error, source))
        raise DocumentError(diagnostics) from None
    for number, fault in enumerate(found.faults):
        for _, message, hint in misdirected(fault, topology.components):
            span = source.key_span(source.nearest(("faults", number)))
            diagnostics.add(Diagnostic("E118", message, source.file, span, hint))
    if diagnostics.errors:
        raise DocumentError(diagnostics)
    return tuple(found.faults)


def read_faults(documents: Sequence[Mapping[str, Any]]) -> tuple[Fault, ...]:
    """Faults as a document has them, made by a program: raises ValidationError."""
    return tuple(Fault.model_validate(document) for document in documents)


def check_times(faults: tuple[Fault, ...], horizon_s: float, word: str) -> None:
    """Refuse faults that begin after the end of the run; raises DocumentError."""
    diagnostics = Diagnostics()
    for fault in faults:
        if fault.at is not None and fault.at.seconds(horizon_s) >= horizon_s:
            message = (
                f"`at: {fault.at}` is not before the end of the run, which is "
                f"{horizon_s:.6g}s long: {fault.sentence}"
            )
            hint = "give a share of the run such as `at: 40%`, or a longer --duration"
            diagnostics.add(Diagnostic("E118", message, word, None, hint))
    if diagnostics.errors:
        raise DocumentError(diagnostics)


def misdirected(
    fault: Fault, components: Mapping[str, Component]
) -> Iterator[tuple[str, str, str]]:
    """Targets that do not exist or have nothing to lose: the target, a message and a hint."""
    for _, name in references(fault):
        if isinstance(name, TargetName) and name not in components:
            close = nearest(name, components)
            hint = f"did you mean `{close}`?" if close else f"known: {', '.join(components)}"
            yield name, f"`{name}` is not a component", hint
    for name in fault.targets:
        component = components.get(name)
        misfit = None if component is None else fault.effect.misfit(component)
        if component is not None and misfit is not None:
            yield name, f"{component.kind} `{name}` {misfit[0]}", misfit[1]


def _error(code: str, message: str, hint: str, file: str) -> DocumentError:
    diagnostics = Diagnostics()
    diagnostics.add(Diagnostic(code, message, file, None, hint))
    return DocumentError(diagnostics)
