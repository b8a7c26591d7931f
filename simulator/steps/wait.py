"""Let time pass without holding anything."""

from typing import Any, ClassVar

from simulator.kernel.amount import DurationAmount
from simulator.kernel.component import Means, Paper
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Request
from simulator.kernel.site import Site
from simulator.kernel.step import Owner, Step


class Wait(Step):
    """A pure delay: `wait: 20ms`. No worker is held, so any number may wait at once."""

    key: ClassVar[str] = "wait"
    amount: DurationAmount
    """How long."""

    @classmethod
    def from_value(cls, value: Any) -> Any:
        return {"amount": value}

    def build(self, site: Site, owner: Owner, place: str) -> Call:
        measure = self.amount.measure(site, owner.name, f"wait{place}")

        def wait(request: Request) -> Flow:
            yield measure(request)
            return Outcome.OK

        return wait

    def on_paper(self, paper: Paper, times: float, attributes: Means) -> None:
        paper.delay_s += times * self.amount.mean(attributes)
