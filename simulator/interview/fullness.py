"""Which component is full first as the load grows, and at which multiple of it."""

from dataclasses import dataclass
from typing import Any

from simulator.kernel.component import Component
from simulator.topology.model import Topology
from simulator.topology.paper import PaperPlan, PaperRow


@dataclass(frozen=True)
class Full:
    """A component, its utilization, and the multiple of the design's load at which that is 1."""

    name: str
    utilization: float
    factor: float


def strain(row: PaperRow, component: Component) -> float | None:
    """The utilization on paper with as many replicas as an autoscaler may add."""
    scale: Any = getattr(component, "autoscale", None)
    replicas = getattr(component, "replicas", None)
    if row.utilization is None or scale is None or not replicas:
        return row.utilization
    return float(row.utilization * replicas / max(replicas, scale.max_replicas))


def first_full(topology: Topology, paper: PaperPlan, factor: float = 1.0) -> Full | None:
    """The component that more load fills before any other; the plan is of ``factor`` the load.

    Replicas that an autoscaler may add count. None if nothing has a limit.
    """
    strains = {row.name: strain(row, topology.components[row.name]) or 0.0 for row in paper.rows}
    return _highest(strains, factor)


def full_without_scalers(topology: Topology, paper: PaperPlan, factor: float = 1.0) -> Full | None:
    """The component with a scaler that is full before all others if no replica is added.

    None if that is none with a scaler.
    """
    full = _highest({row.name: row.utilization or 0.0 for row in paper.rows}, factor)
    scaled = full and getattr(topology.components[full.name], "autoscale", None) is not None
    return full if scaled else None


def _highest(utilizations: dict[str, float], factor: float) -> Full | None:
    name = max(utilizations, key=utilizations.__getitem__, default=None)
    if name is None or not utilizations[name]:
        return None
    return Full(name, utilizations[name], factor / utilizations[name])
