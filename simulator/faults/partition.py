"""A network that does not connect two components."""

from typing import ClassVar

from pydantic import Field

from simulator.kernel.fault import Effect, Switch
from simulator.kernel.outcome import Outcome
from simulator.kernel.references import Target
from simulator.kernel.request import Call, Flow, Request
from simulator.kernel.site import Site


class Partition(Effect):
    """Calls between two components get no answer: `partition: {between: [a, b]}`.

    Packets vanish, so a caller waits until its own time-out, or until the partition heals and
    the broken connection is noticed as an error. With `refused`, calls fail at once (a router
    that answers "unreachable"). Both directions are cut; calls by way of others are not.
    """

    key: ClassVar[str] = "partition"
    aims: ClassVar[bool] = False
    between: list[Target] = Field(min_length=2, max_length=2)
    """The two components."""
    refused: bool = False
    """Fail at once instead of hanging."""

    def install(self, site: Site, target: str, place: str) -> Switch:
        one, other = self.between
        cut = Cut(self.refused)
        site.add_cut(one, other, cut.gate)
        site.add_cut(other, one, cut.gate)
        return Switch(cut.begin, cut.heal)

    def sentence(self, targets: str) -> str:
        return f"{self.between[0]} and {self.between[1]} cannot reach each other"


class Cut:
    """A link that swallows calls while it is cut."""

    def __init__(self, refused: bool) -> None:
        self.refused = refused
        self.active = False
        self.hanging: list[Request] = []

    def gate(self, call: Call) -> Call:
        """The call over this link."""

        def guarded(request: Request) -> Flow:
            if not self.active:
                return (yield from call(request))
            if not self.refused:
                self.hanging.append(request)
                try:
                    yield None
                finally:
                    self.hanging.remove(request)
            return Outcome.ERROR

        return guarded

    def begin(self) -> None:
        """Cut the link."""
        self.active = True

    def heal(self) -> None:
        """Connect again; whoever hangs learns that the connection is broken."""
        self.active = False
        for request in list(self.hanging):
            request.resume()
