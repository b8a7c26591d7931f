"""The retry quota of the AWS SDKs."""

from typing import ClassVar

from pydantic import Field, PositiveFloat, model_validator

from simulator.kernel.clock import Clock
from simulator.kernel.outcome import Outcome
from simulator.policies.budgets.budget import Budget, Purse


class Quota(Budget):
    """A bucket that retries empty and successes fill: `aws: {tokens: 500, cost: 14}`.

    A retry takes `cost`; a success gives back what its last retry took, or `refund` if it needed
    none. An empty bucket fails fast: 500/14 gives 35 retries. Source: AWS SDK retry mode
    `standard` (cost 14 since November 2026, 5 before).
    """

    key: ClassVar[str] = "aws"
    tokens: PositiveFloat = 500.0
    """Tokens at the start, and the most there can be."""
    cost: PositiveFloat = 14.0
    """Tokens for one retry."""
    refund: float = Field(1.0, ge=0.0)
    """Tokens that a call without retries gives back."""

    @model_validator(mode="after")
    def _affordable(self) -> "Quota":
        if self.cost > self.tokens:
            raise ValueError("`cost` is more than the bucket holds: no retry could be paid")
        return self

    def open(self, clock: Clock) -> "QuotaPurse":
        return QuotaPurse(self)


class QuotaPurse(Purse):
    """Tokens between 0 and the size of the bucket."""

    def __init__(self, spec: Quota) -> None:
        self.spec = spec
        self.tokens = spec.tokens

    def answered(self, outcome: Outcome, retry: int) -> None:
        if outcome is Outcome.OK:
            back = self.spec.cost if retry > 0 else self.spec.refund
            self.tokens = min(self.tokens + back, self.spec.tokens)

    def pays(self) -> bool:
        if self.tokens < self.spec.cost:
            return False
        self.tokens -= self.spec.cost
        return True
