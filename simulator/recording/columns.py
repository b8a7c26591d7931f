"""Append-only typed columns."""

from array import array
from collections.abc import Callable
from typing import Any

import numpy as np

_NUMPY = {"d": np.float64, "f": np.float32, "B": np.uint8, "H": np.uint16, "I": np.uint32,
          "i": np.int32}  # fmt: skip


class Columns:
    """A table that grows by appending to one array per column.

    ``Columns(arrived="d", kind="B")`` has the columns ``arrived`` (float64) and ``kind`` (uint8);
    type codes are those of the :mod:`array` module. A row is written with one call per column.
    """

    def __init__(self, **codes: str) -> None:
        self._columns: dict[str, array[Any]] = {name: array(code) for name, code in codes.items()}
        self.appends: tuple[Callable[[Any], None], ...] = tuple(
            column.append for column in self._columns.values()
        )
        """The ``append`` of every column, in order: unpack once, call often."""

    def __len__(self) -> int:
        return len(next(iter(self._columns.values()), ()))

    def frozen(self) -> dict[str, np.ndarray[Any, Any]]:
        """One numpy array per column, in order of declaration."""
        return {
            name: np.frombuffer(column, dtype=_NUMPY[column.typecode]).copy()
            if len(column)
            else np.empty(0, _NUMPY[column.typecode])
            for name, column in self._columns.items()
        }
