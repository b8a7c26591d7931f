"""The interview card in the report of a run: what to say about the design, before its figures."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from markupsafe import Markup

from simulator.present.html.blocks import (
    Block,
    DataTable,
    Drawing,
    Heading,
    Points,
    Prose,
    Report,
)
from simulator.present.html.section import Section
from simulator.present.numbers import things

Document = dict[str, Any]

MARKS = {"✓": "pass", "✗": "fail", "?": "unsure"}
SHORT = 28
"""Longest cell, in characters, of a column that counts as one of figures."""
VIEW = re.compile(r'viewBox="0 0 ([0-9.]+) ')
FIGURE = re.compile(r"^[-+<≈$–]?[\d$∞–]")


class Interview(Section):
    """The card of the design, part by part, if the run was made for an interview."""

    name = "interview"
    title = "Interview"
    order = 15

    def blocks(self, report: Report) -> Sequence[Block]:
        """Headings and blocks of the card, from ``interview`` in the document of the run.

        That is what ``simulate interview --format json`` prints: ``sections`` as
        :func:`simulator.interview.blocks.to_data` gives them, and ``svg``, the diagram.
        """
        card = report.document.get("interview")
        if card is None:
            return []
        blocks: list[Block] = []
        for number, section in enumerate(card["sections"]):
            found = list(_blocks(section["blocks"], f"interview-{number}", card))
            if found and section["title"]:
                blocks.append(Heading(section["title"], f"interview-{number}"))
            blocks += found
        return blocks


def _blocks(blocks: list[Document], name: str, document: Document) -> Iterator[Block]:
    """Blocks of the page; what is said right before a table becomes its caption."""
    said: str | None = None
    for number, block in enumerate(blocks):
        kind = block["type"]
        if said is not None and kind != "table":
            yield Prose([said])
            said = None
        if kind == "text":
            said = block["text"]
        elif kind == "points":
            yield Points(block["items"])
        elif kind == "table":
            yield _table(block, said or "")
            said = None
        else:
            yield _diagram(f"{name}-{number}", document)
    if said is not None:
        yield Prose([said])


def _table(block: Document, caption: str) -> DataTable:
    heads, rows = block["heads"], block["rows"]
    columns = list(zip(*rows, strict=True))
    words = {place for place, cells in enumerate(columns) if not _figures(cells)}
    status = next(
        (place for place, cells in enumerate(columns)
         if place and all(cell[:1] in MARKS or cell in ("–", "") for cell in cells)
         and any(cell[:1] in MARKS for cell in cells)), None,
    )  # fmt: skip
    statuses = [MARKS.get(row[status][:1], "") for row in rows] if status is not None else ()
    if status is not None:
        words.add(status)
    return DataTable(
        caption=caption,
        columns=heads,
        rows=rows,
        words=frozenset(words),
        status=status,
        statuses=statuses,
        stacked=any(len(cell) > SHORT for cells in columns[1:] for cell in cells),
    )


def _figures(cells: tuple[str, ...]) -> bool:
    return all(FIGURE.match(cell) and len(cell) <= SHORT for cell in cells if cell)


def _diagram(name: str, document: Document) -> Drawing:
    rows = document["calls"]
    size = VIEW.search(document["svg"])
    width = f"max-width:{size[1]}px" if size else ""
    return Drawing(
        heading=things(document["components"], "component"),
        caption="Who calls whom, from the client on the left. Dashed: nobody waits for the answer.",
        table=DataTable("Calls", ("from", "to", "answer"), rows, words=frozenset({1, 2})),
        svg=Markup('<div class="scroll"><div class="diagram" style="{}">{}</div></div>').format(
            width, Markup(document["svg"])
        ),
        name=name,
    )
