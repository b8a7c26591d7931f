"""Findings about a document, each with its place: gathered, sorted, and shown like a compiler's."""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from simulator.topology.codes import CODES

SHOWN_MAX = 100
"""Findings that are printed; ``to_dict`` has them all."""

_SHOWN_COLUMNS = 96
"""Longest part of a line of the document that is shown."""

_LABEL_COLUMNS = 60
"""Longest hint that stands beside the caret; a longer one gets a line of its own."""

_COLORS = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m", "frame": "\x1b[36m", "bold": "\x1b[1m"}


@dataclass(frozen=True)
class Span:
    """A part of a text, in lines and columns from 1; the end is the first place after it."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True)
class Diagnostic:
    """One finding: a stable code, what is wrong, where, and the way out.

    ``hint`` stands beside the caret; ``see`` is what to ask ``simulate explain`` for.
    """

    code: str
    message: str
    file: str
    span: Span | None = None
    hint: str = ""
    see: str = ""

    def __post_init__(self) -> None:
        assert self.code in CODES, f"the code {self.code} has no page"

    @property
    def severity(self) -> str:
        """``error`` or ``warning``, which the code says."""
        return "error" if self.code.startswith("E") else "warning"

    @property
    def place(self) -> str:
        """``file:line:column``, which terminals and editors make clickable."""
        where = f":{self.span.line}:{self.span.column}" if self.span else ""
        return f"{self.file}{where}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON, SARIF and JUnit."""
        span = self.span
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "file": self.file,
            "line": span.line if span else None,
            "column": span.column if span else None,
            "end_line": span.end_line if span else None,
            "end_column": span.end_column if span else None,
            "hint": self.hint or None,
            "see": self.see or None,
        }


@dataclass
class Diagnostics:
    """The findings about one or more documents, in the order of the text."""

    file: str = ""
    lines: tuple[str, ...] = ()
    found: dict[Diagnostic, None] = field(default_factory=dict)
    texts: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def add(self, diagnostic: Diagnostic) -> None:
        """Note a finding, unless it is already there."""
        self.found.setdefault(diagnostic)

    def extend(self, others: "Iterable[Diagnostic] | Diagnostics") -> None:
        """Note the findings of another document, or more about this one."""
        if isinstance(others, Diagnostics):
            self.texts |= {**others.texts, others.file: others.lines}
        for diagnostic in others:
            self.add(diagnostic)

    def __iter__(self) -> Iterator[Diagnostic]:
        """In the order of files, lines and columns; what has no place comes first."""
        files = {name: rank for rank, name in enumerate([self.file, *self.texts])}

        def position(diagnostic: Diagnostic) -> tuple[int, int, int, str]:
            span = diagnostic.span or Span(0, 0, 0, 0)
            return files.get(diagnostic.file, -1), span.line, span.column, diagnostic.code

        return iter(sorted(self.found, key=position))

    def __len__(self) -> int:
        return len(self.found)

    @property
    def errors(self) -> list[Diagnostic]:
        """What makes the document invalid."""
        return [diagnostic for diagnostic in self if diagnostic.severity == "error"]

    @property
    def warnings(self) -> list[Diagnostic]:
        """What does not stop a run."""
        return [diagnostic for diagnostic in self if diagnostic.severity == "warning"]

    def count_line(self) -> str:
        """The closing line: ``2 errors, 1 warning in shop.yaml``."""
        counts = [(len(self.errors), "error"), (len(self.warnings), "warning")]
        parts = [f"{n} {word}{'s' * (n != 1)}" for n, word in counts if n]
        files = sorted({diagnostic.file for diagnostic in self.found} or {self.file})
        return f"{', '.join(parts) or 'no problems'} in {printable(', '.join(files))}"

    def render(self, *, color: bool = False) -> str:
        """Every finding with its line and a caret, and the closing line."""
        ordered = list(self)
        blocks = [self._block(diagnostic, color) for diagnostic in ordered[:SHOWN_MAX]]
        if len(ordered) > SHOWN_MAX:
            blocks.append(f"… and {len(ordered) - SHOWN_MAX} more")
        closing = self.count_line()
        if ordered:
            first = next(iter(self.errors or self.warnings))
            closing += f"   (more: simulate explain {first.code})"
        return "\n\n".join([*blocks, closing])

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``--format json``."""
        return {
            "file": self.file,
            "errors": len(self.errors),
            "warnings": len(self.warnings),
            "diagnostics": [diagnostic.to_dict() for diagnostic in self],
        }

    def _block(self, diagnostic: Diagnostic, color: bool) -> str:
        def paint(text: str, role: str) -> str:
            return f"{_COLORS[role]}{text}\x1b[0m" if color else text

        title = paint(f"{diagnostic.severity}[{diagnostic.code}]", diagnostic.severity)
        message = paint(printable(diagnostic.message), "bold")
        lines = self.texts.get(diagnostic.file, self.lines if diagnostic.file == self.file else ())
        span = diagnostic.span
        number = str(span.line) if span else ""
        margin = " " * (len(number) + 1)
        hint = printable(diagnostic.hint)
        rows = [f"{title}: {message}", f"{margin}{paint('-->', 'frame')} {diagnostic.place}"]
        beside = len(hint) <= _LABEL_COLUMNS
        bar = paint("|", "frame")
        if span and 0 < span.line <= len(lines):
            text, caret = underlined(lines[span.line - 1], span)
            label = f"{paint(caret, diagnostic.severity)} {hint if beside else ''}".rstrip()
            rows += [
                f"{margin} {bar}",
                f" {paint(number, 'frame')} {bar} {text}".rstrip(),
                f"{margin} {bar} {label}",
            ]
        elif hint and beside:
            rows.append(f"{margin} = {hint}")
        notes = [] if beside else [hint]
        notes += [f"see: simulate explain {diagnostic.see}"] if diagnostic.see else []
        if notes and span:
            rows.append(f"{margin} {bar}")
        rows += [f"{margin} = {note}" for note in notes]
        return "\n".join(rows)


def underlined(line: str, span: Span) -> tuple[str, str]:
    """The part of a line around a span, and carets below the span."""
    text = printable(line)
    start = min(span.column - 1, len(text))
    end = min(span.end_column - 1, len(text)) if span.end_line == span.line else len(text)
    # Comments and spaces after the value are not what is wrong.
    end = max(start + len(text[start:end].rstrip()), start + 1)
    left = 0
    if len(text) > _SHOWN_COLUMNS:
        left = max(0, min(start - _SHOWN_COLUMNS // 3, len(text) - _SHOWN_COLUMNS))
        text = text[left : left + _SHOWN_COLUMNS]
        start, end = start - left, min(end - left, len(text))
    lead = "…" if left else ""
    tail = "…" if left + len(text) < len(line) else ""
    before = " " * (len(lead) + _width(text[:start]))
    return f"{lead}{text}{tail}", before + "^" * max(1, _width(text[start:end]))


def printable(text: str) -> str:
    """The text without characters that would move the cursor or colour the terminal."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else " " if character.isspace() else "\ufffd"
        for character in text
    )


def _width(text: str) -> int:
    """Columns that a terminal needs for the text."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)


class DocumentError(Exception):
    """A document that cannot be used; ``diagnostics`` says why, and so does its text."""

    def __init__(self, diagnostics: Diagnostics) -> None:
        super().__init__(diagnostics.count_line())
        self.diagnostics = diagnostics

    def __str__(self) -> str:
        return self.diagnostics.render()
