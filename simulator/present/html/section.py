"""The base of all sections: a section is one file in ``sections/`` that nothing else names.

To add one, write a module there with a class::

    class TradeOffs(Section):
        name = "trade-offs"             # its address in the page, and what figures refer to
        title = "Trade-offs"
        order = 70                      # its place in the page
        pages = frozenset({"compare"})  # the pages it belongs to

A section shows its figures (:mod:`simulator.present.html.figure`); one that shows more overrides
:meth:`Section.blocks`. A section without blocks is left out of the page.
"""

from abc import ABC
from collections.abc import Sequence
from typing import ClassVar

from simulator.present.html.blocks import Block, Report
from simulator.present.html.figure import drawings

_SECTIONS: dict[str, type["Section"]] = {}


class Section(ABC):
    """A part of a page with a title; registered by being defined."""

    name: ClassVar[str]
    title: ClassVar[str]
    order: ClassVar[float]
    pages: ClassVar[frozenset[str]] = frozenset({"run"})

    def __init_subclass__(cls) -> None:
        known = _SECTIONS.setdefault(cls.name, cls)
        assert known.__qualname__ == cls.__qualname__, f"two sections are called {cls.name}"

    def blocks(self, report: Report) -> Sequence[Block]:
        """What the section shows, in order; nothing to leave it out."""
        return drawings(report, self.name)


def sections_of(page: str) -> list[Section]:
    """The sections of a kind of page, in order."""
    # Importing the package defines every section.
    import simulator.present.html.sections  # noqa: F401

    found = [section for section in _SECTIONS.values() if page in section.pages]
    return [section() for section in sorted(found, key=lambda section: section.order)]
