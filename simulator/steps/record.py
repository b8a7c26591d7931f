"""Measure something of one's own."""

from typing import Any, ClassVar

from pydantic import Field

from simulator.kernel.component import Means, Paper
from simulator.kernel.outcome import Outcome
from simulator.kernel.references import Attribute
from simulator.kernel.request import Call, Flow, Request
from simulator.kernel.site import Site
from simulator.kernel.step import Owner, Step


class Record(Step):
    """Note a value under a name of your own: `record: freshness` notes the age of the request.

    The age is the time since the request arrived, so a `record` at the end of an asynchronous
    path measures how long data takes to get there. With `attribute`, that attribute is noted.
    """

    key: ClassVar[str] = "record"
    metric: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """Name of the metric; it appears in results, claims and objectives like any other."""
    attribute: Attribute | None = None
    """Attribute to note instead of the age."""

    @classmethod
    def from_value(cls, value: Any) -> Any:
        return {"metric": value} if isinstance(value, str) else value

    def build(self, site: Site, owner: Owner, place: str) -> Call:
        note, clock, attribute = site.probe.metric(self.metric), site.clock, self.attribute

        def record(request: Request) -> Flow:
            if attribute is None:
                note(clock.now - request.arrived)
            else:
                note(float(request.attributes[attribute]))
            return Outcome.OK
            yield

        return record

    def on_paper(self, paper: Paper, times: float, attributes: Means) -> None:
        """Asks for nothing."""
