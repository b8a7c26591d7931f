"""Which numbers of a document are worth varying, judged on paper before anything is run.

A number counts for as much as it moves the mean latency or the cost per hour on paper, between
its two ends and with everything else as it is. What paper does not see (time-outs, breakers,
times to live) comes after all that it sees.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from simulator.studies.curve import mean_on_paper
from simulator.studies.design import Design
from simulator.studies.parameters import Parameter
from simulator.topology.diagnostics import DocumentError
from simulator.topology.paper import on_paper

NOTICEABLE = 1e-3
"""Changes on paper below this share of the value count for nothing."""


@dataclass(frozen=True)
class _Screened:
    """A parameter and the shares by which it moves the mean latency and the cost on paper."""

    parameter: Parameter
    latency: float
    cost: float


def screened(
    design: Design, parameters: Sequence[Parameter], most: int
) -> tuple[list[Parameter], list[Parameter]]:
    """The parameters to vary, at most ``most``, and those left out.

    The first one (the rate) is always varied; then come, in turn, the one that moves latency most
    and the one that moves cost most. One that makes the document invalid at an end, alone or
    together with those chosen before, is neither varied nor counted.
    """
    first, *others = parameters
    found = [item for item in (_judged(design, one) for one in others) if item is not None]
    chosen, rest = [first], []
    for item in _in_turn(found):
        if len(chosen) < most and _fits(design, chosen, item.parameter):
            chosen.append(item.parameter)
        else:
            rest.append(item.parameter)
    return chosen, rest


def _in_turn(found: Sequence[_Screened]) -> list[_Screened]:
    """Those that move latency and those that move cost, alternating, then the others."""
    by_latency = sorted(found, key=lambda item: -item.latency)
    by_cost = sorted(found, key=lambda item: -item.cost)
    order: list[_Screened] = []
    for a, b in zip(by_latency, by_cost, strict=True):
        order += [a] if a.latency > NOTICEABLE else []
        order += [b] if b.cost > NOTICEABLE else []
    return list({item.parameter.path: item for item in [*order, *found]}.values())


def _judged(design: Design, parameter: Parameter) -> _Screened | None:
    """The effects of a parameter on paper; None if it cannot be varied or changes nothing."""
    if parameter.at(0.0) == parameter.at(1.0):
        return None
    ends = []
    for share in (0.0, 1.0):
        try:
            varied = design.varied([parameter.at(share)])
        except DocumentError:
            return None
        plan = on_paper(varied.topology)
        ends.append((mean_on_paper(plan), plan.cost_usd_per_hour))
    (latency_low, cost_low), (latency_high, cost_high) = ends
    return _Screened(parameter, _share(latency_low, latency_high), _share(cost_low, cost_high))


def _share(low: float, high: float) -> float:
    """The change between two values as a share of the larger; more than any if one is infinite."""
    if math.isinf(low) or math.isinf(high):
        return 0.0 if low == high else math.inf
    return abs(high - low) / max(abs(low), abs(high), 1e-300)


def _fits(design: Design, chosen: Sequence[Parameter], parameter: Parameter) -> bool:
    """Whether the document is valid with a parameter at either end and the chosen at either."""
    try:
        for share, own in ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)):
            design.varied([*(one.at(share) for one in chosen), parameter.at(own)])
    except DocumentError:
        return False
    return True
