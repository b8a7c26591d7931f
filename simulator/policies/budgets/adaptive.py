"""A token bucket filled by calls."""

from typing import ClassVar

from pydantic import PositiveFloat, model_validator

from simulator.kernel.clock import Clock
from simulator.policies.budgets.budget import Budget, Purse


class FilledByCalls(Budget):
    """Each call drips a little into a small bucket: `adaptive: {fill: 0.1, size: 5}`.

    A retry needs more than one token and takes one. Source: M. Brooker, "Fixing retries with
    token buckets and circuit breakers" (2022); the text says that successes fill the bucket, the
    code that calls do, and the code is followed.
    """

    key: ClassVar[str] = "adaptive"
    fill: PositiveFloat = 0.1
    """Tokens per call."""
    size: PositiveFloat = 5.0
    """Tokens at the start, and the most there can be."""

    @model_validator(mode="after")
    def _affordable(self) -> "FilledByCalls":
        if self.size <= 1.0:
            raise ValueError(
                "a bucket of `size` 1 or less never holds more than the one token "
                "that a retry leaves behind: no retry could be paid"
            )
        return self

    def open(self, clock: Clock) -> "DrippedPurse":
        return DrippedPurse(self)


class DrippedPurse(Purse):
    """Tokens between 0 and the size of the bucket."""

    def __init__(self, spec: FilledByCalls) -> None:
        self.spec = spec
        self.tokens = spec.size

    def called(self) -> None:
        self.tokens = min(self.tokens + self.spec.fill, self.spec.size)

    def pays(self) -> bool:
        if self.tokens <= 1.0:
            return False
        self.tokens -= 1.0
        return True
