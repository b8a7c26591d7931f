"""What figures over time share: one x axis, the warm-up shaded, faults as bands."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from simulator.present.html.blocks import DataTable, Document
from simulator.present.html.theme import (
    LEFT_OF_TIME,
    RIGHT_OF_TIME,
    VERMILION,
    axis,
    layout,
    translucent,
)
from simulator.present.numbers import seconds

GROUP = "time"
ROWS_MAX = 60


def has_time(timeline: Document | None) -> bool:
    """Whether there is anything to draw over time."""
    return timeline is not None and len(timeline.get("edges", ())) > 1


def centres(timeline: Document) -> list[float]:
    """The middle of each stretch of time (s)."""
    edges = timeline["edges"]
    return [(left + right) / 2.0 for left, right in pairwise(edges)]


def measured(timeline: Document, values: Sequence[float | None]) -> list[float]:
    """The values of stretches after the warm-up, those that are none left out."""
    return [
        value
        for left, value in zip(timeline["edges"][:-1], values, strict=True)
        if value is not None and left >= timeline.get("cut_s", 0.0) - 1e-9
    ]


def time_layout(timeline: Document, *, covered: bool = False, **settings: Any) -> Document:
    """The layout of a figure over time; ``covered`` if the picture leaves no ground to shade."""
    edges = timeline["edges"]
    shapes = []
    annotations = []
    cut_s = timeline.get("cut_s") or 0.0
    if covered and cut_s > edges[0]:
        shapes.append(_edge(cut_s))
    elif cut_s > edges[0]:
        shapes.append(_band(edges[0], min(cut_s, edges[-1]), "rgba(128,128,128,0.18)"))
        annotations.append(_label(edges[0], "warm-up, not counted"))
    for fault in timeline.get("bands", ()):
        if covered:
            shapes += [_edge(fault["from_s"]), _edge(fault["to_s"])]
            continue
        shapes.append(_band(fault["from_s"], fault["to_s"], translucent(VERMILION, 0.15)))
        annotations.append(_label(fault["from_s"], fault["name"]))
    settings.setdefault("margin", {"l": LEFT_OF_TIME, "r": RIGHT_OF_TIME, "t": 8, "b": 44})
    return layout(
        xaxis={**axis("simulated time"), "range": [edges[0], edges[-1]], "ticksuffix": "s",
               "automargin": False},
        shapes=shapes,
        annotations=annotations,
        **settings,
    )  # fmt: skip


def time_table(timeline: Document, caption: str, columns: dict[str, Sequence[str]]) -> DataTable:
    """A row for every stretch of time, or for every so many if there are too many."""
    edges = timeline["edges"]
    every = -(-(len(edges) - 1) // ROWS_MAX)
    rows = [
        (f"{seconds(edges[position])}", *(cells[position] for cells in columns.values()))
        for position in range(0, len(edges) - 1, every)
    ]
    if every > 1:
        caption += f", every {every}th stretch of {seconds(edges[1] - edges[0])}"
    return DataTable(caption, ("from", *columns), rows)


def _band(start_s: float, end_s: float, fill: str) -> Document:
    return {"type": "rect", "yref": "paper", "y0": 0, "y1": 1, "x0": start_s, "x1": end_s,
            "fillcolor": fill, "line": {"width": 0}, "layer": "below"}  # fmt: skip


def _edge(at_s: float) -> Document:
    return {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": at_s, "x1": at_s,
            "line": {"color": "#ffffff", "width": 2, "dash": "dot"}}  # fmt: skip


def _label(at_s: float, text: str) -> Document:
    return {"x": at_s, "y": 1, "yref": "paper", "text": text, "showarrow": False,
            "xanchor": "left", "yanchor": "top", "font": {"size": 11}}  # fmt: skip
