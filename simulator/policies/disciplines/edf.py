"""The nearest deadline first."""

from typing import ClassVar

from simulator.kernel.request import Request
from simulator.policies.disciplines.discipline import Ranked


class EarliestDeadline(Ranked):
    """Earliest deadline first (Liu and Layland 1973); requests without a deadline come last."""

    key: ClassVar[str] = "edf"

    def rank(self, request: Request) -> float:
        return request.deadline
