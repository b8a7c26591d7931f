"""A store that loses what it holds."""

from typing import ClassVar, Literal

from simulator.kernel.component import Component
from simulator.kernel.fault import Effect, Switch
from simulator.kernel.site import Site


class Flush(Effect):
    """The component forgets everything it keeps in memory: `flush: true`.

    Caches start empty. A cache given by its hit ratio misses every look-up for as long as the
    fault lasts; without a `for`, it is refilled at once, since it has no keys to refill.
    """

    key: ClassVar[str] = "flush"
    momentary: ClassVar[bool] = True
    everything: Literal[True] = True
    """Always true."""

    def misfit(self, component: Component) -> tuple[str, str] | None:
        if component.forgets:
            return None
        return "keeps nothing in memory that could be flushed", "flush a cache"

    def install(self, site: Site, target: str, place: str) -> Switch:
        def begin() -> None:
            site.servers[target].flush(True)

        def end() -> None:
            site.servers[target].flush(False)

        return Switch(begin, end)

    def sentence(self, targets: str) -> str:
        return f"{targets} is flushed"
