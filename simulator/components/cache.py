"""A cache: by a fixed hit ratio, or by key with capacity, expiry and eviction."""

from collections.abc import Callable
from functools import partial
from typing import ClassVar, Literal

from pydantic import Field, NonNegativeFloat, PositiveInt, model_validator

from simulator.kernel.amount import DurationAmount
from simulator.kernel.component import Component, Means, Paper, Server
from simulator.kernel.outcome import Outcome
from simulator.kernel.references import Attribute
from simulator.kernel.request import Call, Flow, Request
from simulator.kernel.site import Site
from simulator.kernel.spec import Spec
from simulator.kernel.step import Step, all_on_paper, in_sequence
from simulator.policies.caching import Caching, KeyedCache
from simulator.policies.eviction import EvictionName
from simulator.quantities import (
    AttributeDistribution,
    Duration,
    Fraction,
    PositiveCount,
    PositiveDuration,
    PositiveRate,
)


class LookUps(Spec):
    """Look-ups that came before the run: the keys they asked for, how often, for how long."""

    keys: AttributeDistribution
    """Which keys; the distribution of the attribute that is the `key`."""
    rate: PositiveRate
    """Look-ups per second (of the simulated cell)."""
    duration: Duration
    """How long; for a steady state twice the time to live, or longer if it takes so to fill."""


