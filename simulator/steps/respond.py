"""Answer the caller now and keep going."""

from typing import Any, ClassVar

from simulator.kernel.component import Means, Paper
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Request
from simulator.kernel.site import Site
from simulator.kernel.step import Owner, Step


class Respond(Step):
    """The caller has its answer; the steps that follow run on in the background: `respond: {}`."""

    key: ClassVar[str] = "respond"

    @classmethod
    def from_value(cls, value: Any) -> Any:
        return value or {}

    def build(self, site: Site, owner: Owner, place: str) -> Call:
        probe = site.probe

        def respond(request: Request) -> Flow:
            caller = request.caller
            if caller is not None:
                request.caller = None
                caller(Outcome.OK)
                if request.visit is not None:
                    request.visit = probe.background_visit()
            return Outcome.OK
            yield

        return respond

    def on_paper(self, paper: Paper, times: float, attributes: Means) -> None:
        """Asks for nothing."""
