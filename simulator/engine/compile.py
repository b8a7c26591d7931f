"""From a model and a seed to a simulation; every name is resolved here and never again."""

from collections.abc import Callable, Sequence
from typing import Any

import simulator.topology.kinds  # noqa: F401  (registers the kinds)
from simulator.engine.schedule import Schedule
from simulator.engine.simulation import RequestKind, RequestSource, Simulation
from simulator.kernel.clock import Clock
from simulator.kernel.fault import Fault
from simulator.kernel.probe import Probe
from simulator.kernel.references import numbers_and_lists
from simulator.kernel.request import Call, Request
from simulator.kernel.site import Site
from simulator.kernel.streams import Streams
from simulator.steps.call import asking
from simulator.topology.model import RequestClass, Topology
from simulator.workload.arrival_process import Arrivals

SYSTEM = "(system)"
"""Name under which readings of the whole system are recorded."""


def compile_simulation(
    topology: Topology,
    arrivals: Arrivals,
    *,
    seed: int,
    replication: int = 0,
    trace_every: int = 1,
    faults: Sequence[Fault] = (),
) -> Simulation:
    """A simulation of the topology under the arrivals, ready to run once.

    Components are built first and connected afterwards, so calls may go in circles. The random
    streams depend on the seed, the replication and the names in the topology alone.
    """
    clock = Clock()
    site = Site(clock, Streams(seed, replication), Probe(clock, trace_every))
    schedule = Schedule(faults, site)
    for name, component in topology.components.items():
        site.servers[name] = component.build(name, site)
    for name, server in site.servers.items():
        site.connecting = name
        server.connect(site)
    site.connecting = ""
    kinds = [
        _compile_class(position, name, request_class, site)
        for position, (name, request_class) in enumerate(topology.requests.items())
    ]
    sources = _sources(topology, arrivals, kinds)
    simulation = Simulation(site, sources, list(topology.requests), schedule)
    finished = site.probe.requests
    site.probe.meter(SYSTEM, "in_flight", lambda: simulation.counter[0] - len(finished))
    site.probe.meter(SYSTEM, "issued_total", lambda: simulation.counter[0])
    return simulation


def _sources(
    topology: Topology, arrivals: Arrivals, kinds: list[RequestKind]
) -> list[RequestSource]:
    classes = list(topology.requests.values())
    shared = [kind for kind, spec in zip(kinds, classes, strict=True) if spec.rate is None]
    sources = []
    forms = numbers_and_lists(topology.components)
    if shared:
        sources.append(RequestSource("requests", topology.rate, shared, arrivals, *forms))
    for kind, spec in zip(kinds, classes, strict=True):
        if spec.rate is not None:
            own = spec.arrivals or arrivals
            sources.append(RequestSource(f"requests.{kind.name}", spec.rate, [kind], own, *forms))
    return sources


def _compile_class(
    position: int, name: str, request_class: RequestClass, site: Site
) -> RequestKind:
    entry: Call = site.link(request_class.entry)
    entry = request_class.apply(entry, site, f"requests.{name}", request_class.entry)
    if request_class.operation is not None:
        entry = asking(entry, request_class.operation)
    attributes: list[tuple[str, Callable[[], Any]]] = [
        (attribute, site.draws("requests", f"{name}.{attribute}", distribution))
        for attribute, distribution in request_class.attributes.items()
    ]
    return RequestKind(
        index=position,
        name=name,
        share=float(request_class.share),
        entry=entry,
        attributes=attributes,
        priority=request_class.priority,
        before=_before(request_class, site),
    )


def _before(request_class: RequestClass, site: Site) -> list[Callable[[Request], None]]:
    if request_class.supersedes is None:
        return site.before
    return [superseding(str(request_class.supersedes)), *site.before]


def superseding(attribute: str) -> Callable[[Request], None]:
    """What makes a new request cancel its predecessor with the same value of the attribute."""
    latest: dict[Any, Request] = {}

    def supersede(request: Request) -> None:
        key = request.attributes[attribute]
        earlier = latest.get(key)
        latest[key] = request
        if earlier is not None and earlier.outcome is None:
            # Cancelling tells nobody, but the end of a request has to be recorded.
            finish = earlier.on_end
            earlier.cancel()
            if finish is not None:
                finish(earlier)

    return supersede
