"""Sums over the last while."""

from collections import deque


class SlidingSum:
    """A sum over a window of time that moves on in slices.

    The window holds the current slice and the ``slices - 1`` before it, as the windowed counters
    of Finagle and resilience4j do; its length thus varies by one slice.
    """

    __slots__ = ("_parts", "_slices", "_sum", "_width_s")

    def __init__(self, window_s: float, slices: int) -> None:
        self._width_s = window_s / slices
        self._slices = slices
        self._parts: deque[list[float]] = deque()
        self._sum = 0.0

    def add(self, amount: float, now: float) -> None:
        """Count an amount at the present time."""
        number = self._forget(now)
        if self._parts and self._parts[-1][0] == number:
            self._parts[-1][1] += amount
        else:
            self._parts.append([number, amount])
        self._sum += amount

    def total(self, now: float) -> float:
        """The sum over the window that ends at the present time."""
        self._forget(now)
        return self._sum if self._parts else 0.0

    def clear(self) -> None:
        """Forget everything."""
        self._parts.clear()
        self._sum = 0.0

    def _forget(self, now: float) -> int:
        number = int(now / self._width_s)
        parts = self._parts
        while parts and parts[0][0] <= number - self._slices:
            self._sum -= parts.popleft()[1]
        if not parts:
            self._sum = 0.0
        return number
