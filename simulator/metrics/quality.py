"""How good the answers are, over the classes of requests that the design marks.

A class counts if some request of it, failed ones included, has a quality other than 1; where none
has, all count, and the quality is 1. The mean is over good answers: a failed request has none.
Classes that nobody marks would all count as perfect, and hide the answers that are marked, the
more of them come or the more of the others fail.
"""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.metrics.window import Window

Table = dict[str, Any]


def marked_kinds(windows: Sequence[Window]) -> tuple[int, ...]:
    """Classes of requests, by position, in which some request is marked; none if none is."""
    found: set[int] = set()
    for window in windows:
        found |= set(window.requests["kind"][window.requests["quality"] != 1.0].tolist())
    return tuple(sorted(found))


def quality_samples(
    windows: Sequence[Window], kinds: Collection[int]
) -> "list[NDArray[np.float64]]":
    """Qualities of the good answers of some classes (empty: of all), by replication."""
    samples = []
    for window in windows:
        keep = window.good
        if kinds:
            keep = keep & np.isin(window.requests["kind"], list(kinds))
        samples.append(window.requests["quality"][keep].astype(np.float64))
    return samples


def quality_parts(windows: Sequence[Window]) -> Table:
    """``marked`` classes, and of every class the good answers and their total, by replication.

    With these the quality of one design can be had over the classes that another one marks.
    Empty if there is only one class.
    """
    kinds = windows[0].recording.kinds
    if len(kinds) < 2:
        return {}
    columns = {name: quality_samples(windows, [kind]) for kind, name in enumerate(kinds)}
    return {
        "marked": [kinds[kind] for kind in marked_kinds(windows)],
        "answers": {
            name: [[len(values), float(values.sum())] for values in column]
            for name, column in columns.items()
        },
    }


def with_same_classes(tables: Sequence[Table]) -> list[Table]:
    """Tables of estimates of several designs, with quality over what any of them marks."""
    rows = [table.get("quality", {}) for table in tables]
    marked = {name for row in rows for name in row.get("marked", ())}
    return [
        {**table, "quality": _over(row, marked)}
        if "answers" in row and set(row["marked"]) != marked
        else table
        for table, row in zip(tables, rows, strict=True)
    ]


def _over(row: Table, marked: Collection[str]) -> Table:
    """The quality of a design over these classes; over its own if it answers none of them."""
    parts = [counts for name, counts in row["answers"].items() if name in marked]
    sums = np.array(parts, dtype=np.float64).sum(axis=0) if parts else np.zeros((1, 2))
    if not sums[:, 0].all():
        return row
    pooled = sums.sum(axis=0)
    return {
        **row,
        "pooled": float(pooled[1] / pooled[0]),
        "each": (sums[:, 1] / sums[:, 0]).tolist(),
    }
