"""What every budget has in common."""

from abc import abstractmethod

from simulator.kernel.clock import Clock
from simulator.kernel.kinded import OneKey
from simulator.kernel.outcome import Outcome


class Purse:
    """The state of a budget in one simulation, shared by all calls of one caller to one target.

    It is told of every call, every try and every answer, and asked before every extra try.
    """

    def called(self) -> None:
        """A call begins."""

    def sent(self) -> None:
        """A try is sent, the first of a call or a further one."""

    def answered(self, outcome: Outcome, retry: int) -> None:
        """A try has ended: the first (0), a further one, or a paid one never sent (-1)."""

    @abstractmethod
    def pays(self) -> bool:
        """Whether one more try may be sent; takes what it costs."""


class Budget(OneKey):
    """A limit on extra tries that holds over all calls, so that retries cannot multiply load."""

    @abstractmethod
    def open(self, clock: Clock) -> Purse:
        """The budget at the start of a simulation."""
