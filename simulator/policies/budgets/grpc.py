"""gRPC's retry throttling."""

from typing import ClassVar

from pydantic import Field

from simulator.kernel.clock import Clock
from simulator.kernel.outcome import Outcome
from simulator.policies.budgets.budget import Budget, Purse
from simulator.policies.call_policy import FailureName, outcomes

CAUSED = frozenset(
    {
        Outcome.ERROR,
        Outcome.TIMEOUT,
        Outcome.REJECTED_OVERLOAD,
        Outcome.REJECTED_QUEUE_FULL,
        Outcome.REJECTED_RATE_LIMIT,
        Outcome.REJECTED_QUOTA,
    }
)


class FailureTokens(Budget):
    """Retries stop when failures outweigh successes: `grpc: {max_tokens: 10, token_ratio: 0.1}`.

    Starts with `max_tokens`; each failed try takes 1, each success gives `token_ratio`, and extra
    tries are sent only while more than half is left. They stop once more than
    `token_ratio / (1 + token_ratio)` of the tries fail. Source: gRPC proposal A6,
    `retryThrottling`.
    """

    key: ClassVar[str] = "grpc"
    max_tokens: float = Field(10.0, gt=0.0, le=1000.0)
    """Tokens at the start, and the most there can be."""
    token_ratio: float = Field(0.1, gt=0.0)
    """Tokens per success."""
    failures: list[FailureName] | None = None
    """Outcomes that take a token; by default errors, time-outs and refusals by the callee."""

    def open(self, clock: Clock) -> "TokenPurse":
        return TokenPurse(self)


class TokenPurse(Purse):
    """Tokens between 0 and the maximum."""

    def __init__(self, spec: FailureTokens) -> None:
        self.full = self.tokens = spec.max_tokens
        self.ratio = round(spec.token_ratio, 3)
        self.failures = CAUSED if spec.failures is None else outcomes(spec.failures)

    def answered(self, outcome: Outcome, retry: int) -> None:
        if outcome is Outcome.OK:
            self.tokens = min(self.tokens + self.ratio, self.full)
        elif outcome in self.failures:
            self.tokens = max(self.tokens - 1.0, 0.0)

    def pays(self) -> bool:
        return self.tokens > self.full / 2.0
