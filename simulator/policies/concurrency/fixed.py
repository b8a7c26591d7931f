"""A limit that stays where it is."""

from typing import ClassVar

from pydantic import PositiveInt

from simulator.kernel.site import Draw
from simulator.policies.concurrency.limit import ConcurrencyLimit, Controller


class Fixed(ConcurrencyLimit):
    """So many at once: `fixed: 100`."""

    key: ClassVar[str] = "fixed"
    limit: PositiveInt
    """Calls in flight."""

    def controller(self, uniform: Draw) -> Controller:
        controller = Controller()
        controller.limit = float(self.limit)
        return controller
