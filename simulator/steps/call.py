"""Call another component."""

from typing import Any, ClassVar

from pydantic import Field

from simulator.kernel.component import Means, Paper
from simulator.kernel.outcome import Outcome
from simulator.kernel.references import Target
from simulator.kernel.request import Call as CallFunction
from simulator.kernel.request import Flow, Request
from simulator.kernel.site import Site
from simulator.kernel.step import Owner, Step, all_on_paper, in_sequence
from simulator.policies.calling import Calling

OK = Outcome.OK


class Call(Calling, Step):
    """Call a component and wait for its answer: `call: database`, or with policies.

    An answer that is not ok ends the visit with that outcome, unless `on_failure` says what to
    do instead or `optional` lets the visit go on without the answer.
    """

    key: ClassVar[str] = "call"
    to: Target
    """The component to call."""
    operation: str | None = None
    """What to ask for, where the component offers several (`read`, `write`)."""
    optional: bool = False
    """Go on without the answer if the call fails; the answer then counts as degraded."""
    on_failure: list[Step] = Field(default_factory=list)
    """Steps to run instead when the call fails."""

    @classmethod
    def from_value(cls, value: Any) -> Any:
        return {"to": value} if isinstance(value, str) else value

    def build(self, site: Site, owner: Owner, place: str) -> CallFunction:
        call = self.apply(site.link(self.to), site, f"{owner.name}.call{place}", self.to)
        if self.operation is not None:
            call = asking(call, self.operation)
        if self.on_failure:
            return _with_plan_b(call, in_sequence(self.on_failure, site, owner, f"{place}.else"))
        return _optional(call) if self.optional else call

    def on_paper(self, paper: Paper, times: float, attributes: Means) -> None:
        paper.add_call(self.to, times, times if self.refuses else 0.0)
        paper.delay_s += times * self.extra_delay_s
        all_on_paper(self.on_failure, paper, 0.0, attributes)


def asking(call: CallFunction, operation: str) -> CallFunction:
    """The call for one of the operations that a component offers."""

    def ask(request: Request) -> Flow:
        outer = request.operation
        request.operation = operation
        try:
            return (yield from call(request))
        finally:
            request.operation = outer

    return ask


def _with_plan_b(call: CallFunction, plan_b: CallFunction) -> CallFunction:
    def attempt(request: Request) -> Flow:
        outcome = yield from call(request)
        # A caller that was taken out of a queue has given up: nobody waits for a plan B.
        if outcome is OK or outcome is Outcome.CANCELLED:
            return outcome
        return (yield from plan_b(request))

    return attempt


def _optional(call: CallFunction) -> CallFunction:
    def attempt(request: Request) -> Flow:
        outcome = yield from call(request)
        if outcome is Outcome.CANCELLED:
            return outcome
        if outcome is not OK:
            request.degraded = Outcome.FALLBACK_OK
        return OK

    return attempt
