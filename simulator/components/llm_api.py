"""A language model behind somebody else's API."""

from typing import Literal

from pydantic import Field, PositiveInt

from simulator.kernel.component import Component, Means, Paper, Server
from simulator.kernel.outcome import Outcome
from simulator.kernel.references import CountAttribute
from simulator.kernel.request import Flow, Request
from simulator.kernel.site import Site
from simulator.kernel.spec import Spec
from simulator.kernel.station import meters_of
from simulator.policies.queueing import Queueing
from simulator.policies.token_bucket import TokenBucket
from simulator.quantities import (
    DurationDistribution,
    Fraction,
    PositiveRate,
    UsdPerToken,
)


class TokenPrice(Spec):
    """Price of tokens, for example `{input: $2.5/Mtok, output: $10/Mtok}`."""

    input: UsdPerToken = 0.0
    """Per prompt token."""
    output: UsdPerToken = 0.0
    """Per generated token."""


class ProviderLimits(Spec):
    """What the provider admits per unit of time; a call beyond it is answered `rejected_quota`
    (HTTP 429)."""

    requests: PositiveRate | None = None
    """Requests, for example `10k/min`."""
    tokens: PositiveRate | None = None
    """Prompt plus generated tokens, for example `2M/min`."""

    def quota_s(self, tokens: float) -> float:
        """Seconds' worth of the scarcer limit that a call with so many tokens takes."""
        calls = 1.0 / self.requests if self.requests else 0.0
        return max(calls, tokens / self.tokens if self.tokens else 0.0)


class LlmApi(Component):
    """A provider's model: time to the first token, then one token at a time.

    Latency is `first_token + per_token * (output tokens - 1)`, without a queue of ours: the
    provider scales. Limits are token buckets that hold one minute's worth. An error comes back
    after the time to the first token and costs nothing.
    """

    kind: Literal["llm_api"] = "llm_api"
    external: bool = True
    first_token: DurationDistribution
    """Time to the first token, TTFT (queueing and prefill at the provider)."""
    per_token: DurationDistribution
    """Time per further token, TPOT, drawn once per request."""
    input_tokens: CountAttribute = Field("input_tokens", validate_default=True)
    """Attribute with the number of prompt tokens."""
    output_tokens: CountAttribute = Field("output_tokens", validate_default=True)
    """Attribute with the number of generated tokens."""
    output_tokens_max: PositiveInt | None = None
    """Generation stops after so many tokens."""
    errors: Fraction = 0.0
    """Share of calls answered with an error (5xx)."""
    limits: ProviderLimits = ProviderLimits()
    """Rate limits of the account."""
    concurrency: PositiveInt | None = None
    """Most calls at once (a connection pool); others wait."""
    price: TokenPrice = TokenPrice()
    """Price of tokens."""

    def build(self, name: str, site: Site) -> "LlmApiServer":
        return LlmApiServer(name, site, self)

    def on_paper(self, attributes: Means) -> Paper:
        prompt = attributes.get(self.input_tokens, 0.0)
        generated = attributes.get(self.output_tokens, 1.0)
        seconds = float(self.first_token.mean) + float(self.per_token.mean) * max(
            generated - 1.0, 0.0
        )
        paper = Paper(
            cost_usd=prompt * self.price.input + generated * self.price.output,
            quota_s=self.limits.quota_s(prompt + generated),
        )
        if self.concurrency is None:
            paper.delay_s = seconds
        else:
            paper.servers, paper.service_s = float(self.concurrency), seconds
        return paper

    @property
    def refuses(self) -> bool:
        return self.limits.quota_s(1.0) > 0.0


class LlmApiServer(Server):
    """Streams answers; refuses beyond the account's limits."""

    spec: LlmApi

    def __init__(self, name: str, site: Site, spec: LlmApi) -> None:
        super().__init__(name, site, spec)
        self.first_token = site.durations_of(name, "first_token", spec.first_token)
        self.per_token = site.durations_of(name, "per_token", spec.per_token)
        self.chance = site.uniforms_of(name, "errors")
        self.served = self.limited = self.failed = 0
        self.prompt_tokens = self.generated_tokens = 0.0
        self.station = None
        if spec.concurrency is not None:
            self.station = Queueing().station(site.clock, spec.concurrency)
            self.meters(site, meters_of([self.station]))
        else:
            self.meter(site, "served_total", lambda: self.served)
        self.meter(site, "limited_total", lambda: self.limited)
        self.meter(site, "failed_total", lambda: self.failed)
        self.meter(site, "prompt_tokens_total", lambda: self.prompt_tokens)
        self.meter(site, "generated_tokens_total", lambda: self.generated_tokens)
        now = site.clock.now
        limits = spec.limits
        self.request_bucket = limits.requests and TokenBucket(
            limits.requests, limits.requests * 60, now
        )
        self.token_bucket = limits.tokens and TokenBucket(limits.tokens, limits.tokens * 60, now)

    def call(self, request: Request) -> Flow:
        prompt = float(request.attributes.get(self.spec.input_tokens, 0.0))
        generated = max(float(request.attributes.get(self.spec.output_tokens, 1.0)), 1.0)
        if self.spec.output_tokens_max is not None:
            generated = min(generated, float(self.spec.output_tokens_max))
        if not self._admitted(prompt + generated):
            self.limited += 1
            return _over_limit()
        if self.station is None:
            return self._generate(request, prompt, generated)
        return self.station.hold(request, lambda held: self._generate(held, prompt, generated))

    def _generate(self, request: Request, prompt: float, generated: float) -> Flow:
        first = self.first_token(request)
        yield first
        if self.spec.errors and self.chance(request) < self.spec.errors:
            self.failed += 1
            return Outcome.ERROR
        request.first_token = self.clock.now
        each = self.per_token(request)
        if generated > 1.0:
            request.per_token = each
        stream = each * (generated - 1.0)
        if stream > 0.0:
            yield stream
        self.served += 1
        self.prompt_tokens += prompt
        self.generated_tokens += generated
        price = self.spec.price
        self.charge(request, prompt * price.input + generated * price.output)
        if request.visit is not None and self.station is None:
            request.visit.service += first + stream
        return Outcome.OK

    def _admitted(self, tokens: float) -> bool:
        now = self.clock.now
        if self.token_bucket and self.token_bucket.level < tokens:
            self.token_bucket.take(0.0, now)
            if self.token_bucket.level < tokens:
                return False
        if self.request_bucket and not self.request_bucket.take(1.0, now):
            return False
        return not self.token_bucket or self.token_bucket.take(tokens, now)


def _over_limit() -> Flow:
    return Outcome.REJECTED_QUOTA
    yield
