"""A bound on how long a caller waits."""

from typing import TYPE_CHECKING

from simulator.kernel.clock import Clock
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import NEVER, Call, CancelMode, Flow, Request
from simulator.kernel.timers import Timers

if TYPE_CHECKING:
    from simulator.policies.retry import Retrying


def bounded(clock: Clock, call: Call, seconds: float | None, propagate: bool) -> Call:
    """The call with a bound on its whole length, whatever the policies inside it do meanwhile.

    The bound is noted on the request (``request.bound``), and everything inside that lets time
    pass on the caller's side keeps to it: pauses between tries, waiting for permits, and each
    try. ``propagate`` takes over the time that is left upstream, if that is less; a call with
    nothing left fails at once, without queueing (gRPC deadline propagation,
    grpc/grpc-proto service_config.proto).
    """

    def bounded_call(request: Request) -> Flow:
        now = clock.now
        bound = NEVER if seconds is None else now + seconds
        if propagate and request.deadline < bound:
            bound = request.deadline
            if bound <= now:
                return Outcome.TIMEOUT
        request.bound = bound
        outcome = yield from call(request)
        request.bound = NEVER
        return outcome

    return bounded_call


def tried(
    clock: Clock,
    call: Call,
    seconds: float | None,
    total_s: float | None,
    cancel: CancelMode,
    retries: "Retrying | None" = None,
) -> Call:
    """One try, answered ``TIMEOUT`` after ``seconds`` or at the bound of the whole call.

    The callee runs in a branch of its own, since it may go on after the caller has left.
    ``total_s`` is the usual length of the bound: a try that begins with the call can then share
    the alarm clock of all such tries. With ``retries`` it is the first try of the whole call:
    it sets the bound, and leaves to them what did not go well, so that a call that does costs
    no generator more than one that is never tried again.
    """
    limit_s = NEVER if seconds is None else seconds
    own = None if seconds is None else Timers(clock, seconds)
    whole = None if total_s is None else Timers(clock, total_s)
    sets_bound = retries is not None and total_s is not None
    total_s = NEVER if total_s is None else total_s

    def tried_call(request: Request) -> Flow:
        now = clock.now
        if sets_bound:
            request.bound = now + total_s
        bound = request.bound
        until = now + limit_s
        branch = request.branch()
        branch.cancels = cancel
        ends = until if until < bound else bound
        if ends < branch.deadline:
            branch.deadline = ends
        branch.start(call(branch))
        if branch.outcome is None:
            branch.waiter = request
            request.awaiting = (branch,)
            if own is not None and until <= bound:
                own.watch(request, branch)
                yield None
            elif whole is not None and bound == now + total_s:
                whole.watch(request, branch)
                yield None
            else:
                yield None if bound == NEVER else bound - now
            request.awaiting = ()
        outcome = branch.outcome
        if outcome is None:
            branch.cancel()
            outcome = Outcome.TIMEOUT
        else:
            request.adopt(branch)
        if retries is not None:
            if outcome in retries.on:
                outcome = yield from retries.again(request, outcome)
            if sets_bound:
                request.bound = NEVER
        return outcome

    return tried_call


def pause(clock: Clock, request: Request, seconds: float) -> Flow:
    """Wait on the caller's side; answers ``TIMEOUT`` if the bound comes first, else ``OK``."""
    left = request.bound - clock.now
    if seconds >= left:
        yield max(left, 0.0)
        return Outcome.TIMEOUT
    yield seconds
    return Outcome.OK


__all__ = ["CancelMode", "bounded", "pause", "tried"]
