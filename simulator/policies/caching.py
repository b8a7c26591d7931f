"""What a cache does with keys: expiry, single flight, stale answers, early refresh, writes."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from math import log
from typing import Literal

from simulator.kernel.outcome import Outcome
from simulator.kernel.request import NEVER, Call, Flow, Request
from simulator.kernel.site import Draw, Site
from simulator.policies.eviction import EvictionName, store_of

OK = Outcome.OK
FOREVER = float("inf")
WriteName = Literal["invalidate", "through", "around", "back"]


@dataclass(frozen=True)
class Caching:
    """How a keyed cache behaves; seconds, and None for what is off."""

    capacity: int | None = None
    eviction: EvictionName = "lru"
    ttl_s: float | None = None
    ttl_jitter: float = 0.0
    slides: bool = False
    coalesce: bool = False
    lease_s: float | None = None
    revalidate_s: float = 0.0
    if_error_s: float = 0.0
    beta: float | None = None
    negative_s: float | None = None


class Entry:
    """What is known about a key: since and until when, and how long fetching it took (s)."""

    __slots__ = ("expires", "fetch_s", "fetched_at", "outcome")

    def __init__(
        self, fetched_at: float, expires: float, fetch_s: float, outcome: Outcome = OK
    ) -> None:
        self.fetched_at = fetched_at
        self.expires = expires
        self.fetch_s = fetch_s
        self.outcome = outcome


class Flight:
    """A fetch under way, and who waits for it."""

    __slots__ = ("began", "outcome", "waiting")

    def __init__(self, began: float) -> None:
        self.began = began
        self.outcome: Outcome | None = None
        self.waiting: list[Request] = []


class KeyedCache:
    """The entries of one cache and the rules for using them.

    Everyone who missed is served ``on_miss``; with single flight, all but the first wait for the
    first (nginx ``proxy_cache_lock``, Go ``singleflight``). A waiter whose leader was cancelled,
    or has taken longer than the lease, takes over.
    """

    def __init__(self, site: Site, owner: str, rules: Caching) -> None:
        self.clock = site.clock
        self.probe = site.probe
        self.rules = rules
        uniform = site.uniforms(owner, "eviction") if rules.eviction == "random" else None
        self.store = store_of(rules.eviction, rules.capacity or 2**62, uniform)
        self.jitter = site.uniforms(owner, "ttl")
        self.early = site.uniforms(owner, "early_refresh")
        self.flights: dict[Hashable, Flight] = {}
        self.fetch: Call
        self.hits = self.misses = self.stale = self.fetches = self.coalesced = 0

    def meters(self) -> dict[str, Callable[[], float]]:
        """Hits, misses, stale answers, fetches from the origin, waiters for another's fetch."""
        return {
            "hits_total": lambda: self.hits,
            "misses_total": lambda: self.misses,
            "served_total": lambda: self.hits + self.misses + self.stale,
            "stale_total": lambda: self.stale,
            "fetches_total": lambda: self.fetches,
            "coalesced_total": lambda: self.coalesced,
            "keys": lambda: len(self.store),
        }

    def warm(self, keys: Draw, ages: Draw, rate: float, seconds: float) -> None:
        """Hold what evenly spaced look-ups of the time before the run have left.

        A key seen for the first time is given what is left of a life that began at some time
        before; otherwise all popular keys would expire together, again and again.
        """
        count = round(rate * seconds)
        life_s = FOREVER if self.rules.ttl_s is None else self.rules.ttl_s
        for number in range(count):
            key, now = keys(), (number - count) / rate
            known: Entry | None = self.store.get(key)
            if known is None:
                self.store.put(key, Entry(now, now + life_s * (1.0 - ages()), 0.0))
            elif now >= known.expires:
                self.store.put(key, Entry(now, now + self._ttl(life_s), 0.0))
            elif self.rules.slides:
                known.expires = now + self._ttl(life_s)

    def fresh(self, key: Hashable) -> Entry | None:
        """The valid entry of the key, or None if it has to be fetched."""
        rules, now = self.rules, self.clock.now
        entry: Entry | None = self.store.get(key)
        if entry is None or now >= entry.expires:
            return None
        if rules.beta is not None and rules.ttl_s is not None:
            # XFetch: the nearer the expiry and the dearer the fetch, the likelier it is made now.
            ahead = -entry.fetch_s * rules.beta * log(max(self.early(), 1e-300))
            if now + ahead >= entry.expires and key not in self.flights:
                return None
        self.hits += 1
        if rules.slides and rules.ttl_s is not None:
            entry.expires = now + self._ttl(rules.ttl_s)
        return entry

    def miss(self, request: Request, key: Hashable) -> Flow:
        """Fetch, wait for somebody else's fetch, or answer from a stale entry."""
        rules, now = self.rules, self.clock.now
        entry: Entry | None = self.store.get(key)
        if entry is not None and entry.expires <= now < entry.expires + rules.revalidate_s:
            self._answer_stale(request)
            if key not in self.flights:
                behind = request.branch()
                behind.deadline = NEVER
                if behind.visit is not None:
                    behind.visit = self.probe.background_visit()
                behind.start(self._lead(behind, key))
            return OK
        self.misses += 1
        outcome = yield from self._fetched(request, key)
        if outcome is OK or entry is None or entry.outcome is not OK:
            return outcome
        if self.clock.now < entry.expires + rules.if_error_s:
            self._answer_stale(request)
            return OK
        return outcome

    def write(self, request: Request, key: Hashable, origin: Call, how: WriteName) -> Flow:
        """Write to the origin, and treat the entry as the write policy says.

        ``back`` answers once the cache has the value and writes to the origin behind the scenes;
        what has not been written when the cache is lost is lost.
        """
        if how == "back":
            self._keep(key, 0.0, OK)
            behind = request.branch()
            behind.deadline = NEVER
            if behind.visit is not None:
                behind.visit = self.probe.background_visit()
            behind.start(origin(behind))
            return OK
        outcome = yield from origin(request)
        if outcome is OK:
            if how == "through":
                self._keep(key, 0.0, OK)
            elif how == "invalidate":
                self.store.drop(key)
        return outcome

    def _answer_stale(self, request: Request) -> None:
        self.stale += 1
        request.degraded = Outcome.STALE_OK

    def _fetched(self, request: Request, key: Hashable) -> Flow:
        while self.rules.coalesce:
            flight = self.flights.get(key)
            left_s = None if flight is None else self._lease_left(flight)
            if flight is None or (left_s is not None and left_s <= 0.0):
                break
            self.coalesced += 1
            flight.waiting.append(request)
            began = self.clock.now
            try:
                yield left_s
            except BaseException:
                if request in flight.waiting:
                    flight.waiting.remove(request)
                raise
            if request in flight.waiting:
                flight.waiting.remove(request)
            if request.visit is not None:
                request.visit.wait += self.clock.now - began
            if flight.outcome is not None:
                return flight.outcome
            entry: Entry | None = self.store.get(key)
            if entry is not None and self.clock.now < entry.expires:
                return entry.outcome
        return (yield from self._lead(request, key))

    def _lead(self, request: Request, key: Hashable) -> Flow:
        began = self.clock.now
        flight = Flight(began)
        known = self.flights.get(key)
        left_s = None if known is None else self._lease_left(known)
        mine = known is None or (left_s is not None and left_s <= 0.0)
        if mine:
            self.flights[key] = flight
        self.fetches += 1
        try:
            outcome = yield from self.fetch(request)
            if outcome is Outcome.CANCELLED:
                return outcome
            flight.outcome = outcome
            if outcome is OK or self.rules.negative_s is not None:
                self._keep(key, self.clock.now - began, outcome)
        finally:
            if mine:
                self._land(key, flight)
        return outcome

    def _land(self, key: Hashable, flight: Flight) -> None:
        """Tell those who wait for this fetch, or for a later one that it was sooner than."""
        waiting, flight.waiting = flight.waiting, []
        latest = self.flights.get(key)
        if latest is flight:
            del self.flights[key]
        elif latest is not None and flight.outcome is OK:
            waiting += latest.waiting
            latest.waiting = []
        # Not at once: one that fails may withdraw its sibling, which can be the fetcher itself.
        for request in waiting:
            self.clock.resume_at(self.clock.now, request)

    def _lease_left(self, flight: Flight) -> float | None:
        """Seconds that others still wait for this fetch; None for as long as it takes."""
        lease_s = self.rules.lease_s
        return None if lease_s is None else flight.began + lease_s - self.clock.now

    def _keep(self, key: Hashable, fetch_s: float, outcome: Outcome) -> None:
        rules = self.rules
        seconds = rules.ttl_s if outcome is OK else rules.negative_s
        if outcome is not OK:
            stale: Entry | None = self.store.get(key)
            if stale is not None and stale.outcome is OK and rules.if_error_s > 0.0:
                return
        now, known = self.clock.now, self.store.get(key)
        if (
            fetch_s
            and known is not None
            and known.expires > now
            and known.fetched_at > now - fetch_s
        ):
            # Filled by another fetch meanwhile, as memcached's `add`: its time to live stands.
            return
        expires = FOREVER if seconds is None else now + self._ttl(seconds)
        self.store.put(key, Entry(now, expires, fetch_s, outcome))

    def _ttl(self, seconds: float) -> float:
        jitter = self.rules.ttl_jitter
        return seconds * (1.0 + jitter * (2.0 * self.jitter() - 1.0)) if jitter else seconds
