"""Rules that go across fields: what a name refers to, where calls lead, what cannot keep up."""

from collections.abc import Iterator
from typing import Any

from simulator.kernel.fault import Fault
from simulator.kernel.references import AttributeName, ListName, TargetName, references
from simulator.kernel.step import steps_within
from simulator.quantities import told_duration
from simulator.quantities.grouping import told_ratio
from simulator.quantities.refusal import nearest
from simulator.topology.attribute_forms import check_forms
from simulator.topology.callers import calls_among, calls_of, reached_from
from simulator.topology.claim_checks import check_claims
from simulator.topology.diagnostics import Diagnostic
from simulator.topology.fault_file import misdirected
from simulator.topology.model import Topology
from simulator.topology.objectives import misjudged, misnamed
from simulator.topology.paper import PaperRow, on_paper
from simulator.topology.sound_part import SoundPart
from simulator.topology.source import DocumentPath, Source
from simulator.workload.arrival_process import Arrivals

_FIGURES = ("given", "estimates")
_MEASURED = (*_FIGURES, "components", "requests", "metrics", "variants", "faults")
RESTS_ON = {
    "given": _FIGURES,
    "estimates": _FIGURES,
    "claims": _MEASURED,
    "questions": (*_MEASURED, "claims"),
}
"""Blocks with the names that claims, estimates and answers refer to."""
OPTIONAL_ATTRIBUTES = frozenset({"input_tokens", "output_tokens"})


def check_references(topology: Topology, source: Source, data: Any) -> Iterator[Diagnostic]:
    """Everything that validation of single fields cannot see, errors and warnings."""
    yield from _names(topology, source)
    yield from _nobody(topology, source)
    yield from _objectives(topology, source)
    yield from check_forms(topology, source)
    yield from _faults(topology, source)
    yield from _work_without_workers(topology, source)
    yield from _nowhere_else(topology, source)
    yield from _idle(topology, source)
    if data is source.data:
        yield from _claims(topology, source)
    cycles = list(_cycles(topology, source))
    yield from cycles
    if not cycles:
        yield from _reach(topology, source)
        yield from _load(topology, source)


def check_sound_part(sound: SoundPart, source: Source) -> Iterator[Diagnostic]:
    """The errors that do not depend on what is broken in a document.

    Names are known if they stand anywhere in it, sound or not.
    """
    topology, data = sound.topology, sound.data
    components = {str(name) for name in _mapping(data.get("components"))}
    attributes = {
        str(name)
        for spec in _mapping(data.get("requests")).values()
        for name in _mapping(_mapping(spec).get("attributes"))
    }
    yield from _unknown(topology, source, components, attributes)
    yield from _work_without_workers(topology, source)
    for fault, found in _misdirected(topology, source):
        if all(sound.whole("components", name) for name in fault.targets):
            yield found
    if sound.whole("components") and sound.whole("metrics"):
        yield from _objectives(topology, source)
    for block, blocks in RESTS_ON.items():
        if sound.keeps_names(blocks):
            yield from _claims(topology, source, block)
    cycles = list(_cycles(topology, source))
    yield from cycles
    if not cycles and sound.whole("requests") and sound.whole("run"):
        for row in on_paper(topology).rows:
            if row.impossible and sound.whole("components", row.name):
                yield _impossible(row, source)


