"""Start something and do not wait for it."""

from typing import Any, ClassVar

from pydantic import Field

from simulator.kernel.component import Means, Paper
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import NEVER, Call, Flow, Request
from simulator.kernel.site import Site
from simulator.kernel.step import Owner, Step, all_on_paper, in_sequence


class Spawn(Step):
    """Fire and forget: `spawn: [{call: usage_log}]`. The request goes on at once."""

    key: ClassVar[str] = "spawn"
    steps: list[Step] = Field(min_length=1)
    """What to start."""

    @classmethod
    def from_value(cls, value: Any) -> Any:
        return {"steps": value} if isinstance(value, list) else value

    def build(self, site: Site, owner: Owner, place: str) -> Call:
        body = in_sequence(self.steps, site, owner, f"{place}.")
        probe = site.probe

        def spawn(request: Request) -> Flow:
            branch = request.branch()
            branch.deadline = NEVER
            if branch.visit is not None:
                branch.visit = probe.background_visit()
            branch.start(body(branch))
            return Outcome.OK
            yield

        return spawn

    def on_paper(self, paper: Paper, times: float, attributes: Means) -> None:
        beside = Paper()
        all_on_paper(self.steps, beside, times, attributes)
        beside.delay_s = 0.0
        paper.add(beside)
