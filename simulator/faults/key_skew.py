"""Everybody asks for the same thing."""

from typing import Any, ClassVar

from simulator.kernel.fault import Effect, Switch
from simulator.kernel.references import Attribute
from simulator.kernel.request import Request
from simulator.kernel.site import Site
from simulator.quantities import Fraction


class KeySkew(Effect):
    """A share of the requests carries one and the same value of an attribute.

    The value is that of the first request to arrive while the fault lasts: a celebrity, a
    tenant that goes wild, a hot partition.
    """

    key: ClassVar[str] = "key_skew"
    aims: ClassVar[bool] = False
    attribute: Attribute
    """The attribute."""
    share: Fraction = 0.8
    """Share of the requests that get the same value."""

    def install(self, site: Site, target: str, place: str) -> Switch:
        chance, name = site.uniforms_of(place, "key_skew"), self.attribute
        hot: list[Any] = []
        active = [False]

        def prepare(request: Request) -> None:
            if active[0] and name in request.attributes and chance(request) < self.share:
                if not hot:
                    hot.append(request.attributes[name])
                request.attributes[name] = hot[0]

        site.before.append(prepare)

        def turn(on: bool) -> None:
            active[0] = on
            hot.clear()

        return Switch(lambda: turn(True), lambda: turn(False))

    def sentence(self, targets: str) -> str:
        return f"{self.share:.0%} of the requests carry the same {self.attribute}"
