"""Hold a worker for a while."""

from typing import Any, ClassVar

from simulator.kernel.amount import DurationAmount
from simulator.kernel.component import Means, Paper
from simulator.kernel.request import Call, Flow, Request
from simulator.kernel.site import Site
from simulator.kernel.step import Owner, Step


class Work(Step):
    """Keep one worker of the component busy: `work: {p50: 1ms, p99: 6ms}`.

    The request waits in the component's queue if every worker is busy.
    """

    key: ClassVar[str] = "work"
    amount: DurationAmount
    """How long: a duration, a distribution, or `{base: 2ms, per: {attribute: a, each: 1ms}}`."""

    @classmethod
    def from_value(cls, value: Any) -> Any:
        return {"amount": value}

    leads: ClassVar[bool] = True

    def build(self, site: Site, owner: Owner, place: str) -> Call:
        return self._built(None, site, owner, place)

    def build_before(self, rest: Call, site: Site, owner: Owner, place: str) -> Call:
        return self._built(rest, site, owner, place)

    def _built(self, rest: Call | None, site: Site, owner: Owner, place: str) -> Call:
        worker = owner.worker(site)
        assert worker is not None, f"{owner.name} has no workers"
        measure = self.amount.measure(site, owner.name, f"work{place}")

        def work(request: Request) -> Flow:
            return worker(request, measure(request), rest)

        return work

    def on_paper(self, paper: Paper, times: float, attributes: Means) -> None:
        paper.service_s += times * self.amount.mean(attributes)