class Cache(Component):
    """Looks up an answer and runs `on_miss` when it is not there.

    With `hit_ratio`, each look-up hits with that probability, independently. With `key`, the
    cache holds up to `capacity` keys, evicts by `eviction`, forgets a key `ttl` after it was
    written, and learns a key when `on_miss` has succeeded. An answer from an expired entry is
    degraded (`stale_ok`).
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
    """How long a key is valid."""
    ttl_jitter: Fraction = 0.0
    """Spread of the time to live: drawn evenly within this share above and below `ttl`."""
    expire: Literal["after_write", "after_access"] = "after_write"
    """Whether the time to live counts from the write, or starts again at each use."""
    eviction: EvictionName = "lru"
    """Which key goes when the cache is full."""
    expect: Fraction | None = None
    """Share of hits to reckon with on paper, for a cache with keys; none if left out."""
    warmed_by: LookUps | None = None
    """Look-ups before the run that have filled it; it begins empty if left out."""
    nodes: PositiveInt = 1
    """Copies that share nothing, each with `capacity` keys of its own; look-ups go to any."""
    coalesce: Literal["none", "cache", "global"] = "none"
    """Whether misses for a key that is being fetched wait for that fetch (single flight), at the
    same node (`cache`) or at any (`global`)."""
    lease: PositiveDuration | None = None
    """Longest wait for somebody else's fetch, after which one more begins (Facebook's leases:
    10 s; nginx `proxy_cache_lock_age`: 5 s); without end if left out."""
    stale_while_revalidate: Duration = 0.0
    """How long an expired entry is served while it is fetched in the background (RFC 5861)."""
    stale_if_error: Duration = 0.0
    """How long an expired entry is served when the fetch fails (RFC 5861)."""
    early_refresh: NonNegativeFloat | None = None
    """Fetch before expiry with growing probability: the beta of XFetch (Vattani 2015), mostly 1."""
    negative_ttl: PositiveDuration | None = None
    """How long a failed fetch is remembered and answered with an error at once."""
    write: Literal["invalidate", "through", "around", "back"] = "invalidate"
    """What calls with `operation: write` do to the entry, beside running `on_write`."""
    on_miss: list[Step] = Field(default_factory=list)
    """What to do on a miss, for example `[{call: database}]`."""
    on_hit: list[Step] = Field(default_factory=list)
    """What to do on a hit."""
    on_write: list[Step] = Field(default_factory=list)
    """What to do for `operation: write`; `on_miss` if left out."""

    @model_validator(mode="after")
    def _ratio_or_key(self) -> "Cache":
        if (self.hit_ratio is None) == (self.key is None):
            raise ValueError("a cache has either `hit_ratio` or `key`")
        if self.key is None:
            keyed = {"capacity", "ttl", "coalesce", "nodes", "lease", "early_refresh",
                     "negative_ttl", "write", "stale_while_revalidate", "stale_if_error", "expire",
                     "warmed_by", "expect"}  # fmt: skip
            given = sorted(keyed & self.model_fields_set)
            if given:
                raise ValueError(f"`{given[0]}` needs a `key`: with `hit_ratio` there are no keys")
        if self.lease is not None and self.coalesce == "none":
            raise ValueError("`lease` has no effect without `coalesce`: nobody waits")
        needing = ("ttl_jitter", "stale_while_revalidate", "stale_if_error", "early_refresh")
        given = [name for name in needing if getattr(self, name)]
        if self.ttl is None and given:
            raise ValueError(f"`{given[0]}` has no effect without a `ttl`: nothing ever expires")
        return self

    def build(self, name: str, site: Site) -> "CacheServer":
        return CacheServer(name, site, self)

    def on_paper(self, attributes: Means) -> Paper:
        paper = Paper(delay_s=self.lookup.mean(attributes))
        hit_ratio = self.expect or 0.0 if self.hit_ratio is None else self.hit_ratio
        if self.hit_ratio is None and self.expect is None and self.on_miss:
            paper.notes.append(
                "the hit ratio of a keyed cache is not known on paper: 0 taken (or `expect`)"
            )
        missing = Paper()
        all_on_paper(self.on_miss, missing, 1.0 - hit_ratio, attributes)
        paper.add(missing, spared=self.key is not None)
        all_on_paper(self.on_hit, paper, hit_ratio, attributes)
        return paper


class CacheServer(Server):
    """Counts hits and misses; the entries are kept by a :class:`KeyedCache`."""

    spec: Cache

    def __init__(self, name: str, site: Site, spec: Cache) -> None:
        super().__init__(name, site, spec)
        self.lookup = spec.lookup.measure(site, name, "lookup")
        self.chance = site.uniforms_of(name, "hits")
        self.cold = False
        self.hits = self.misses = 0
        self.keyed: KeyedCache | None = None
        self.nodes: list[KeyedCache] = []
        self.key = str(spec.key)
        if spec.key is not None:
            caching = Caching(
                capacity=spec.capacity,
                eviction=spec.eviction,
                ttl_s=spec.ttl,
                ttl_jitter=spec.ttl_jitter,
                slides=spec.expire == "after_access",
                coalesce=spec.coalesce != "none",
                lease_s=spec.lease,
                revalidate_s=spec.stale_while_revalidate,
                if_error_s=spec.stale_if_error,
                beta=spec.early_refresh,
                negative_s=spec.negative_ttl,
            )
            self._build_nodes(site, caching)
        else:
            self.meter(site, "hits_total", lambda: self.hits)
            self.meter(site, "misses_total", lambda: self.misses)
            self.meter(site, "served_total", lambda: self.hits + self.misses)

    def _build_nodes(self, site: Site, caching: Caching) -> None:
        name, spec, number = self.name, self.spec, self.spec.nodes
        owners = [name] if number == 1 else [f"{name}.{node}" for node in range(number)]
        self.nodes = [KeyedCache(site, owner, caching) for owner in owners]
        self.keyed = self.nodes[0]
        if spec.warmed_by is not None:
            keys = site.draws(name, "warmed_by", spec.warmed_by.keys)
            ages = site.uniforms(name, "warmed_by.ages")
            for node in self.nodes:
                node.warm(keys, ages, spec.warmed_by.rate / number, spec.warmed_by.duration)
        if spec.coalesce == "global":
            for node in self.nodes:
                node.flights = self.keyed.flights
        readings = [node.meters() for node in self.nodes]
        for meter in readings[0]:
            parts = [reading[meter] for reading in readings]
            self.meter(site, meter, parts[0] if number == 1 else partial(_total, parts))

    def connect(self, site: Site) -> None:
        spec = self.spec
        self.on_miss = in_sequence(spec.on_miss, site, self, "miss")
        self.on_hit = in_sequence(spec.on_hit, site, self, "hit") if spec.on_hit else None
        self.on_write = in_sequence(spec.on_write or spec.on_miss, site, self, "write")
        for node in self.nodes:
            node.fetch = self.on_miss

    def worker(self, site: Site) -> None:
        """A cache has nobody to do `work`."""

    def flush(self, begins: bool) -> None:
        self.cold = begins
        if begins:
            for node in self.nodes:
                node.store.clear()

    def call(self, request: Request) -> Flow:
        seconds = self.lookup(request)
        if seconds > 0.0:
            yield seconds
            if request.visit is not None:
                request.visit.service += seconds
        keyed = self.keyed
        if keyed is None:
            proceed = self._by_ratio(request)
            return Outcome.OK if proceed is None else (yield from proceed(request))
        if len(self.nodes) > 1:
            keyed = self.nodes[int(self.chance(request) * len(self.nodes))]
        key = request.attributes[self.key]
        if request.operation == "write":
            return (yield from keyed.write(request, key, self.on_write, self.spec.write))
        entry = keyed.fresh(key)
        if entry is None:
            return (yield from keyed.miss(request, key))
        if self.on_hit is not None:
            return (yield from self.on_hit(request))
        return entry.outcome

    def _by_ratio(self, request: Request) -> Call | None:
        """How to go on after the look-up: on a hit as usual, there may be nothing left to do."""
        assert self.spec.hit_ratio is not None
        if self.chance(request) < self.spec.hit_ratio and not self.cold:
            self.hits += 1
            return self.on_hit
        self.misses += 1
        return self.on_miss


def _total(parts: list[Callable[[], float]]) -> float:
    return sum(part() for part in parts)
