"""A component that is gone."""

from typing import ClassVar

from simulator.kernel.fault import Effect, Switch
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Request
from simulator.kernel.site import Site


class Down(Effect):
    """The component crashed: calls inside break off, and new ones fail at once with an error.

    Work that the component had begun elsewhere goes on there unless its call says
    `cancel_on_timeout`. What the component holds in memory survives; combine with `flush`
    otherwise.
    """

    key: ClassVar[str] = "down"
    abrupt: bool = True
    """Whether calls inside break off (a crash), or finish first (a drained node: `false`)."""

    def install(self, site: Site, target: str, place: str) -> Switch:
        door = Door()
        site.add_gate(target, door.gate)

        def shut() -> None:
            site.servers[target].halt()
            door.shut(break_off=self.abrupt)

        def open_again() -> None:
            door.open()
            if not door.shut_by:
                site.servers[target].restore()

        return Switch(shut, open_again)

    def sentence(self, targets: str) -> str:
        return f"{targets} is down"


class Door:
    """A gate that can be shut: whoever is inside is thrown out, whoever comes is turned away."""

    def __init__(self) -> None:
        self.shut_by = 0
        self.inside: dict[Request, Request] = {}

    def gate(self, call: Call) -> Call:
        """The call behind the door."""
        inside = self.inside

        def guarded(request: Request) -> Flow:
            if self.shut_by:
                return Outcome.ERROR
            # A branch of its own can be cancelled wherever it is, with all it waits for.
            branch = request.branch()
            branch.start(call(branch))
            if branch.outcome is None:
                branch.on_end = lambda _: request.resume()
                request.awaiting = (branch,)
                inside[branch] = request
                try:
                    yield None
                finally:
                    inside.pop(branch, None)
                    request.awaiting = ()
                    branch.on_end = None
                if branch.outcome is Outcome.CANCELLED:
                    return Outcome.ERROR
            request.adopt(branch)
            return branch.outcome or Outcome.ERROR

        return guarded

    def shut(self, *, break_off: bool) -> None:
        """Turn new calls away, and throw out those inside if asked to."""
        self.shut_by += 1
        if break_off:
            for branch, waiting in list(self.inside.items()):
                if branch.outcome is None:
                    branch.on_end = None
                    branch.cancel()
                    waiting.resume()

    def open(self) -> None:
        """Take calls again once nothing else keeps the door shut."""
        self.shut_by -= 1
