"""Components that answer before they are done."""

from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Request


def answering(body: Call) -> Call:
    """The call as its caller sees it when ``body`` may respond early.

    The body runs in a branch of its own. The caller goes on when the body responds, or when it
    ends without having done so.
    """

    def call(request: Request) -> Flow:
        answer: Outcome | None = None
        parked = False

        def caller(outcome: Outcome) -> None:
            nonlocal answer
            if answer is None:
                answer = outcome
                request.adopt(branch)
                if parked:
                    request.resume()

        branch = request.branch()
        branch.caller = caller
        branch.on_end = lambda ended: caller(ended.outcome or Outcome.ERROR)
        branch.start(body(branch))
        if answer is None:
            parked = True
            request.awaiting = (branch,)
            yield None
            request.awaiting = ()
        branch.on_end = branch.caller = None
        assert answer is not None
        return answer

    return call
