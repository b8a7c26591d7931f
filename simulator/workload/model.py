"""Workloads: arrival processes as documents, usable with any topology."""

from simulator.kernel.spec import Spec
from simulator.quantities import PositiveDuration
from simulator.workload.arrival_process import Arrivals


class Workload(Spec):
    """How requests arrive at a design, as a file of its own."""

    name: str
    """Name of the workload."""
    summary: str | None = None
    """What it stands for."""
    arrivals: Arrivals
    """The arrival process."""
    duration: PositiveDuration | None = None
    """Simulated time of one replication, if the workload asks for one."""
