"""A store that many may try to change at once."""

from typing import Literal

from pydantic import Field

from simulator.kernel.component import Component, Means, Paper, Server
from simulator.kernel.outcome import Outcome
from simulator.kernel.references import Attribute
from simulator.kernel.request import Flow, Request
from simulator.kernel.site import Site
from simulator.kernel.step import Step, all_on_paper, in_sequence

OK = Outcome.OK


class VersionedStore(Component):
    """Optimistic concurrency control: read a row with its version, then write if it still holds.

    A call reads the version of the row, runs `steps` (the way back to the client, its thinking,
    the way of the write) and writes. If another call has written meanwhile, the answer is
    `error`, and a retry starts with a fresh read. With `key`, every value of that attribute is a
    row of its own; otherwise there is one row. Source: the model behind "Exponential backoff and
    jitter" (M. Brooker, AWS architecture blog, 2015).
    """

    kind: Literal["versioned_store"] = "versioned_store"
    key: Attribute | None = None
    """Attribute that names the row; one row for all if left out."""
    steps: list[Step] = Field(default_factory=list)
    """What happens between the read and the write."""

    def build(self, name: str, site: Site) -> "VersionedStoreServer":
        return VersionedStoreServer(name, site, self)

    def on_paper(self, attributes: Means) -> Paper:
        paper = Paper(notes=["conflicts are not known on paper: none taken"])
        all_on_paper(self.steps, paper, 1.0, attributes)
        return paper


class VersionedStoreServer(Server):
    """Versions by row."""

    spec: VersionedStore

    def __init__(self, name: str, site: Site, spec: VersionedStore) -> None:
        super().__init__(name, site, spec)
        self.versions: dict[object, int] = {}
        self.writes = self.conflicts = 0
        self.meter(site, "writes_total", lambda: self.writes)
        self.meter(site, "conflicts_total", lambda: self.conflicts)

    def connect(self, site: Site) -> None:
        steps = self.spec.steps
        self.steps = in_sequence(steps, site, self) if steps else None

    def worker(self, site: Site) -> None:
        """A store has nobody to do `work`."""

    def call(self, request: Request) -> Flow:
        key = None if self.spec.key is None else request.attributes[self.spec.key]
        version = self.versions.get(key, 0)
        if self.steps is not None:
            outcome = yield from self.steps(request)
            if outcome is not OK:
                return outcome
        self.writes += 1
        if self.versions.get(key, 0) != version:
            self.conflicts += 1
            return Outcome.ERROR
        self.versions[key] = version + 1
        return OK
