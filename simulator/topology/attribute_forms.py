"""Whether attributes have the form that components need: numbers to count with, or lists."""

from collections.abc import Iterable, Iterator
from itertools import chain
from math import isnan
from typing import Any

from simulator.kernel.references import (
    CountName,
    ListName,
    TargetName,
    needed_as,
    numbers_and_lists,
    references,
)
from simulator.quantities.duration import is_duration
from simulator.topology.callers import reached_from
from simulator.topology.diagnostics import Diagnostic, Diagnostics, DocumentError
from simulator.topology.model import Topology
from simulator.topology.source import DocumentPath, Source
from simulator.topology.validation import of_rows
from simulator.workload.arrival_process import Arrivals
from simulator.workload.model import Workload


def check_forms(topology: Topology, source: Source) -> Iterator[Diagnostic]:
    """Texts that are counted with, numbers that are read as lists, and bad cells of traces."""
    named = {
        part: list(references(component, ("components", part)))
        for part, component in topology.components.items()
    }
    calls = {
        part: [str(name) for _, name in found if isinstance(name, TargetName)]
        for part, found in named.items()
    }
    every = list(chain.from_iterable(named.values()))
    numbers, lists = needed_as([name for _, name in every])
    counted = {str(name) for _, name in every if isinstance(name, CountName)}
    for path, name in every:
        if isinstance(name, ListName) and name in numbers:
            message = f"`{name}` is a number, and a list is needed here"
            yield _at(source, path, message, "name a column of a trace that holds lists")
    for name, spec in topology.requests.items():
        reached = reached_from([str(spec.entry)], calls)
        needed, _ = needed_as([item for part in reached for _, item in named[part]])
        for attribute, distribution in spec.attributes.items():
            if attribute in needed and isnan(float(getattr(distribution, "mean", 0.0))):
                message = f"`{attribute}` is a text, and components count with it"
                hint = "give numbers, for example {choice: {500: 50%, 4000: 50%}}"
                yield _at(source, ("requests", name, "attributes", attribute), message, hint)
        yield from _durations(name, counted & spec.attributes.keys(), source)
    for name, spec in topology.requests.items():
        if spec.arrivals is not None:
            yield from of_rows(spec.arrivals.problems(numbers, lists), f"read for class `{name}`")
    if isinstance(topology.run.workload, Arrivals):
        yield from of_rows(topology.run.workload.problems(numbers, lists), "read for `run`")


def _durations(name: str, counted: Iterable[str], source: Source) -> Iterator[Diagnostic]:
    """Times where components count things: `output_tokens: 2s`."""
    for attribute in sorted(counted):
        path = ("requests", name, "attributes", attribute)
        for place, text in _texts(source.found(path), path):
            if is_duration(text):
                message = f"`{attribute}` is a number of things, and `{text}` is a time"
                yield _at(source, place, message, "leave the unit out")


def _texts(value: Any, path: DocumentPath) -> Iterator[tuple[DocumentPath, str]]:
    """The texts inside a part of a document and where they stand."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _texts(str(name), path)
            yield from _texts(item, (*path, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(item, (*path, number))


def check_workload(topology: Topology, workload: Workload) -> None:
    """Refuse a workload whose recorded values this topology cannot use; raises DocumentError."""
    problems = workload.arrivals.problems(*numbers_and_lists(topology.components))
    found = of_rows(problems, f"read for workload `{workload.name}`")
    if found:
        diagnostics = Diagnostics(found[0].file)
        diagnostics.extend(found)
        raise DocumentError(diagnostics)


def _at(source: Source, path: DocumentPath, message: str, hint: str) -> Diagnostic:
    found = path if path in source.places else source.nearest(path)
    return Diagnostic("E106", message, source.file, source.value_span(found), hint)
