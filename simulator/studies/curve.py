"""Curves over the offered rate: where one crosses a bound, where it bends, what theory says."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from simulator.metrics.confidence import Interval
from simulator.metrics.spread import Document
from simulator.quantities import Threshold
from simulator.theory.erlang import MMc
from simulator.topology.model import Topology
from simulator.topology.paper import PaperPlan, PaperRow, on_paper

THEORY_POINTS = 40
SERVERS_MAX = 20_000


@dataclass(frozen=True)
class CurvePoint:
    """A measured value with its interval at one rate."""

    rate: float
    value: float
    low: float
    high: float
    stable: bool = True


def crossing(points: Sequence[CurvePoint], threshold: Threshold) -> Interval:
    """The rate up to which the threshold holds, with an interval; infinite if it always does.

    Values are interpolated between neighbouring rates on a logarithmic scale where they are
    positive. The side of the interval that reaches the bound first gives its lower end.
    """
    upward = threshold.operator in ("<", "<=")
    ends = []
    for column in ("value", "high" if upward else "low", "low" if upward else "high"):
        pairs = [(point.rate, getattr(point, column)) for point in points]
        ends.append(_first_crossing(pairs, threshold))
    value, low, high = ends
    return Interval(value, min(low, value), max(high, value))


def knee_of(points: Sequence[tuple[float, float | None]]) -> float | None:
    """The rate at which throughput over mean latency is highest.

    There the line from the origin touches the latency curve: beyond it, latency grows faster
    than the rate. Source: L. Kleinrock, Proc. ICC (1979), "power".
    """
    from scipy.interpolate import PchipInterpolator

    known = [(rate, latency) for rate, latency in points if latency]
    if len(known) < 4:
        return None
    rates, latencies = (np.array(column) for column in zip(*known, strict=True))
    grid = np.linspace(rates[0], rates[-1], 400)
    power = grid / np.exp(PchipInterpolator(rates, np.log(latencies))(grid))
    best = int(power.argmax())
    return None if best in (0, len(grid) - 1) else float(grid[best])


def mean_on_paper(plan: PaperPlan) -> float:
    """Mean latency (s) on paper: every component an M/M/c queue, all times added up.

    An estimate: calls made side by side are counted one after the other, and what goes on after
    the answer is counted as well. Infinite where a component cannot keep up.
    """

    def spent(row: PaperRow) -> float:
        wait = 0.0
        if row.servers and row.service_s > 0.0 and row.rate > 0.0:
            servers = int(row.servers)
            if 1 <= servers <= SERVERS_MAX:
                wait = MMc(row.rate, 1.0 / row.service_s, servers).mean_wait_s
        return row.rate * (row.service_s + row.delay_s + wait)

    return sum(spent(row) for row in plan.rows if row.rate > 0.0) / plan.rate


def theory_curve(
    topology_at: Callable[[float], Topology], rates: Sequence[float], cells: int = 1
) -> list[Document]:
    """Mean latency on paper over the rate (see :func:`mean_on_paper`), where it is finite.

    ``topology_at`` gives the design as it is under a rate.
    """
    if not rates:
        return []
    curve = []
    for rate in np.linspace(min(rates), max(rates), THEORY_POINTS).tolist():
        topology = topology_at(rate).model_copy(update={"rate": rate})
        mean = mean_on_paper(on_paper(topology))
        if math.isfinite(mean):
            curve.append({"rate": rate * cells, "latency.mean": mean})
    return curve


def _first_crossing(pairs: Sequence[tuple[float, float]], threshold: Threshold) -> float:
    previous: tuple[float, float] | None = None
    for rate, value in pairs:
        if not threshold.holds(value):
            if previous is None:
                return rate
            return _between(previous, (rate, value), threshold.bound)
        previous = rate, value
    return _beyond(pairs, threshold)


def _beyond(pairs: Sequence[tuple[float, float]], threshold: Threshold) -> float:
    """Where the line through the last two points reaches the bound, if soon; else infinity."""
    if len(pairs) < 2:
        return math.inf
    (x0, y0), (x1, y1) = pairs[-2:]
    if y0 == y1 or x0 == x1:
        return math.inf
    reached = _between((x0, y0), (x1, y1), threshold.bound)
    return reached if x1 < reached <= x1 * 1.02 else math.inf


def _between(a: tuple[float, float], b: tuple[float, float], bound: float) -> float:
    (x0, y0), (x1, y1) = a, b
    if min(y0, y1, bound) > 0.0:
        y0, y1, bound = math.log(y0), math.log(y1), math.log(bound)
    if y0 == y1:
        return x1
    return x0 + (x1 - x0) * (bound - y0) / (y1 - y0)
