"""A cache: by a fixed hit ratio, or by key with capacity, expiry and eviction."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from simulator.kernel.amount import DurationAmount
from simulator.kernel.component import Component, Means, Paper, Server
from simulator.kernel.outcome import Outcome
from simulator.kernel.references import Attribute
from simulator.kernel.request import Flow, Request
from simulator.kernel.site import Site
from simulator.kernel.step import Step, all_on_paper, in_sequence
from simulator.policies.eviction import EvictionName, store_of
from simulator.quantities import Fraction, PositiveCount, PositiveDuration


class Cache(Component):
    """Looks up an answer and runs `on_miss` when it is not there.

    With `hit_ratio`, each look-up hits with that probability, independently. With `key`, the
    cache holds up to `capacity` keys, evicts by `eviction`, forgets a key `ttl` after it was
    written, and learns a key when `on_miss` has succeeded.
    """

    kind: Literal["cache"] = "cache"
    forgets: ClassVar[bool] = True
    lookup: DurationAmount
    """Time of a look-up."""
    hit_ratio: Fraction | None = None
    """Probability of a hit, for a cache without keys."""
    key: Attribute | None = None
    """Attribute that is looked up."""
    capacity: PositiveCount | None = None
    """Keys it can hold; unbounded if left out."""
    ttl: PositiveDuration | None = None
    """How long a key is valid after it was written."""
    eviction: EvictionName = "lru"
    """Which key goes when the cache is full."""
    on_miss: list[Step] = Field(default_factory=list)
    """What to do on a miss, for example `[{call: database}]`."""
    on_hit: list[Step] = Field(default_factory=list)
    """What to do on a hit."""

    @model_validator(mode="after")
    def _ratio_or_key(self) -> "Cache":
        if (self.hit_ratio is None) == (self.key is None):
            raise ValueError("a cache has either `hit_ratio` or `key`")
        return self

    def build(self, name: str, site: Site) -> "CacheServer":
        return CacheServer(name, site, self)

    def on_paper(self, attributes: Means) -> Paper:
        paper = Paper(delay_s=self.lookup.mean(attributes))
        hit_ratio = self.hit_ratio
        if hit_ratio is None:
            hit_ratio = 0.0
            if self.on_miss:
                paper.notes.append("the hit ratio of a keyed cache is not known on paper: 0 taken")
        all_on_paper(self.on_miss, paper, 1.0 - hit_ratio, attributes)
        all_on_paper(self.on_hit, paper, hit_ratio, attributes)
        return paper


class CacheServer(Server):
    """Counts hits and misses; holds the keys."""

    spec: Cache

    def __init__(self, name: str, site: Site, spec: Cache) -> None:
        super().__init__(name, site, spec)
        self.lookup = spec.lookup.measure(site, name, "lookup")
        self.hits = self.misses = 0
        self.cold = False
        self.uniform = site.uniforms(name, "hits")
        self.store = store_of(spec.eviction, spec.capacity or 2**62)
        self.meter(site, "hits_total", lambda: self.hits)
        self.meter(site, "misses_total", lambda: self.misses)
        self.meter(site, "served_total", lambda: self.hits + self.misses)
        if spec.key is not None:
            self.meter(site, "keys", lambda: len(self.store))

    def connect(self, site: Site) -> None:
        self.on_miss = in_sequence(self.spec.on_miss, site, self, "miss")
        self.on_hit = in_sequence(self.spec.on_hit, site, self, "hit")

    def worker(self, site: Site) -> None:
        """A cache has nobody to do `work`."""

    def call(self, request: Request) -> Flow:
        seconds = self.lookup(request)
        if seconds > 0.0:
            yield seconds
            if request.visit is not None:
                request.visit.service += seconds
        if self._hit(request):
            self.hits += 1
            return (yield from self.on_hit(request))
        self.misses += 1
        outcome = yield from self.on_miss(request)
        if outcome is Outcome.OK and self.spec.key is not None:
            self.store.put(request.attributes[self.spec.key], self.clock.now)
        return outcome

    def flush(self, begins: bool) -> None:
        self.cold = begins
        self.store.clear()

    def _hit(self, request: Request) -> bool:
        spec = self.spec
        if spec.hit_ratio is not None:
            return self.uniform() < spec.hit_ratio and not self.cold
        assert spec.key is not None
        written = self.store.get(request.attributes[spec.key])
        if written is None:
            return False
        return spec.ttl is None or self.clock.now - written < spec.ttl
