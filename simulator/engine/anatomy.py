"""What a design is made of, as far as faults are concerned."""

from dataclasses import dataclass

from simulator.engine.compile import compile_simulation
from simulator.topology.model import Topology
from simulator.workload.arrivals.steady import Steady


@dataclass(frozen=True)
class Anatomy:
    """Names of components: all of them, those with durations of their own, those with a memory."""

    components: tuple[str, ...]
    timed: frozenset[str]
    forgets: frozenset[str]


def anatomy(topology: Topology) -> Anatomy:
    """Which faults can do anything to which components of the topology."""
    site = compile_simulation(topology, Steady(), seed=0).site
    return Anatomy(
        tuple(topology.components),
        frozenset(site.timed) & frozenset(topology.components),
        frozenset(name for name, item in topology.components.items() if item.forgets),
    )
