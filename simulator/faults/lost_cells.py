"""Cells that fail, and whose traffic the others take."""

from math import gcd
from typing import ClassVar

from pydantic import Field, model_validator

from simulator.faults.spike import surge
from simulator.kernel.fault import Effect, Switch
from simulator.kernel.site import Site


class LostCells(Effect):
    """Of `of` identical cells, `cells` are lost and the rest share the traffic evenly.

    One cell is simulated: each survivor gets `of / (of - cells)` times its usual rate.
    """

    key: ClassVar[str] = "lost_cells"
    aims: ClassVar[bool] = False
    cells: int = Field(ge=1)
    """Cells that are lost."""
    of: int = Field(ge=2)
    """Cells there are."""

    @model_validator(mode="after")
    def _some_survive(self) -> "LostCells":
        if self.cells >= self.of:
            raise ValueError("at least one cell has to survive")
        return self

    def install(self, site: Site, target: str, place: str) -> Switch:
        return surge(site, self.of / (self.of - self.cells))

    def sentence(self, targets: str) -> str:
        size = gcd(self.cells, self.of)
        lost, among = self.cells // size, self.of // size
        return f"{lost} in {among} cells {'is' if lost == 1 else 'are'} lost"
