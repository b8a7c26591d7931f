"""Draws that belong to a request instead of to the order in which requests come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.kernel.request import Request
    from simulator.kernel.site import Draw, Measure

LATE_MAX = 8192
"""Values that are set aside, at most, for requests that later ones have overtaken; when there are
more, the older half is forgotten."""


def by_request(draw: Draw, again: Draw) -> Measure:
    """A function that gives request number n the n-th value of ``draw``, whenever it asks.

    A variant that sends some requests another way then still gives all others the values they
    had: common random numbers. The second time a request asks, the value is one of ``again``, as
    it is for what is no request (a number below 0) and for one whose value was forgotten because
    too many others have overtaken it. A value is given once, so all that are given are
    independent.
    """
    due = 0
    aside: dict[int, float] = {}
    set_aside_of = aside.pop

    def measure(request: Request) -> float:
        nonlocal due
        number = request.index
        if number == due:
            due = number + 1
            return draw()
        if number < due:
            value = set_aside_of(number, None)
            return again() if value is None else value
        while due < number:
            aside[due] = draw()
            due += 1
        due += 1
        if len(aside) > LATE_MAX:
            _forget_oldest(aside)
        return draw()

    return measure


def _forget_oldest(aside: dict[int, float]) -> None:
    for number in list(islice(aside, len(aside) - LATE_MAX // 2)):
        del aside[number]


def when_needed(make: Callable[[], Draw]) -> Draw:
    """Draws of what ``make`` makes, which is not done before the first."""

    def values() -> Iterator[float]:
        draw = make()
        while True:
            yield draw()

    return values().__next__
