"""Messages that cannot be processed."""

from typing import ClassVar

from simulator.kernel.fault import Effect, Switch
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Request
from simulator.kernel.site import Site
from simulator.quantities import Fraction


class Poison(Effect):
    """A share of the requests that reach the component crashes it every time: `poison: 1%`.

    Unlike `errors`, the verdict belongs to the request and stays with it: trying again never
    helps, and a broker redelivers such a message until it becomes a dead letter. The target is
    what processes the message, such as the service that a broker's consumers call.
    """

    key: ClassVar[str] = "poison"
    share: Fraction
    """Share of the requests that are poisonous."""

    def install(self, site: Site, target: str, place: str) -> Switch:
        chance, share, mark = site.uniforms_of(place, "poison"), self.share, f"(poison of {target})"
        active = [False]

        def gate(call: Call) -> Call:
            def guarded(request: Request) -> Flow:
                attributes = request.attributes
                if active[0] and mark not in attributes:
                    attributes[mark] = chance(request) < share
                outcome = yield from call(request)
                return Outcome.ERROR if attributes.get(mark) else outcome

            return guarded

        site.add_gate(target, gate)

        def turn(on: bool) -> None:
            active[0] = on

        return Switch(lambda: turn(True), lambda: turn(False))

    def sentence(self, targets: str) -> str:
        return f"{self.share:.0%} of the messages to {targets} are poisonous"
