"""Finagle's retry budget: a share of the calls, plus a floor."""

from typing import ClassVar

from pydantic import model_validator

from simulator.kernel.clock import Clock
from simulator.policies.budgets.budget import Budget, Purse
from simulator.policies.sliding import SlidingSum
from simulator.quantities import Fraction, PositiveDuration, Rate


class ShareOfCalls(Budget):
    """So many retries per call over the last while, plus a floor: `finagle: {ratio: 20%}`.

    Each call deposits 1 and each retry withdraws 1/`ratio`; deposits and withdrawals are
    forgotten after `ttl`. With the reserve of `min_per_second * ttl` retries, the long-run rate
    of tries is at most `(1 + ratio) * calls + min_per_second`. Linkerd's `retryRatio` is the same.
    Source: Finagle RetryBudget (TokenRetryBudget over a windowed adder of ten slices).
    """

    key: ClassVar[str] = "finagle"
    ratio: Fraction = 0.2
    """Retries per call in the long run (`percentCanRetry`)."""
    min_per_second: Rate = 10.0
    """Retries that are always allowed (`minRetriesPerSec`)."""
    ttl: PositiveDuration = 10.0
    """How long a deposit counts."""

    @model_validator(mode="after")
    def _affordable(self) -> "ShareOfCalls":
        if self.ratio == 0.0 and self.min_per_second == 0.0:
            raise ValueError("a budget of 0 allows no retry at all; leave the retries out instead")
        return self

    def open(self, clock: Clock) -> "SharePurse":
        return SharePurse(self, clock)


class SharePurse(Purse):
    """Deposits less withdrawals over the last `ttl`."""

    def __init__(self, spec: ShareOfCalls, clock: Clock) -> None:
        self.clock = clock
        self.cost = 1.0 / spec.ratio if spec.ratio else 1.0
        self.deposit = 1.0 if spec.ratio else 0.0
        self.reserve = spec.min_per_second * spec.ttl * self.cost
        self.balance = SlidingSum(spec.ttl, 10)

    def called(self) -> None:
        self.balance.add(self.deposit, self.clock.now)

    def pays(self) -> bool:
        now = self.clock.now
        if self.balance.total(now) + self.reserve < self.cost - 1e-9:
            return False
        self.balance.add(-self.cost, now)
        return True
