"""A component that takes longer."""

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from simulator.kernel.fault import Effect, Switch
from simulator.kernel.site import Site


def read_factor(value: Any) -> Any:
    """A factor as people write it: ``10x`` or ``10``."""
    if isinstance(value, str) and value.strip().lower().endswith("x"):
        return value.strip()[:-1]
    return value


Factor = Annotated[float, BeforeValidator(read_factor), Field(gt=0.0, le=1e6)]
"""A positive factor such as ``10x``."""


class Slow(Effect):
    """Every duration of the component is multiplied: `slow: 10x`.

    What is already being worked on finishes at its old pace. Only what the component does itself is
    slowed; the components it calls keep theirs.
    """

    key: ClassVar[str] = "slow"
    factor: Factor
    """How much longer everything takes, such as `10x`."""

    def install(self, site: Site, target: str, place: str) -> Switch:
        pace = site.slowable(target)

        def begin() -> None:
            pace[0] *= self.factor
            site.servers[target].stretch(self.factor)

        def end() -> None:
            pace[0] /= self.factor
            site.servers[target].stretch(1.0 / self.factor)

        return Switch(begin, end)

    def sentence(self, targets: str) -> str:
        return f"{targets} is {self.factor:g}x slower"
