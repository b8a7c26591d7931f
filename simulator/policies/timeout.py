"""A bound on how long a caller waits."""

from typing import Literal

from simulator.kernel.clock import Clock
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Request
from simulator.kernel.timers import Timers

CancelMode = Literal["none", "in_queue", "in_service"]
"""What happens to work whose caller gave up.

``none``: it runs on and its result is thrown away (HTTP/1, most databases). ``in_queue``: it is
taken out if it still waits. ``in_service``: it stops wherever it is (gRPC with cancellation).
"""


def timed(clock: Clock, call: Call, seconds: float, cancel: CancelMode) -> Call:
    """The call, answered ``TIMEOUT`` after ``seconds``.

    The callee runs in a branch of its own, since it may go on after the caller has left.
    """
    timers = Timers(clock, seconds)

    def timed_call(request: Request) -> Flow:
        branch = request.branch()
        branch.deadline = min(request.deadline, clock.now + seconds)
        branch.keep_on_cancel = cancel == "none"
        branch.start(call(branch))
        if branch.outcome is None:
            branch.on_end = lambda _: request.resume()
            request.awaiting = (branch,)
            timers.watch(request, branch)
            yield None
            request.awaiting = ()
            if branch.outcome is None:
                give_up(branch, cancel)
                return Outcome.TIMEOUT
        request.adopt(branch)
        return branch.outcome

    return timed_call


def give_up(branch: Request, cancel: CancelMode) -> None:
    """Stop waiting for a branch, and stop its work as far as the callee learns of it."""
    branch.on_end = None
    if cancel == "in_service":
        branch.cancel()
    elif cancel == "in_queue":
        leave_queues(branch)


def leave_queues(branch: Request) -> None:
    """Cancel what stands in a queue, in this branch and in what it waits for."""
    if branch.queued:
        branch.cancel()
        return
    for child in branch.awaiting:
        leave_queues(child)
