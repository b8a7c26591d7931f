"""Do several things at once."""

from typing import Any, ClassVar, Literal

from pydantic import Field, PositiveInt

from simulator.kernel.component import Means, Paper
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Request
from simulator.kernel.site import Site
from simulator.kernel.step import Owner, Step, all_on_paper, in_sequence
from simulator.quantities import PositiveDuration

OK = Outcome.OK


class Parallel(Step):
    """Run branches side by side and wait for all, any or some of them.

    `parallel: [{call: a}, {call: b}]` waits for all. With `need: any` or a number, the first so
    many good answers suffice and the rest is cancelled (a quorum). After `timeout` the branches
    that are late are given up: `on_timeout: proceed` goes on with what is there (degraded),
    `fail` answers `timeout`.
    """

    key: ClassVar[str] = "parallel"
    branches: list[Step | list[Step]] = Field(min_length=1)
    """Steps that start together; a branch of several steps is a list."""
    need: Literal["all", "any"] | PositiveInt = "all"
    """How many good answers to wait for."""
    timeout: PositiveDuration | None = None
    """How long to wait for them."""
    on_timeout: Literal["proceed", "fail"] = "fail"
    """What to do when the time is up."""

    @classmethod
    def from_value(cls, value: Any) -> Any:
        return {"branches": value} if isinstance(value, list) else value

    @property
    def quorum(self) -> int:
        """Good answers to wait for."""
        if self.need == "all":
            return len(self.branches)
        return 1 if self.need == "any" else min(int(self.need), len(self.branches))

    def build(self, site: Site, owner: Owner, place: str) -> Call:
        calls = [
            in_sequence(
                branch if isinstance(branch, list) else [branch], site, owner, f"{place}.{number}."
            )
            for number, branch in enumerate(self.branches)
        ]
        late = OK if self.on_timeout == "proceed" else Outcome.TIMEOUT
        return fork_join(calls, self.quorum, self.timeout, late)

    def on_paper(self, paper: Paper, times: float, attributes: Means) -> None:
        for branch in self.branches:
            steps = branch if isinstance(branch, list) else [branch]
            all_on_paper(steps, paper, times, attributes)


def fork_join(calls: list[Call], quorum: int, timeout_s: float | None, late: Outcome) -> Call:
    """Start every call in a branch; answer OK after ``quorum`` good answers.

    As soon as too many have failed for the quorum to be reached, answers with the outcome of the
    last failure. After ``timeout_s`` answers ``late``. Branches still running then are cancelled.
    """
    failures_allowed = len(calls) - quorum

    def join(request: Request) -> Flow:
        good = failed = 0
        outcome: Outcome | None = None
        parked = False
        branches: list[Request] = []

        def ended(branch: Request) -> None:
            nonlocal good, failed, outcome
            if outcome is not None:
                return
            if branch.outcome is OK:
                good += 1
                request.adopt(branch)
                if good == quorum:
                    outcome = OK
            else:
                failed += 1
                if failed > failures_allowed:
                    outcome = branch.outcome
            if outcome is not None and parked:
                request.resume()

        for call in calls:
            branch = request.branch()
            branch.on_end = ended
            branches.append(branch)
            branch.start(call(branch))
            if outcome is not None:
                break
        if outcome is None:
            parked = True
            request.awaiting = tuple(branches)
            yield timeout_s
            parked = False
            request.awaiting = ()
        if outcome is None:
            outcome = late
            if late is OK:
                request.degraded = Outcome.FALLBACK_OK
        for branch in branches:
            branch.on_end = None
            branch.cancel()
        return outcome

    return join
