"""The base of all figures: a figure is one file in ``figures/`` that nothing else names.

To add one, write a module there with a class::

    class QueueAtPeak(Figure):
        name = "queue-at-peak"          # its address in the page, #queue-at-peak
        section = "timeline"            # the section that shows it
        order = 25                      # its place there

        def draw(self, report: Report) -> Drawing | None:
            table = report.table("timeline")
            if table is None:
                return None             # no data, no figure
            return Drawing(heading=..., caption=..., table=..., spec={"data": ..., "layout": ...})

The heading states what the figure shows in this run, with its numbers. The spec is made from the
table alone, with :mod:`simulator.present.html.theme`; a test passes every spec through
``plotly.graph_objects``, which refuses what Plotly does not know.
"""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import ClassVar

from simulator.present.html.blocks import Drawing, Report
from simulator.present.html.long_times import readable

_FIGURES: dict[str, type["Figure"]] = {}


class Figure(ABC):
    """Draws one figure from a report; registered by being defined."""

    name: ClassVar[str]
    section: ClassVar[str]
    order: ClassVar[float]

    def __init_subclass__(cls) -> None:
        known = _FIGURES.setdefault(cls.name, cls)
        assert known.__qualname__ == cls.__qualname__, f"two figures are called {cls.name}"

    @abstractmethod
    def draw(self, report: Report) -> Drawing | None:
        """The figure, or None if the report has no data for it."""


def drawings(report: Report, section: str) -> list[Drawing]:
    """The figures of a section, in order, without those that have no data."""
    # Importing the package defines every figure.
    import simulator.present.html.figures  # noqa: F401

    found = sorted(
        (figure for figure in _FIGURES.values() if figure.section == section),
        key=lambda figure: (figure.order, figure.name),
    )
    drawn = [(figure.name, figure().draw(report)) for figure in found]
    return [replace(readable(drawing), name=name) for name, drawing in drawn if drawing is not None]
