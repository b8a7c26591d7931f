"""Regions behind DNS: clients go to theirs, and elsewhere when it is found to be ill."""

from typing import Any, Literal

from pydantic import Field, NonNegativeFloat, PositiveInt

from simulator.kernel.component import Component, Means, Paper, Server
from simulator.kernel.outcome import Outcome
from simulator.kernel.references import Target
from simulator.kernel.request import Call, Flow, Request
from simulator.kernel.site import Site
from simulator.kernel.spec import Spec
from simulator.quantities import DurationDistribution, Fraction, PositiveDuration


class Region(Spec):
    """A region and the clients that are near it."""

    target: Target
    """Component that stands for the region."""
    share: NonNegativeFloat | Fraction = 1.0
    """Share of the clients that are near, relative to the other regions."""
    network: DurationDistribution | None = None
    """Time on the wire for its own clients, there and back together."""
    network_from_afar: DurationDistribution | None = None
    """The same for clients of other regions; `network` if left out."""


class GeoDns(Component):
    """Sends each client to the nearest region that the health checks think is well.

    A probe per `check_interval` goes to each region; `fall` failures in a row make it ill and
    `rise` successes well again (Route 53: 30 s or 10 s, 3). A client learns of a change when its
    cached record expires, which for many clients is uniform over `ttl`. An outage of a region
    thus lasts interval x fall plus up to a TTL for its clients.
    """

    kind: Literal["geo_dns"] = "geo_dns"
    regions: dict[str, Region] = Field(min_length=1)
    """Regions by name; a failed one is replaced by the next well one in this order."""
    check_interval: PositiveDuration = 30.0
    """Time between two probes of a region."""
    check_timeout: PositiveDuration = 4.0
    """A probe without an answer for so long has failed."""
    fall: PositiveInt = 3
    """Failed probes in a row after which a region counts as ill."""
    rise: PositiveInt = 3
    """Good probes in a row after which it counts as well again."""
    ttl: PositiveDuration = 60.0
    """How long clients keep an answer of the DNS."""

    def build(self, name: str, site: Site) -> "GeoDnsServer":
        return GeoDnsServer(name, site, self)

    def on_paper(self, attributes: Means) -> Paper:
        total = sum(region.share for region in self.regions.values()) or 1.0
        paper = Paper()
        for region in self.regions.values():
            paper.add_call(region.target, region.share / total)
            if region.network is not None:
                paper.delay_s += region.share / total * float(region.network.mean)
        return paper


class Checked:
    """A region as its health checks see it."""

    def __init__(self, call: Call, near: Any, far: Any) -> None:
        self.call = call
        self.near = near
        self.far = far
        self.well = True
        self.changed_at = -float("inf")
        self.streak = 0

    def seen_well(self, now: float, age_s: float) -> bool:
        """What a client believes whose record is so old."""
        return self.well if now - self.changed_at >= age_s else not self.well

    def note(self, good: bool, now: float, fall: int, rise: int) -> None:
        """Take the result of a probe into account."""
        self.streak = 0 if good is self.well else self.streak + 1
        if self.streak >= (fall if self.well else rise):
            self.well, self.changed_at, self.streak = not self.well, now, 0


class GeoDnsServer(Server):
    """Draws a home region and the age of the client's record for each request."""

    spec: GeoDns

    def __init__(self, name: str, site: Site, spec: GeoDns) -> None:
        super().__init__(name, site, spec)
        self.home = site.uniforms_of(name, "home")
        self.age = site.uniforms_of(name, "record_age")
        self.sample: dict[str, Any] | None = None
        self.moved = 0
        self.regions: list[Checked] = []
        total = sum(region.share for region in spec.regions.values()) or 1.0
        passed, self.bounds = 0.0, []
        for region in spec.regions.values():
            passed += region.share / total
            self.bounds.append(passed)
        self.meter(site, "moved_total", lambda: self.moved)
        for position, region_name in enumerate(spec.regions):
            self.meter(site, f"well_{region_name}", lambda at=position: self.regions[at].well)  # type: ignore[misc]

    def connect(self, site: Site) -> None:
        for name, region in self.spec.regions.items():
            near = far = None
            if region.network is not None:
                near = far = site.draws_of(self.name, f"{name}.network", region.network)
            if region.network_from_afar is not None:
                far = site.draws_of(
                    self.name, f"{name}.network_from_afar", region.network_from_afar
                )
            self.regions.append(Checked(site.link(region.target), near, far))
        self.clock.call_at(self.spec.check_interval, self._check)

    def call(self, request: Request) -> Flow:
        self.sample = request.attributes
        now, point = self.clock.now, self.home(request)
        age_s = self.age(request) * self.spec.ttl
        home = next((at for at, bound in enumerate(self.bounds) if point < bound), 0)
        chosen = home
        for step in range(len(self.regions)):
            candidate = (home + step) % len(self.regions)
            if self.regions[candidate].seen_well(now, age_s):
                chosen = candidate
                break
        self.moved += chosen != home
        region = self.regions[chosen]
        network = region.near if chosen == home else region.far
        if network is None:
            return (yield from region.call(request))
        half = network(request) / 2.0
        yield half
        outcome = yield from region.call(request)
        yield half
        return outcome

    def _check(self) -> None:
        self.clock.call_at(self.clock.now + self.spec.check_interval, self._check)
        # A probe asks for what the latest client asked for; before the first, all is well.
        if self.sample is not None:
            for region in self.regions:
                self._probe(region, Request(self.clock, -1, 0, dict(self.sample)))

    def _probe(self, region: Checked, probe: Request) -> None:
        spec, clock = self.spec, self.clock

        def ended(request: Request) -> None:
            good = request.outcome is Outcome.OK
            region.note(good, clock.now, spec.fall, spec.rise)

        def expire() -> None:
            if probe.outcome is None:
                probe.on_end = None
                probe.cancel()
                region.note(False, clock.now, spec.fall, spec.rise)

        probe.on_end = ended
        probe.start(region.call(probe))
        if probe.outcome is None:
            clock.call_at(clock.now + spec.check_timeout, expire)
