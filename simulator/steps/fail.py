"""End the visit badly."""

from typing import Any, ClassVar, Literal

from simulator.kernel.component import Means, Paper
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Request
from simulator.kernel.site import Site
from simulator.kernel.step import Owner, Step
from simulator.quantities import Fraction


class Fail(Step):
    """Answer with something other than ok: `fail: error`, or `fail: {share: 0.5%}`."""

    key: ClassVar[str] = "fail"
    outcome: Literal[
        "error",
        "timeout",
        "rejected_rate_limit",
        "rejected_quota",
        "rejected_overload",
        "rejected_breaker",
        "rejected_queue_full",
        "abandoned",
        "cancelled",
    ] = "error"
    """What to answer."""
    share: Fraction = 1.0
    """Share of the requests that fail here; the others go on."""

    @classmethod
    def from_value(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"share": value} if value.strip().endswith("%") else {"outcome": value}
        return value or {}

    def build(self, site: Site, owner: Owner, place: str) -> Call:
        outcome, share = Outcome(self.outcome), self.share
        chance = site.uniforms_of(owner.name, f"fail{place}")

        def fail(request: Request) -> Flow:
            return outcome if chance(request) < share else Outcome.OK
            yield

        return fail

    def on_paper(self, paper: Paper, times: float, attributes: Means) -> None:
        """Asks for nothing."""
