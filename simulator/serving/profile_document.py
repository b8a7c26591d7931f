"""The kernel tables in a profile's JSON, checked: every malformed part is told by its path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.quantities.problem import PROBLEMS_MAX, Problem
from simulator.serving.errors import ProfileError
from simulator.serving.profile_reader import TIME_US_MAX, KernelTables

if TYPE_CHECKING:
    from simulator.serving.profile_reader import Rows

__all__ = ["ProfileDocument"]


class ProfileDocument:
    """A profile as JSON has it; `tables`, `number` and `text` read parts and note mistakes."""

    def __init__(self, file: str, document: dict[str, Any]) -> None:
        self.file = file
        self.document = document
        self.problems: list[Problem] = []

    def refuse(self, where: str, message: str) -> None:
        """Note a mistake; JSON has no lines, so the path says where."""
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(Problem(self.file, 1, 1, f"`{where}` {message}"))

    def raise_if_any(self) -> None:
        """Raise everything that was noted."""
        if self.problems:
            raise ProfileError(self.problems)

    def text(self, name: str) -> str:
        """A text of the document."""
        value = self.document.get(name)
        if not isinstance(value, str) or not value:
            self.refuse(name, f"is {_shown(value)}, not a text")
        return str(value)

    def layers(self) -> int:
        """The number of layers."""
        value = self.document.get("layers")
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            self.refuse("layers", f"is {_shown(value)}, not a whole number above 0")
            return 1
        return value

    def degrees(self, name: str) -> dict[int, Any]:
        """A mapping whose keys are tensor-parallel degrees."""
        part = self._mapping(self.document.get(name), name)
        found = {}
        for key, value in part.items():
            if key.isdigit() and int(key) > 0:
                found[int(key)] = value
            else:
                self.refuse(f"{name}.{key}", "is no tensor-parallel degree")
        return found

    def tables(self) -> dict[int, KernelTables]:
        """The kernels of each degree, sorted as calibration sorts them."""
        found = {}
        for degree, table in self.degrees("tables").items():
            where = f"tables.{degree}"
            part = self._mapping(table, where)
            layered = {
                kind: {
                    layer: sorted(self._rows(rows, 2, f"{where}.{kind}.{layer}"))
                    for layer, rows in self._mapping(part.get(kind), f"{where}.{kind}").items()
                }
                for kind in ("dense", "per_sequence")
            }
            found[degree] = KernelTables(
                layered["dense"],
                layered["per_sequence"],
                self._rows(part.get("attention"), 5, f"{where}.attention"),
                self._rows(part.get("moe", []), 3, f"{where}.moe", empty=True),
            )
        return found

    def numbers(self, values: Any, where: str) -> tuple[float, ...]:
        """A list of numbers."""
        try:
            if isinstance(values, list):
                return tuple(float(value) for value in values)
        except (TypeError, ValueError):
            pass
        self.refuse(where, "is no list of numbers")
        return ()

    def _mapping(self, value: Any, where: str) -> dict[str, Any]:
        if isinstance(value, dict) and value:
            return value
        self.refuse(where, f"is {_shown(value)}, a mapping with entries is needed")
        return {}

    def _rows(self, value: Any, width: int, where: str, *, empty: bool = False) -> Rows:
        """Rows of `width` numbers of zero or more, of which the last, a time, is above zero."""
        if empty and value == []:
            return []
        if not isinstance(value, list) or not value:
            self.refuse(where, f"is {_shown(value)}, a list of rows is needed")
            return []
        try:
            table = np.asarray(value, dtype=float)
        except (TypeError, ValueError):
            table = np.zeros((0, 0))
        if table.shape != (len(value), width):
            self.refuse(where, f"needs rows of {width} numbers")
            return []
        times = table[:, -1]
        bad = ~(table >= 0.0).all(axis=1) | ~np.isfinite(table).all(axis=1)
        bad |= ~((times > 0.0) & (times <= TIME_US_MAX))
        for number in np.flatnonzero(bad)[:PROBLEMS_MAX]:
            self.refuse(f"{where}.{number}", f"is {value[number]}: counts of zero or more, then a "
                        f"time above zero and at most {TIME_US_MAX:g} us")  # fmt: skip
        return [tuple(row) for row in value]


def _shown(value: Any) -> str:
    if value is None:
        return "missing"
    if isinstance(value, dict | list):
        return "empty" if not value else "a list" if isinstance(value, list) else "a mapping"
    return repr(value)[:40]
