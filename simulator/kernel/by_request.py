"""Draws that belong to a request instead of to the order in which requests come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.kernel.request import Request
    from simulator.kernel.site import Draw, Measure

BLOCK = 512
"""Values drawn at once."""

LATE_MAX = 16_384
"""So many others may overtake a request before its value is forgotten."""


def by_request(draw: Draw, again: Draw) -> Measure:
    """A function that gives request number n the n-th value of ``draw``, whenever it asks.

    A variant that sends some requests another way then still gives all others the values they
    had: common random numbers. The second time a request asks, the value is one of ``again``, as
    it is for what is no request (a number below 0) and for one whose value was forgotten because
    too many others have overtaken it. A value is given once, so all that are given are
    independent.
    """
    drawn = iter(draw, None)
    values: list[float | None] = []
    first = 0
    """Number of the request that the first of the values belongs to."""

    def draw_up_to(place: int) -> float:
        nonlocal first
        while len(values) <= place:
            values.extend(islice(drawn, BLOCK))
        value = values[place]
        values[place] = None
        late = len(values) - LATE_MAX
        if late > LATE_MAX:
            del values[:late]
            first += late
        assert value is not None, "just drawn"
        return value

    def measure(request: Request) -> float:
        place = request.index - first
        if place < 0:
            return again()
        try:
            value = values[place]
        except IndexError:
            return draw_up_to(place)
        if value is None:
            return again()
        values[place] = None
        return value

    return measure


def when_needed(make: Callable[[], Draw]) -> Draw:
    """Draws of what ``make`` makes, which is not done before the first."""

    def values() -> Iterator[float]:
        draw = make()
        while True:
            yield draw()

    return values().__next__
