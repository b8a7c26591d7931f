"""A run held against theory: laws that always hold, and queues that have a formula.

The utilization law and Little's law hold for every station in steady state, so a residual beyond
a per cent or so means that the book-keeping, the warm-up or the length of the run is wrong. The
waits of M/M/c and G/G/c hold under assumptions that a component meets or does not; each row says
which, and a difference is a finding about the assumption before it is one about the run.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from simulator.metrics.confidence import Interval
from simulator.theory.allen_cunneen import GGc
from simulator.theory.erlang import MMc
from simulator.theory.littles_law import relative_gap

EXPONENTIAL_WITHIN = 0.1
"""How far a squared coefficient of variation may be from 1 and still be called exponential."""

SAMPLING_ERRORS = 8.0
"""Standard errors of the sample that a law may be off by; visits of a busy period are alike, so
the error computed as if they were independent is too small."""

NOTHING = 1e-3
"""A mean number of requests or servers too small to check a law on."""

LAW_TOLERANCE = 0.01
"""Residual of a law that is worth a warning."""


@dataclass(frozen=True)
class StationMeasure:
    """What a run measured at one station, over the measured part and all replications.

    ``mean_busy`` and ``mean_queue`` are averages over time of visits in service (busy servers,
    where each serves one) and of waiting requests; ``throughput`` and ``arrival_rate`` are visits
    per second that ended and that entered (not those turned away); ``mean_service_s`` and
    ``mean_wait_s`` are averages over
    visits. ``arrival_scv`` and ``service_scv`` are squared coefficients of variation of the times
    between arrivals and of the service times, if they were measured. ``queue_shared`` says that
    one FIFO queue without a bound feeds all servers, which the formulas of waits assume.
    ``wait`` is the interval of the mean wait, if there is one. ``service_error_s`` and
    ``wait_error_s`` are standard errors of the two means, where they come from a sample of visits.
    """

    name: str
    servers: int
    mean_busy: float
    mean_queue: float
    throughput: float
    arrival_rate: float
    mean_service_s: float
    mean_wait_s: float
    arrival_scv: float | None = None
    service_scv: float | None = None
    queue_shared: bool = True
    wait: Interval | None = None
    service_error_s: float = 0.0
    wait_error_s: float = 0.0

    @property
    def offered_load(self) -> float:
        """Work offered per second to each server, from what was measured."""
        return self.arrival_rate * self.mean_service_s / self.servers if self.servers else math.inf


@dataclass(frozen=True)
class CheckRow:
    """One comparison: ``measured`` against ``expected`` and their relative ``residual``.

    ``status`` is ``ok``, ``off`` (a law broken by more than :data:`LAW_TOLERANCE`, or an exact
    formula outside the interval), ``reference`` (an approximation to look at) or ``none`` (the
    formula does not apply; ``expected`` and ``residual`` are NaN).
    """

    component: str
    check: str
    measured: float
    expected: float
    residual: float
    status: str
    note: str


def crosscheck(stations: Iterable[StationMeasure]) -> list[CheckRow]:
    """All rows for all stations, in the order given."""
    return [
        row
        for station in stations
        for row in (utilization_law(station), littles_law(station), wait_reference(station))
    ]


def utilization_law(station: StationMeasure) -> CheckRow:
    """Mean of busy servers against throughput times mean service time: U = X S."""
    expected = station.throughput * station.mean_service_s
    error = station.throughput * station.service_error_s
    return _law(station.name, "utilization law", station.mean_busy, expected, error, "busy = X S")


def littles_law(station: StationMeasure) -> CheckRow:
    """Mean queue length against arrival rate times mean wait: L = lambda W."""
    expected = station.arrival_rate * station.mean_wait_s
    error = station.arrival_rate * station.wait_error_s
    return _law(
        station.name, "Little's law", station.mean_queue, expected, error, "queue = lambda W"
    )


def wait_reference(station: StationMeasure) -> CheckRow:
    """Mean wait against Erlang C if both variabilities are near 1, else Allen-Cunneen."""
    label = "mean wait"
    if not station.queue_shared:
        note = "no formula: the servers do not share one unbounded FIFO queue"
        return _without(station, label, note)
    if station.mean_service_s <= 0.0 or station.arrival_rate <= 0.0:
        return _without(station, label, "no formula: nothing was served")
    if station.offered_load >= 1.0:
        return _without(station, label, "no formula: offered load at or above capacity")
    if station.arrival_scv is None or station.service_scv is None:
        return _without(station, label, "no formula: the variability was not measured")
    arrival, service = station.arrival_scv, station.service_scv
    exact = max(abs(arrival - 1.0), abs(service - 1.0)) <= EXPONENTIAL_WITHIN
    if exact:
        queue = MMc(station.arrival_rate, 1.0 / station.mean_service_s, station.servers)
        expected = queue.mean_wait_s
        note = f"Erlang C, M/M/{station.servers}: Poisson arrivals, exponential service"
    else:
        expected = GGc(
            station.arrival_rate, station.mean_service_s, station.servers, arrival, service
        ).mean_wait_s
        note = (
            f"Allen-Cunneen, G/G/{station.servers} with scv {arrival:.2g} and {service:.2g}: "
            "an approximation (some 20 % off), for independent arrivals"
        )
    status = "reference"
    if exact and station.wait is not None:
        status = "ok" if station.wait.low <= expected <= station.wait.high else "off"
    residual = relative_gap(station.mean_wait_s, expected)
    return CheckRow(station.name, label, station.mean_wait_s, expected, residual, status, note)


def _law(
    name: str, check: str, measured: float, expected: float, error: float, note: str
) -> CheckRow:
    residual = relative_gap(measured, expected)
    # A queue that is almost always empty is seen by few traced visits: allow for the sample.
    significant = abs(measured - expected) > SAMPLING_ERRORS * error + NOTHING
    off = abs(residual) > LAW_TOLERANCE and significant
    return CheckRow(name, check, measured, expected, residual, "off" if off else "ok", note)


def _without(station: StationMeasure, check: str, note: str) -> CheckRow:
    return CheckRow(station.name, check, station.mean_wait_s, math.nan, math.nan, "none", note)
