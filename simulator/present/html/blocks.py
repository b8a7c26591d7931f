"""What a section of a page is made of. The template has one macro for each ``shape``."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from markupsafe import Markup

Document = dict[str, Any]


@dataclass(frozen=True)
class Report:
    """What a page is drawn from: the result document and the tables of figures.

    Both are plain data. A name that a figure looks for may be missing; then the figure is, too.
    """

    document: Document
    tables: Document

    def table(self, name: str) -> Any:
        """The named table, or None if there is none or it is empty."""
        return self.tables.get(name) or None


@dataclass(frozen=True)
class Heading:
    """The heading of a part of a section, and its address in the page."""

    shape: ClassVar[str] = "heading"
    title: str
    name: str


@dataclass(frozen=True)
class Prose:
    """Paragraphs of text."""

    shape: ClassVar[str] = "prose"
    paragraphs: Sequence[str]


@dataclass(frozen=True)
class Points:
    """A list of sentences."""

    shape: ClassVar[str] = "points"
    items: Sequence[str]


@dataclass(frozen=True)
class Finding:
    """One thing the reader should know.

    ``severity`` is pass, fail, unsure or note; ``anchor`` the id of the section or figure that
    shows it.
    """

    severity: str
    sentence: str
    anchor: str | None = None

    @property
    def mark(self) -> str:
        """A sign that carries the severity without colour."""
        return {"pass": "✓", "fail": "✗", "unsure": "?"}.get(self.severity, "•")


@dataclass(frozen=True)
class FindingList:
    """Findings, most important first."""

    shape: ClassVar[str] = "findings"
    findings: Sequence[Finding]


@dataclass(frozen=True)
class Tile:
    """One figure to remember: what it is, its value and a line about it."""

    label: str
    value: str
    note: str = ""
    status: str = ""


@dataclass(frozen=True)
class Tiles:
    """A row of tiles."""

    shape: ClassVar[str] = "tiles"
    tiles: Sequence[Tile]


@dataclass(frozen=True)
class DataTable:
    """Text in rows and columns; the first column names the row.

    Columns hold numbers, aligned to the right, except the first and those in ``words``.
    The column ``status`` is marked by the ``statuses`` of the rows: pass, fail or unsure.
    ``row_ids`` makes rows link targets. A ``stacked`` table shows its cells below each other where
    the screen is narrow, which suits sentences.
    """

    shape: ClassVar[str] = "table"
    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: frozenset[int] = frozenset()
    status: int | None = None
    statuses: Sequence[str] = ()
    row_ids: Sequence[str] = ()
    stacked: bool = False

    def numeric(self, column: int) -> bool:
        """Whether the column holds numbers."""
        return column > 0 and column not in self.words


@dataclass(frozen=True)
class Facts:
    """Pairs of a name and a value."""

    shape: ClassVar[str] = "facts"
    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Listing:
    """A file or a command in full, folded away unless ``opened``."""

    shape: ClassVar[str] = "listing"
    title: str
    text: str
    opened: bool = False


@dataclass(frozen=True)
class Download:
    """A button that saves the data of the page as JSON."""

    shape: ClassVar[str] = "download"
    label: str
    file_name: str


@dataclass(frozen=True)
class Switch:
    """Buttons of which one is pressed, each changing the layout of the figure.

    ``options`` are pairs of a label and the changes, as Plotly's ``relayout`` takes them; what
    stands under ``traces`` is for its ``restyle``. The first is the state in which the figure is
    drawn.
    """

    label: str
    options: Sequence[tuple[str, Document]]


@dataclass(frozen=True)
class Drawing:
    """A figure: a heading that states the finding, a picture, how to read it, and its data.

    The picture is either ``spec`` (``data`` and ``layout`` as Plotly takes them) or ``svg``,
    which is trusted markup. Drawings of one ``group`` share their x axis: zooming and pointing
    in one does so in all. ``height`` is in pixels.
    """

    shape: ClassVar[str] = "drawing"
    heading: str
    caption: str
    table: DataTable
    spec: Document | None = None
    svg: Markup | None = None
    height: int = 320
    group: str | None = None
    switches: Sequence[Switch] = field(default_factory=tuple)
    name: str = ""


Words = Heading | Prose | Points | FindingList
Block = Words | Tiles | DataTable | Facts | Listing | Download | Drawing
