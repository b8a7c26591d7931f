"""Admits so many calls per unit of time."""

from itertools import cycle
from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from simulator.kernel.attempts import push_back
from simulator.kernel.component import Component, Means, Paper, Server
from simulator.kernel.outcome import Outcome
from simulator.kernel.references import Attribute, CountAttribute
from simulator.kernel.request import NEVER, Flow, Request
from simulator.kernel.site import Site
from simulator.policies.limiting import Limiter, RateAlgorithm
from simulator.policies.limiting.token_bucket import TokenBucket
from simulator.quantities import (
    DurationDistribution,
    PositiveCount,
    PositiveDuration,
    PositiveRate,
)


class RateLimiter(Component):
    """Admits `rate` calls per second with room for `burst`, separately for each value of `key`.

    A call without a permit is refused (`rejected_rate_limit`, HTTP 429) or, with
    `when_limited: wait`, waits in order for the permit that will be its own, up to `max_wait`.
    The algorithm is a token bucket that starts full unless another one is named. `nodes` copies
    that do not talk to each other admit up to so many times the rate (Kong `policy: local`).
    """

    kind: Literal["rate_limiter"] = "rate_limiter"
    rate: PositiveRate
    """Tokens per second, per key."""
    burst: PositiveCount = 1
    """Most tokens a bucket holds."""
    algorithm: RateAlgorithm = Field(default_factory=TokenBucket)
    """`token_bucket`, `leaky_bucket`, `fixed_window` or `sliding_window`."""
    key: Attribute | list[Attribute] | None = None
    """Attribute, or several, with one limit per value; one limit for all if left out."""
    nodes: PositiveInt = 1
    """Copies of the limiter, each with limits of its own; calls go to them in turns."""
    tokens: PositiveFloat = 1.0
    """Tokens a call takes."""
    tokens_from: CountAttribute | None = None
    """Attribute that says how many tokens a call takes instead."""
    when_limited: Literal["reject", "wait"] = "reject"
    """What happens without a token."""
    max_wait: PositiveDuration | None = None
    """Longest wait for a token, with `when_limited: wait`; without end if left out."""
    pushback: PositiveDuration | None = None
    """When a refused caller should try again, if it heeds that (`Retry-After`)."""
    latency: DurationDistribution | None = None
    """Time the check itself takes (a round trip to Redis)."""

    @model_validator(mode="after")
    def _waits(self) -> "RateLimiter":
        if self.max_wait is not None and self.when_limited == "reject":
            raise ValueError("`max_wait` needs `when_limited: wait`")
        return self

    def build(self, name: str, site: Site) -> "RateLimiterServer":
        return RateLimiterServer(name, site, self)

    @property
    def refuses(self) -> bool:
        return True

    def on_paper(self, attributes: Means) -> Paper:
        return Paper(delay_s=0.0 if self.latency is None else float(self.latency.mean))


class RateLimiterServer(Server):
    """One limit per key and node, made when the key first appears."""

    spec: RateLimiter

    def __init__(self, name: str, site: Site, spec: RateLimiter) -> None:
        super().__init__(name, site, spec)
        self.latency = (
            None if spec.latency is None else site.durations_of(name, "check", spec.latency)
        )
        self.limits: dict[object, Limiter] = {}
        self.next_node = cycle(range(spec.nodes)).__next__
        self.patience_s = 0.0
        if spec.when_limited == "wait":
            self.patience_s = NEVER if spec.max_wait is None else spec.max_wait
        self.served = self.limited = 0
        self.meter(site, "served_total", lambda: self.served)
        self.meter(site, "refused_total", lambda: self.limited)
        self.meter(site, "keys", lambda: len(self.limits))

    def call(self, request: Request) -> Flow:
        spec, clock = self.spec, self.clock
        if self.latency is not None:
            yield self.latency(request)
        tokens = spec.tokens
        if spec.tokens_from is not None:
            tokens = request.attributes[spec.tokens_from]
        seconds = self._limit(request).take(tokens, clock.now, self.patience_s)
        if seconds is None:
            self.limited += 1
            if spec.pushback is not None:
                push_back(request, self.name, spec.pushback)
            return Outcome.REJECTED_RATE_LIMIT
        if seconds > 0.0:
            if request.visit is not None:
                request.visit.wait += seconds
            yield seconds
        self.served += 1
        return Outcome.OK

    def _limit(self, request: Request) -> Limiter:
        spec, attributes = self.spec, request.attributes
        key: object = None
        if isinstance(spec.key, list):
            key = tuple(attributes.get(name) for name in spec.key)
        elif spec.key is not None:
            key = attributes.get(spec.key)
        if spec.nodes > 1:
            key = (self.next_node(), key)
        limit = self.limits.get(key)
        if limit is None:
            limit = spec.algorithm.limiter(spec.rate, spec.burst, self.clock.now)
            self.limits[key] = limit
        return limit
