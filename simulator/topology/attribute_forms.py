"""Whether attributes have the form that components need: numbers to count with, or lists."""

from collections.abc import Iterator
from math import isnan

from simulator.kernel.references import ListName, numbers_and_lists, references
from simulator.topology.callers import reached_from
from simulator.topology.diagnostics import Diagnostic, Diagnostics, DocumentError
from simulator.topology.model import Topology
from simulator.topology.source import DocumentPath, Source
from simulator.topology.validation import of_rows
from simulator.workload.arrival_process import Arrivals
from simulator.workload.model import Workload


def check_forms(topology: Topology, source: Source) -> Iterator[Diagnostic]:
    """Texts that are counted with, numbers that are read as lists, and bad cells of traces."""
    numbers, lists = numbers_and_lists(topology.components)
    for path, name in references(topology.components, ("components",)):
        if isinstance(name, ListName) and name in numbers:
            message = f"`{name}` is a number, and a list is needed here"
            yield _at(source, path, message, "name a column of a trace that holds lists")
    for name, spec in topology.requests.items():
        reached = reached_from(topology, [str(spec.entry)])
        needed, _ = numbers_and_lists({part: topology.components[part] for part in reached})
        for attribute, distribution in spec.attributes.items():
            if attribute in needed and isnan(float(getattr(distribution, "mean", 0.0))):
                message = f"`{attribute}` is a text, and components count with it"
                hint = "give numbers, for example {choice: {500: 50%, 4000: 50%}}"
                yield _at(source, ("requests", name, "attributes", attribute), message, hint)
    for name, spec in topology.requests.items():
        if spec.arrivals is not None:
            yield from of_rows(spec.arrivals.problems(numbers, lists), f"read for class `{name}`")
    if isinstance(topology.run.workload, Arrivals):
        yield from of_rows(topology.run.workload.problems(numbers, lists), "read for `run`")


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
