"""Databases that lose their primaries."""

from typing import Any, ClassVar, Literal

from simulator.kernel.component import Component
from simulator.kernel.fault import Effect, Switch
from simulator.kernel.site import Site


class PrimaryLost(Effect):
    """The primary node of every shard of a database is gone: `primary_lost: true`.

    With `failover`, writes fail for as long as it takes to detect the loss and to elect a
    replica; without, until the fault is over. Queries under way on the node still finish.
    """

    key: ClassVar[str] = "primary_lost"
    everywhere: Literal[True] = True
    """Always true."""

    def misfit(self, component: Component) -> tuple[str, str] | None:
        return None if component.kind == "database" else ("has no primary to lose", "use `down`")

    def heals_after_s(self, component: Component) -> float | None:
        failover = getattr(component, "failover", None)
        return None if failover is None else float(failover.detect + failover.elect)

    def install(self, site: Site, target: str, place: str) -> Switch:
        def database() -> Any:
            return site.servers[target]

        return Switch(
            lambda: database().lose_primary(),
            lambda: database().regain_primary(),
        )

    def sentence(self, targets: str) -> str:
        return f"{targets} loses its primary"
