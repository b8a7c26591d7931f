"""A breaker for retries alone."""

from typing import ClassVar

from pydantic import Field

from simulator.kernel.clock import Clock
from simulator.kernel.outcome import Outcome
from simulator.policies.budgets.budget import Budget, Purse
from simulator.quantities import Fraction


class FailureShare(Budget):
    """No retries while too many tries fail: `failure_share: 10%`.

    Compares failed tries with calls since the start, and never holds a first try back. Source:
    the circuit breaker of M. Brooker's retry simulation (2022).
    """

    key: ClassVar[str] = "failure_share"
    most: Fraction = Field(0.1, gt=0.0)
    """Largest ratio of failed tries to calls at which retries are sent."""

    def open(self, clock: Clock) -> "FailurePurse":
        return FailurePurse(self.most)


class FailurePurse(Purse):
    """Counts calls and failed tries."""

    def __init__(self, most: float) -> None:
        self.most = most
        self.calls = 0
        self.failed = 0

    def called(self) -> None:
        self.calls += 1

    def answered(self, outcome: Outcome, retry: int) -> None:
        if outcome is not Outcome.OK and outcome is not Outcome.CANCELLED:
            self.failed += 1

    def pays(self) -> bool:
        return self.failed <= self.most * self.calls
