"""How long to wait before trying again."""

from abc import abstractmethod
from typing import Any, ClassVar

from pydantic import Field, PositiveFloat

from simulator.kernel.kinded import OneKey
from simulator.kernel.site import Draw
from simulator.policies.retry import Delays
from simulator.quantities import Duration, Fraction


class Backoff(OneKey):
    """The pause before retry n, n counting from 1."""

    @abstractmethod
    def delays(self, uniform: Draw) -> Delays:
        """A fresh sequence of pauses for one call, drawing from ``uniform`` on [0, 1)."""

    @abstractmethod
    def mean_s(self, retry: int) -> float:
        """Mean pause before the given retry, for estimates on paper."""


class NoBackoff(Backoff):
    """Try again at once: `none: {}`."""

    key: ClassVar[str] = "none"

    @classmethod
    def from_value(cls, value: Any) -> Any:
        return value or {}

    def delays(self, uniform: Draw) -> Delays:
        return lambda retry: 0.0

    def mean_s(self, retry: int) -> float:
        return 0.0


class ConstantBackoff(Backoff):
    """The same pause every time: `constant: 100ms`."""

    key: ClassVar[str] = "constant"
    delay: Duration
    """The pause."""

    @classmethod
    def from_value(cls, value: Any) -> Any:
        return value if isinstance(value, dict) else {"delay": value}

    def delays(self, uniform: Draw) -> Delays:
        return lambda retry: self.delay

    def mean_s(self, retry: int) -> float:
        return self.delay


class Growing(Backoff):
    """Pauses that grow by a factor up to a cap: `min(cap, base * multiplier^exponent)`.

    ``first_exponent`` is 0 in gRPC (the first pause is ``base``) and 1 in the simulation behind
    the AWS architecture blog's article on jitter (the first pause is twice ``base``).
    """

    key: ClassVar[str] = ""
    base: Duration
    """Scale of the pauses."""
    cap: Duration = 20.0
    """Longest pause."""
    multiplier: PositiveFloat = 2.0
    """Growth from one retry to the next."""
    first_exponent: int = Field(0, ge=0, le=1)
    """Exponent for the first retry: 0 (gRPC) or 1 (AWS)."""

    def ceiling_s(self, retry: int) -> float:
        """The pause without jitter."""
        exponent = min(retry - 1 + self.first_exponent, 64)
        return min(self.cap, self.base * self.multiplier**exponent)

    def mean_s(self, retry: int) -> float:
        return self.ceiling_s(retry)


class ExponentialBackoff(Growing):
    """Growing pauses without jitter: clients that failed together try again together."""

    key: ClassVar[str] = "exponential"

    def delays(self, uniform: Draw) -> Delays:
        return self.ceiling_s


class FullJitter(Growing):
    """Uniform between 0 and the growing pause (AWS architecture blog, "full jitter")."""

    key: ClassVar[str] = "full_jitter"

    def delays(self, uniform: Draw) -> Delays:
        return lambda retry: uniform() * self.ceiling_s(retry)

    def mean_s(self, retry: int) -> float:
        return self.ceiling_s(retry) / 2


class EqualJitter(Growing):
    """Half the growing pause, and the other half uniform (AWS, "equal jitter")."""

    key: ClassVar[str] = "equal_jitter"

    def delays(self, uniform: Draw) -> Delays:
        return lambda retry: self.ceiling_s(retry) * (0.5 + 0.5 * uniform())

    def mean_s(self, retry: int) -> float:
        return self.ceiling_s(retry) * 0.75


class ProportionalJitter(Growing):
    """The growing pause, give or take a share of it (gRPC proposal A6: 20 %)."""

    key: ClassVar[str] = "proportional_jitter"
    jitter: Fraction = 0.2
    """Largest deviation, as a share of the pause."""

    def delays(self, uniform: Draw) -> Delays:
        low, width = 1.0 - self.jitter, 2.0 * self.jitter
        return lambda retry: self.ceiling_s(retry) * (low + width * uniform())


class DecorrelatedJitter(Backoff):
    """Uniform between the base and three times the previous pause (AWS, "decorrelated")."""

    key: ClassVar[str] = "decorrelated_jitter"
    base: Duration
    """Shortest pause."""
    cap: Duration = 20.0
    """Longest pause."""

    def delays(self, uniform: Draw) -> Delays:
        previous = self.base

        def next_delay(retry: int) -> float:
            nonlocal previous
            spread = max(3.0 * previous - self.base, 0.0)
            previous = min(self.cap, self.base + spread * uniform())
            return previous

        return next_delay

    def mean_s(self, retry: int) -> float:
        return min(self.cap, self.base * 2.0**retry)


class EnvoyJitter(Backoff):
    """Uniform on [0, (2^n - 1) * base), capped (Envoy router filter, `retry_back_off`)."""

    key: ClassVar[str] = "envoy_jitter"
    base: Duration = 0.025
    """`base_interval`, 25 ms in Envoy."""
    cap: Duration = 0.25
    """`max_interval`, ten times the base in Envoy."""

    def ceiling_s(self, retry: int) -> float:
        """The largest pause before the given retry."""
        return min(self.cap, (2.0 ** min(retry, 64) - 1.0) * self.base)

    def delays(self, uniform: Draw) -> Delays:
        return lambda retry: uniform() * self.ceiling_s(retry)

    def mean_s(self, retry: int) -> float:
        return self.ceiling_s(retry) / 2
