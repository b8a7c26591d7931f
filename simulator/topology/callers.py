"""Who calls a component, and under which policies."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from simulator.kernel.component import Component
from simulator.kernel.references import TargetName, references
from simulator.kernel.spec import models_within
from simulator.policies.calling import Calling
from simulator.topology.model import Topology


def called_by(component: Component) -> list[str]:
    """The components that a component may call, as often as it names them."""
    return [str(name) for _, name in references(component) if isinstance(name, TargetName)]


def calls_among(topology: Topology) -> dict[str, list[str]]:
    """Every component with those that it may call."""
    return {name: called_by(component) for name, component in topology.components.items()}


def reached_from(names: Iterable[str], calls: Mapping[str, Sequence[str]]) -> set[str]:
    """The components that requests may come to that enter at these."""
    reached: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name in reached or name not in calls:
            continue
        reached.add(name)
        pending += calls[name]
    return reached


def callers_of(topology: Topology, target: str) -> Iterator[tuple[str, Calling]]:
    """Every call of the component: who makes it, and its policies."""
    for name, call, aims in calls_of(topology):
        if target in aims:
            yield name, call


def calls_of(topology: Topology) -> Iterator[tuple[str, Calling, list[str]]]:
    """Every call: who makes it, its policies, and the components it may go to.

    The client of a class of requests counts as `class NAME`.
    """
    for name, spec in topology.requests.items():
        yield f"class {name}", spec, [str(spec.entry)]
    for name, component in topology.components.items():
        targets = _targets(component)
        for call in models_within(component):
            if not isinstance(call, Calling):
                continue
            to = getattr(call, "to", None)
            yield name, call, targets if to is None else [str(to), *targets]


def _targets(component: Any) -> list[str]:
    return list(getattr(component, "targets", None) or [])