def _mapping(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _names(topology: Topology, source: Source) -> Iterator[Diagnostic]:
    attributes = {name for spec in topology.requests.values() for name in spec.attributes}
    yield from _unknown(topology, source, set(topology.components), attributes)


def _unknown(
    topology: Topology, source: Source, components: set[str], attributes: set[str]
) -> Iterator[Diagnostic]:
    stands_in = set(topology.components) - components
    for section in ("requests", "components", "metrics", "faults"):
        for path, name in references(getattr(topology, section), (section,)):
            if isinstance(name, TargetName) and name not in components:
                if not components or name in stands_in:
                    continue  # all of them are missing, which is told
                close = nearest(name, sorted(components))
                hint = f"did you mean `{close}`?" if close else ""
                if close:
                    line = source.key_span(source.nearest(("components", close))).line
                    hint += f" (defined at line {line})"
                yield _at(source, path, "E110", f"`{name}` is not a component", hint)
            elif isinstance(name, ListName):
                continue  # only a trace supplies it
            elif isinstance(name, AttributeName) and name not in attributes | OPTIONAL_ATTRIBUTES:
                close = nearest(name, attributes)
                hint = f"did you mean `{close}`?" if close else _known(attributes)
                yield _at(source, path, "E110", f"no request has the attribute `{name}`", hint)


def _known(names: set[str]) -> str:
    return f"known: {', '.join(sorted(names))}" if names else "no class declares attributes"


def _faults(topology: Topology, source: Source) -> Iterator[Diagnostic]:
    yield from (found for _, found in _misdirected(topology, source))


def _misdirected(topology: Topology, source: Source) -> Iterator[tuple[Fault, Diagnostic]]:
    for name, faults in topology.faults.items():
        for number, fault in enumerate(faults):
            for target, message, hint in misdirected(fault, topology.components):
                if target in topology.components:
                    path = ("faults", name, number, "target")
                    yield fault, _at(source, path, "E118", message, hint)


def _objectives(topology: Topology, source: Source) -> Iterator[Diagnostic]:
    for name, thresholds in topology.objectives.items():
        of_class, _, metric = name.rpartition(".")
        wrong = misnamed(topology, of_class or None, metric)
        if wrong is not None:
            yield _at(source, ("objectives", name), "E110", *wrong)
            continue
        for threshold in thresholds:
            wrong = misjudged(topology, metric, threshold)
            if wrong is not None:
                yield _at(source, ("objectives", name), "E108", *wrong)


def _claims(topology: Topology, source: Source, block: str = "") -> Iterator[Diagnostic]:
    for found in check_claims(topology):
        if block in ("", found.path[0]):
            yield _at(source, found.path, "E110", found.message, found.hint)


def _work_without_workers(topology: Topology, source: Source) -> Iterator[Diagnostic]:
    for name, component in topology.components.items():
        if component.has_workers:
            continue
        for step in steps_within(component):
            if step.key == "work":
                message = f"{component.kind} `{name}` has no workers, so it cannot `work`"
                hint = "use `wait`, or let a service do it"
                yield _at(source, ("components", name), "E108", message, hint)
                break


def _nobody(topology: Topology, source: Source) -> Iterator[Diagnostic]:
    shares = [spec.share for spec in topology.requests.values() if spec.rate is None]
    if shares and not topology.rate:
        message = "no request arrives: the rate is 0"
        yield _at(source, ("rate",), "E108", message, "give one, such as 100 rps")
    elif shares and not any(shares):
        message = "no request arrives: the shares of all classes without a `rate` are 0"
        yield _at(source, ("requests",), "E108", message, "give one of them a share", key=True)


def _nowhere_else(topology: Topology, source: Source) -> Iterator[Diagnostic]:
    for caller, calling, targets in calls_of(topology):
        if not calling.goes_elsewhere:
            continue
        for name in targets:
            component = topology.components.get(name)
            if component is not None and component.nowhere_else:
                message = (
                    f"nobody chooses among replicas of `{name}`, so {caller} cannot try another"
                )
                way_out = component.nowhere_else
                yield _at(source, ("components", name), "W203", message, way_out, key=True)


def _idle(topology: Topology, source: Source) -> Iterator[Diagnostic]:
    for name, component in topology.components.items():
        for field, beside, hint in component.idle_fields:
            message = f"`{field}` of {component.kind} `{name}` has no effect {beside}"
            yield _at(source, ("components", name, field), "W204", message, hint, key=True)


def _cycles(topology: Topology, source: Source) -> Iterator[Diagnostic]:
    """Calls that can lead back to where they came from would go on for ever."""
    graph = calls_among(topology)
    state: dict[str, int] = {}
    for start in graph:
        trail: list[str] = []
        stack: list[tuple[str, int]] = [(start, 0)]
        while stack:
            name, position = stack.pop()
            if position == 0:
                if state.get(name):
                    continue
                state[name] = 1
                trail.append(name)
            targets = graph.get(name, [])
            if position < len(targets):
                stack.append((name, position + 1))
                target = targets[position]
                if state.get(target) == 1:
                    way = " -> ".join([*trail[trail.index(target) :], target])
                    message = f"calls go in a circle without a bound: {way}"
                    yield _at(source, ("components", target), "E111", message, "break the circle")
                elif target in graph and not state.get(target):
                    stack.append((target, 0))
            else:
                state[name] = 2
                trail.pop()


def _reach(topology: Topology, source: Source) -> Iterator[Diagnostic]:
    entries = [str(spec.entry) for spec in topology.requests.values()]
    reached = reached_from(entries, calls_among(topology))
    for name in topology.components:
        if name not in reached:
            message = f"nothing calls `{name}`"
            yield _at(source, ("components", name), "W212", message, "", key=True)


def _load(topology: Topology, source: Source) -> Iterator[Diagnostic]:
    workload = topology.run.workload
    closed = isinstance(workload, Arrivals) and workload.closed
    if isinstance(workload, Arrivals):
        topology = topology.at_own_rates(workload)
    for row in on_paper(topology).rows:
        if row.impossible:
            yield _impossible(row, source)
            continue
        if closed:
            continue  # a slow system is asked less
        if row.quota >= 1.0:
            message = f"{row.name} is asked for {row.quota:.2f} times what its `limits` admit"
            yield _at(source, ("components", row.name), "W201", message, "", key=True)
        elif row.utilization is not None and row.utilization >= 1.0 and row.servers:
            spared = (row.utilization_least or 0.0) < 1.0
            message = (
                f"{row.name} cannot keep up on paper"
                f"{' unless hits or refusals spare it, or replicas are added' if spared else ''}: "
                f"{row.rate:.4g}/s × {told_duration(row.service_s)} ÷ {row.servers:g} servers = "
                f"ρ {told_ratio(row.utilization)}"
            )
            yield _at(source, ("components", row.name), "W201", message, "", key=True)


def _impossible(row: PaperRow, source: Source) -> Diagnostic:
    path: DocumentPath = ("components", row.name, row.impossible_at)
    known = bool(row.impossible_at) and path in source.places
    path = path if known else path[:2]
    return _at(source, path, "E119", row.impossible, "", key=not known)


def _at(
    source: Source, path: DocumentPath, code: str, message: str, hint: str, key: bool = False
) -> Diagnostic:
    found = path if path in source.places else source.nearest(path)
    span = source.key_span(found) if key or found != path else source.value_span(found)
    return Diagnostic(code, message, source.file, span, hint)
