"""A component that fails some of its calls."""

from typing import ClassVar

from simulator.kernel.fault import Effect, Switch
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Request
from simulator.kernel.site import Site
from simulator.quantities import Fraction


class Errors(Effect):
    """A share of the calls, drawn independently, is answered with an error: `errors: 50%`.

    The error comes at once and the component does no work for it.
    """

    key: ClassVar[str] = "errors"
    share: Fraction
    """Share of calls that fail."""

    def install(self, site: Site, target: str, place: str) -> Switch:
        chance, share = site.uniforms_of(place, "errors"), self.share
        active = [False]

        def gate(call: Call) -> Call:
            def guarded(request: Request) -> Flow:
                if active[0] and chance(request) < share:
                    return Outcome.ERROR
                return (yield from call(request))

            return guarded

        site.add_gate(target, gate)

        def turn(on: bool) -> None:
            active[0] = on

        return Switch(lambda: turn(True), lambda: turn(False))

    def sentence(self, targets: str) -> str:
        return f"{self.share:.0%} of the calls of {targets} fail"
