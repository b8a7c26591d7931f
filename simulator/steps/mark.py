"""Note how good the answer is."""

from typing import Any, ClassVar

from simulator.kernel.component import Means, Paper
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Request
from simulator.kernel.site import Site
from simulator.kernel.step import Owner, Step
from simulator.quantities import FractionDistribution


class Mark(Step):
    """Set the quality of the answer: `mark: {quality: 92%}`.

    Quality is a factor between 0 and 1 and starts at 1; several marks multiply. `degraded` counts
    the answer as a fallback.
    """

    key: ClassVar[str] = "mark"
    quality: FractionDistribution
    """Factor on the quality so far."""
    degraded: bool = False
    """Whether the answer counts as `fallback_ok`."""

    @classmethod
    def from_value(cls, value: Any) -> Any:
        return value if isinstance(value, dict) and "quality" in value else {"quality": value}

    def build(self, site: Site, owner: Owner, place: str) -> Call:
        quality = site.draws_of(owner.name, f"mark{place}", self.quality)
        degraded = self.degraded

        def mark(request: Request) -> Flow:
            request.quality *= quality(request)
            if degraded:
                request.degraded = Outcome.FALLBACK_OK
            return Outcome.OK
            yield

        return mark

    def on_paper(self, paper: Paper, times: float, attributes: Means) -> None:
        """Asks for nothing."""
