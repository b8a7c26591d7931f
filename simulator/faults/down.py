"""A component that is gone."""

from typing import ClassVar

from simulator.kernel.door import Door
from simulator.kernel.fault import Effect, Switch
from simulator.kernel.request import Call
from simulator.kernel.site import Site


class Down(Effect):
    """The component crashed: calls inside break off, and new ones fail at once with an error.

    Work that the component had begun elsewhere goes on there unless its call says
    `cancel_on_timeout`. What the component holds in memory survives; combine with `flush`
    otherwise. What takes calls elsewhere than where it works (a stream, whose broker holds the
    events while its tasks are gone) goes on taking them.
    """

    key: ClassVar[str] = "down"
    abrupt: bool = True
    """Whether calls inside break off (a crash), or finish first (a drained node: `false`)."""

    def install(self, site: Site, target: str, place: str) -> Switch:
        door = Door()

        def gate(call: Call) -> Call:
            return call if site.servers[target].intake_survives else door.gate(call)

        site.add_gate(target, gate)

        def shut() -> None:
            site.servers[target].halt()
            door.shut(break_off=self.abrupt)

        def open_again() -> None:
            door.open()
            if not door.shut_by:
                site.servers[target].restore()

        return Switch(shut, open_again)

    def sentence(self, targets: str) -> str:
        return f"{targets} is down"
