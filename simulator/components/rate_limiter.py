"""Admits so many calls per unit of time."""

from typing import Literal

from pydantic import PositiveFloat

from simulator.kernel.component import Component, Means, Paper, Server
from simulator.kernel.outcome import Outcome
from simulator.kernel.references import Attribute
from simulator.kernel.request import Flow, Request
from simulator.kernel.site import Site
from simulator.policies.token_bucket import TokenBucket
from simulator.quantities import DurationDistribution, PositiveCount, PositiveRate


class RateLimiter(Component):
    """A token bucket, one per value of `key`: `rate` tokens per second up to `burst`.

    A call takes a token. Without one it is refused (`rejected_rate_limit`, HTTP 429) or, with
    `when_limited: wait`, waits in order for the token that will be its own. Tokens drip in
    continuously; the bucket starts full.
    """

    kind: Literal["rate_limiter"] = "rate_limiter"
    rate: PositiveRate
    """Tokens per second, per key."""
    burst: PositiveCount = 1
    """Most tokens a bucket holds."""
    key: Attribute | None = None
    """Request attribute with one bucket per value; one bucket for all if left out."""
    tokens: PositiveFloat = 1.0
    """Tokens a call takes."""
    tokens_from: Attribute | None = None
    """Attribute that says how many tokens a call takes instead."""
    when_limited: Literal["reject", "wait"] = "reject"
    """What happens without a token."""
    latency: DurationDistribution | None = None
    """Time the check itself takes (a round trip to Redis)."""

    def build(self, name: str, site: Site) -> "RateLimiterServer":
        return RateLimiterServer(name, site, self)

    def on_paper(self, attributes: Means) -> Paper:
        return Paper(delay_s=0.0 if self.latency is None else float(self.latency.mean))


class RateLimiterServer(Server):
    """One bucket per key, made when the key first appears."""

    spec: RateLimiter

    def __init__(self, name: str, site: Site, spec: RateLimiter) -> None:
        super().__init__(name, site, spec)
        self.latency = None if spec.latency is None else site.durations(name, "check", spec.latency)
        self.buckets: dict[object, TokenBucket] = {}
        self.served = self.limited = 0
        self.meter(site, "served_total", lambda: self.served)
        self.meter(site, "refused_total", lambda: self.limited)
        self.meter(site, "keys", lambda: len(self.buckets))

    def call(self, request: Request) -> Flow:
        spec, clock = self.spec, self.clock
        if self.latency is not None:
            yield self.latency()
        key = None if spec.key is None else request.attributes.get(spec.key)
        bucket = self.buckets.get(key)
        if bucket is None:
            bucket = self.buckets[key] = TokenBucket(spec.rate, spec.burst, clock.now)
        taken = spec.tokens
        if spec.tokens_from is not None:
            taken = request.attributes[spec.tokens_from]
        if spec.when_limited == "wait":
            seconds = bucket.reserve(taken, clock.now)
            if seconds > 0.0:
                if request.visit is not None:
                    request.visit.wait += seconds
                yield seconds
        elif not bucket.take(taken, clock.now):
            self.limited += 1
            return Outcome.REJECTED_RATE_LIMIT
        self.served += 1
        return Outcome.OK
