"""The interview card as a page."""

import re
from collections.abc import Iterator
from typing import Any

from markupsafe import Markup

from simulator.present.html.blocks import Block, DataTable, Download, Drawing, Points, Prose
from simulator.present.html.page import FilledSection, Head, Page, render_page

Document = dict[str, Any]

MARKS = {"✓": "pass", "✗": "fail", "?": "unsure"}
SHORT = 28
"""Longest cell, in characters, of a column that counts as one of figures."""
VIEW = re.compile(r'viewBox="0 0 ([0-9.]+) ')
FIGURE = re.compile(r"^[-+<≈$–]?[\d$∞–]")


def render_card(document: Document, command: str = "") -> str:
    """The card as one HTML file, from what ``--format json`` prints; a pure function.

    ``document`` holds ``title``, ``summary``, ``status`` and ``verdict`` of the design under its
    own load, ``sections`` as :func:`simulator.interview.blocks.to_data` gives them, and ``svg``,
    the diagram.
    """
    head = Head(
        title=f"{document['title']} · interview",
        status=document["status"],
        verdict=document["verdict"],
        facts=document["facts"],
        command=command,
    )
    sections = []
    for number, section in enumerate(document["sections"]):
        title = section["title"] or "In short"
        name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
        blocks = list(_blocks(section["blocks"], f"{name}-{number}", document))
        if blocks:
            sections.append(FilledSection(name, title, blocks))
    data = Download("Save the data as JSON", f"{document['topology']}-interview.json")
    sections.append(FilledSection("data", "Data", [data]))
    return render_page(Page(head, sections, {"document": document, "tables": {}}))


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
        heading=f"{document['components']} components",
        caption="Who calls whom, from the client on the left. Dashed: nobody waits for the answer.",
        table=DataTable("Calls", ("from", "to", "answer"), rows, words=frozenset({1, 2})),
        svg=Markup('<div class="scroll"><div class="diagram" style="{}">{}</div></div>').format(
            width, Markup(document["svg"])
        ),
        name=name,
    )
