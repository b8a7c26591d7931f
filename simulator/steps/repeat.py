"""Do the same several times."""

from typing import ClassVar

from pydantic import Field

from simulator.kernel.amount import CountAmount
from simulator.kernel.component import Means, Paper
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Request
from simulator.kernel.site import Site
from simulator.kernel.step import Owner, Step, all_on_paper, in_sequence
from simulator.steps.parallel import fork_join

OK = Outcome.OK
TIMES_MAX = 10_000


class Repeat(Step):
    """Run steps several times, one after another or side by side.

    `repeat: {times: 4, steps: [...]}`; `times` may be a distribution or scale with an attribute
    and is rounded. More than 10 000 times is cut to that.
    """

    key: ClassVar[str] = "repeat"
    times: CountAmount
    """How often."""
    steps: list[Step] = Field(min_length=1)
    """What to repeat."""
    parallel: bool = False
    """All at once instead of one after another."""

    def build(self, site: Site, owner: Owner, place: str) -> Call:
        count = self.times.measure(site, owner.name, f"repeat{place}")
        body = in_sequence(self.steps, site, owner, f"{place}.")
        if self.parallel:

            def side_by_side(request: Request) -> Flow:
                copies = min(round(count(request)), TIMES_MAX)
                if copies < 1:
                    return OK
                return (yield from fork_join([body] * copies, copies, None, OK)(request))

            return side_by_side

        def one_by_one(request: Request) -> Flow:
            for _ in range(min(round(count(request)), TIMES_MAX)):
                outcome = yield from body(request)
                if outcome is not OK:
                    return outcome
            return OK

        return one_by_one

    def on_paper(self, paper: Paper, times: float, attributes: Means) -> None:
        repeats = min(self.times.mean(attributes), TIMES_MAX)
        all_on_paper(self.steps, paper, times * repeats, attributes)
