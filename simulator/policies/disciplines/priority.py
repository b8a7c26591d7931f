"""The urgent first."""

from typing import ClassVar

from simulator.kernel.request import Request
from simulator.policies.disciplines.discipline import Ranked


class Priority(Ranked):
    """By the priority of the request, 0 first; who is served is not interrupted (Cobham 1954)."""

    key: ClassVar[str] = "priority"

    def rank(self, request: Request) -> float:
        return request.priority
