"""A way in that can be shut, with everybody inside thrown out."""

from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Request


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
            branch.caller = request.caller
            branch.start(call(branch))
            if branch.outcome is None:
                branch.on_end = lambda _: request.resume()
                request.awaiting = (branch,)
                inside[branch] = request
                thrown_out = False
                try:
                    yield None
                finally:
                    thrown_out = inside.pop(branch, None) is None
                    request.awaiting = ()
                    branch.on_end = None
                if thrown_out:
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
                    del self.inside[branch]
                    branch.on_end = None
                    branch.cancel()
                    waiting.resume()

    def open(self) -> None:
        """Take calls again once nothing else keeps the door shut."""
        self.shut_by -= 1
