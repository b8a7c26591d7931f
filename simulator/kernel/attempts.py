"""What the tries of one call know of each other."""

from collections.abc import Sequence
from typing import TypeVar

from simulator.kernel.request import Call, Flow, Request

Replica = TypeVar("Replica")


class Attempts:
    """Rides on a request from a caller to the component it calls, and tells both of the tries.

    The component notes in ``replicas`` which of its replicas were tried and, with ``elsewhere``,
    keeps away from them. Who refuses may leave ``pushback_s``, the seconds after which to try
    again, infinite for not at all. ``target`` is the component that is meant: the calls it makes
    in turn are calls of their own.
    """

    __slots__ = ("elsewhere", "pushback_s", "replicas", "target")

    def __init__(self, target: str, elsewhere: bool) -> None:
        self.target = target
        self.elsewhere = elsewhere
        self.replicas: list[object] = []
        self.pushback_s: float | None = None

    def untried(self, replicas: Sequence[Replica]) -> list[Replica]:
        """The replicas a further try should go to; all of them once each was tried."""
        if not self.elsewhere:
            return list(replicas)
        return [replica for replica in replicas if replica not in self.replicas] or list(replicas)

    def take_pushback(self) -> float | None:
        """What the callee asked for, once."""
        seconds, self.pushback_s = self.pushback_s, None
        return seconds


def remembering(call: Call, target: str, elsewhere: bool) -> Call:
    """The call with something to remember its tries by."""

    def remembered(request: Request) -> Flow:
        outer, request.attempts = request.attempts, Attempts(target, elsewhere)
        try:
            return (yield from call(request))
        finally:
            request.attempts = outer

    return remembered


def push_back(request: Request, owner: str, seconds: float) -> None:
    """Tell whoever called ``owner`` when to try again, if the caller cares."""
    attempts = request.attempts
    if attempts is not None and attempts.target == owner:
        attempts.pushback_s = seconds
