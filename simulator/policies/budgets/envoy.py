"""Envoy's retry budget: a share of the tries in flight."""

from typing import ClassVar

from pydantic import Field

from simulator.kernel.clock import Clock
from simulator.kernel.outcome import Outcome
from simulator.policies.budgets.budget import Budget, Purse
from simulator.quantities import Count, Fraction


class ShareInFlight(Budget):
    """Retries in flight, as a share of all tries in flight: `envoy: {budget: 20%}`.

    Retries that pause before they are sent count as in flight. As the tries in flight include
    the retries, load grows by at most 1/(1 - `budget`): 1.25 for 20 %, not 1.2. Source: Envoy
    `retry_budget` (`budget_percent`, `min_retry_concurrency`).
    """

    key: ClassVar[str] = "envoy"
    budget: Fraction = Field(0.2, gt=0.0, lt=1.0)
    """Most retries in flight as a share of the tries in flight (`budget_percent`)."""
    min_concurrency: Count = 3
    """Retries in flight that are always allowed (`min_retry_concurrency`)."""

    def open(self, clock: Clock) -> "InFlightPurse":
        return InFlightPurse(self)


class InFlightPurse(Purse):
    """Counts tries and retries in flight."""

    def __init__(self, spec: ShareInFlight) -> None:
        self.share = spec.budget
        self.floor = spec.min_concurrency
        self.active = 0
        self.retrying = 0

    def sent(self) -> None:
        self.active += 1

    def answered(self, outcome: Outcome, retry: int) -> None:
        if retry >= 0:
            self.active -= 1
        if retry != 0:
            self.retrying -= 1

    def pays(self) -> bool:
        if self.retrying >= max(self.floor, self.share * self.active):
            return False
        self.retrying += 1
        return True
