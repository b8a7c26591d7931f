"""What every rate-limiting algorithm has in common."""

from abc import abstractmethod
from typing import Protocol

from simulator.kernel.kinded import OneKey


class Limiter(Protocol):
    """The state of one limit."""

    def take(self, tokens: float, now: float, patience_s: float) -> float | None:
        """Take tokens now or in advance: seconds to wait for them, at most ``patience_s``.

        None if that is too long; nothing is taken then.
        """


class RateAlgorithm(OneKey):
    """How a limit of `rate` with room for `burst` is kept."""

    @abstractmethod
    def limiter(self, rate: float, burst: float, now: float) -> Limiter:
        """The limit at the start."""
