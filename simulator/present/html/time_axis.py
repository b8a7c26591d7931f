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
    plain,
    translucent,
)
from simulator.present.numbers import seconds

GROUP = "time"
ROWS_MAX = 60
UNITS = ((86_400.0, " d"), (3600.0, " h"), (60.0, " min"), (1.0, " s"))
LABEL = 40
"""Characters of the name of a fault that a band shows."""
SPANS_MIN = 4
"""A unit is used from so many of it on."""


def has_time(timeline: Document | None) -> bool:
    """Whether there is anything to draw over time."""
    return timeline is not None and len(timeline.get("edges", ())) > 1


def unit_of(edges: Sequence[float]) -> tuple[float, str]:
    """The unit in which people tell a time of this length: its seconds, and how it is written."""
    length = edges[-1] - edges[0]
    return next(((size, name) for size, name in UNITS if length >= SPANS_MIN * size), UNITS[-1])


def centres(timeline: Document) -> list[float]:
    """The middle of each stretch, in the unit of the axis."""
    edges = timeline["edges"]
    size, _ = unit_of(edges)
    return [(left + right) / 2.0 / size for left, right in pairwise(edges)]


def measured(timeline: Document, values: Sequence[float | None]) -> list[float]:
    """The values of stretches after the warm-up, those that are none left out."""
    return [
        value
        for left, value in zip(timeline["edges"][:-1], values, strict=True)
        if value is not None and left >= timeline.get("cut_s", 0.0) - 1e-9
    ]


def time_layout(timeline: Document, *, covered: bool = False, **settings: Any) -> Document:
    """The layout of a figure over time; ``covered`` if the picture leaves no ground to shade."""
    size, unit = unit_of(timeline["edges"])
    first, last = timeline["edges"][0] / size, timeline["edges"][-1] / size
    shapes = []
    annotations = []
    cut = (timeline.get("cut_s") or 0.0) / size
    if covered and cut > first:
        shapes.append(_edge(cut))
    elif cut > first:
        shapes.append(_band(first, min(cut, last), "rgba(128,128,128,0.18)"))
        annotations.append(_label(first, "warm-up, not counted"))
    for fault in timeline.get("bands", ()):
        begin, end = fault["from_s"] / size, fault["to_s"] / size
        if covered or begin == end:
            shapes += [_edge(place, covered) for place in dict.fromkeys((begin, end))]
        else:
            shapes.append(_band(begin, end, translucent(VERMILION, 0.15)))
        if not covered:
            annotations.append(_label(begin, plain(_brief(fault["name"]))))
    settings.setdefault("margin", {"l": LEFT_OF_TIME, "r": RIGHT_OF_TIME, "t": 8, "b": 44})
    return layout(
        xaxis={**axis("simulated time"), "range": [first, last], "ticksuffix": unit,
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


def _band(start: float, end: float, fill: str) -> Document:
    return {"type": "rect", "yref": "paper", "y0": 0, "y1": 1, "x0": start, "x1": end,
            "fillcolor": fill, "line": {"width": 0}, "layer": "below"}  # fmt: skip


def _edge(at: float, covered: bool = True) -> Document:
    color = "#ffffff" if covered else VERMILION
    return {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": at, "x1": at,
            "line": {"color": color, "width": 2, "dash": "dot"}}  # fmt: skip


def _label(at: float, text: str) -> Document:
    return {"x": at, "y": 1, "yref": "paper", "text": text, "showarrow": False,
            "xanchor": "left", "yanchor": "top", "font": {"size": 11}}  # fmt: skip


def _brief(name: str) -> str:
    return name if len(name) <= LABEL else name[: LABEL - 1] + "…"
