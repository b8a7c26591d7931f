"""What a page is made of, whatever it is shown on: paragraphs, tables and drawings in sections."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

NARROWEST = 12
"""Characters that a column of a terminal has at least."""
TALLEST = 5
"""Lines of a row of a terminal from which its cells stand below each other instead."""
UNIT = re.compile(r"(?<=[0-9]) (?=[A-Za-z%])")


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Points:
    """A list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table: heads and rows of texts; the cells of a row are as many as the heads."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        assert all(len(row) == len(self.heads) for row in self.rows), self.heads


@dataclass(frozen=True)
class Drawing:
    """A diagram in the language named, Mermaid or SVG."""

    language: str
    text: str


Block = Text | Points | Table | Drawing


@dataclass
class Section:
    """A part of the page with its heading."""

    title: str
    blocks: list[Block] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Add a paragraph, if there is anything to say."""
        if text:
            self.blocks.append(Text(text))

    def list(self, items: Sequence[str]) -> None:
        """Add a list, if it has items."""
        if items:
            self.blocks.append(Points(tuple(items)))

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Add a table, if it has rows."""
        if rows:
            self.blocks.append(Table(tuple(heads), tuple(tuple(row) for row in rows)))


def to_data(sections: Sequence[Section]) -> list[dict[str, Any]]:
    """The sections as plain data: each block has its ``type`` and its fields."""
    return [
        {
            "title": section.title,
            "blocks": [
                {"type": type(block).__name__.lower(), **asdict(block)} for block in section.blocks
            ],
        }
        for section in sections
    ]


def to_markdown(title: str, sections: Sequence[Section]) -> str:
    """The page in Markdown."""
    return "\n".join(_markdown_lines(title, sections)).rstrip() + "\n"


def _markdown_lines(title: str, sections: Sequence[Section]) -> Iterator[str]:
    yield f"# {title}"
    yield ""
    for section in sections:
        if section.title:
            yield f"## {section.title}"
            yield ""
        for block in section.blocks:
            yield from _markdown_block(block)
            yield ""


def _markdown_block(block: Block) -> Iterator[str]:
    if isinstance(block, Text):
        yield block.text.replace("<", "&lt;")
    elif isinstance(block, Points):
        yield from (f"- {item}".replace("<", "&lt;") for item in block.items)
    elif isinstance(block, Drawing):
        yield f"```{block.language}"
        yield block.text.rstrip()
        yield "```"
    else:
        yield "| " + " | ".join(block.heads) + " |"
        yield "|---" * len(block.heads) + "|"
        for row in block.rows:
            cells = [cell.replace("|", "\\|").replace("<", "&lt;") for cell in row]
            yield "| " + " | ".join(cells) + " |"


def to_terminal(title: str, sections: Sequence[Section], width: int = 100) -> Iterator[str]:
    """The page as lines for a terminal; drawings are left to other forms."""
    yield f"  {title}"
    for section in sections:
        yield ""
        if section.title:
            yield f"  █ {section.title.upper()}"
        for place, block in enumerate(section.blocks):
            if place:
                yield ""
            yield from (f"    {line}" for line in _terminal_block(block, width - 4))


def _terminal_block(block: Block, width: int) -> Iterator[str]:
    if isinstance(block, Text):
        yield from _folded(block.text, width)
    elif isinstance(block, Points):
        for item in block.items:
            for number, line in enumerate(_folded(item, width - 2)):
                yield f"{' ' if number else '-'} {line}"
    elif isinstance(block, Drawing):
        yield "The diagram is in the report, and `simulate diagram` draws it."
    else:
        yield from _terminal_table(block, width)


def _folded(text: str, width: int) -> list[str]:
    """Lines of a text, a number never parted from its unit; one empty line of no text."""
    from textwrap import wrap

    held = UNIT.sub("\N{NO-BREAK SPACE}", text)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in wrap(held, width)] or [""]


def _terminal_table(table: Table, width: int) -> Iterator[str]:
    """Columns as wide as they need, the widest folded; cells below each other if that is tall."""
    columns = list(zip(table.heads, *table.rows, strict=True))
    widths = [max(len(cell) for cell in column) for column in columns]
    available = width - 2 * (len(widths) - 1)
    while sum(widths) > available and max(widths) > NARROWEST:
        widest = widths.index(max(widths))
        second = sorted(widths)[-2] if len(widths) > 1 else 0
        widths[widest] = max(NARROWEST, second - 1, widths[widest] - (sum(widths) - available))
    rows = [
        [_folded(cell, size) for cell, size in zip(row, widths, strict=True)]
        for row in (table.heads, *table.rows)
    ]
    tallest = max(len(cell) for row in rows for cell in row)
    if sum(widths) > available or (tallest > TALLEST and len(widths) > 2):
        yield from _stacked(table, width)
        return
    for cells in rows:
        for line in range(max(len(cell) for cell in cells)):
            parts = [
                (cell[line] if line < len(cell) else "").ljust(size)
                for cell, size in zip(cells, widths, strict=True)
            ]
            yield "  ".join(parts).rstrip()


def _stacked(table: Table, width: int) -> Iterator[str]:
    """Each row as a list of its cells, under its first one."""
    size = max(len(head) for head in table.heads[1:])
    for row in table.rows:
        yield from _folded(row[0], width)
        for head, cell in zip(table.heads[1:], row[1:], strict=True):
            for number, line in enumerate(_folded(cell, width - size - 4)):
                yield f"  {'' if number else head:<{size}}  {line}"
