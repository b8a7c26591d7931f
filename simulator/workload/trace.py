"""A recorded trace: the rows of a CSV file, each cell with its place for what is wrong with it."""

import csv
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from simulator.quantities.problem import PROBLEMS_MAX, BadRows, Problem

Cell = float | str | tuple[str, ...]


@dataclass(frozen=True)
class Trace:
    """Rows of a CSV file with the line that each begins in."""

    file: str
    header: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]
    texts: list[str]
    problems: tuple[Problem, ...] = ()
    """Rows that are left out, as they have not as many cells as the header."""

    def column(self, name: str, read: Callable[[str], Any], problems: list[Problem]) -> list[Any]:
        """The cells of a column; what `read` refuses with a ValueError is noted as a problem."""
        place = self.header.index(name)
        values = []
        for number, row in enumerate(self.rows):
            try:
                values.append(read(row[place]))
            except ValueError as error:
                problems.append(self.problem(number, name, f"`{name}` {error}"))
                if len(problems) >= PROBLEMS_MAX:
                    break
        return values

    def problem(self, number: int, name: str, message: str) -> Problem:
        """A mistake in the cell of a column in a row."""
        line = self.lines[number]
        column = _start(self.texts[line - 1], self.header.index(name))
        return Problem(self.file, line, column, message)

    def times(self, name: str, problems: list[Problem]) -> list[float]:
        """The arrival times in a column; cells that are none, or go back, are noted."""
        known = len(problems)
        times: list[float] = self.column(name, _finite, problems)
        if len(problems) == known:
            pairs = enumerate(pairwise(times), start=1)
            for number, (before, after) in pairs:
                if after < before and len(problems) < PROBLEMS_MAX:
                    message = f"`{name}` goes back from {before:g} to {after:g}"
                    problems.append(self.problem(number, name, message))
        return times


def find_trace(name: str) -> Path | None:
    """The file a name means: a path, or one beside the documents we ship."""
    package = Path(__file__).parents[1]
    shelves = [Path(), *(base / shelf for base in (package / "library", package.parent)
                         for shelf in ("topologies", "workloads", "data"))]  # fmt: skip
    return next((shelf / name for shelf in shelves if (shelf / name).is_file()), None)


def read_trace(name: str) -> Trace:
    """The rows of a trace; raises BadRows if the file has none or is no text."""
    path = find_trace(name)
    assert path is not None, f"the trace {name} has vanished"
    status = path.stat()
    return _read(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=8)
def _read(path: Path, changed: int, size: int) -> Trace:
    file = str(path)
    content = path.read_bytes()
    try:
        texts = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise BadRows([Problem(file, line, column, "this is no text in UTF-8")]) from error
    reader = csv.reader(texts)
    header: tuple[str, ...] = ()
    rows: list[list[str]] = []
    lines: list[int] = []
    problems: list[Problem] = []
    line = 1
    try:
        for cells in reader:
            begins, line = line, reader.line_num + 1
            if not cells:
                continue
            if not header:
                header = tuple(cell.strip() for cell in cells)
            elif len(cells) != len(header):
                message = f"{len(cells)} columns where the header has {len(header)}"
                problems.append(Problem(file, begins, 1, message))
            else:
                rows.append(cells)
                lines.append(begins)
    except csv.Error as error:
        raise BadRows([Problem(file, line, 1, str(error))]) from error
    if not rows:
        nothing = Problem(file, max(line, 1), 1, "no rows below the header")
        raise BadRows(problems[:PROBLEMS_MAX] or [nothing])
    return Trace(file, header, rows, lines, texts, tuple(problems))


def _start(text: str, place: int) -> int:
    """The column, from 1, at which the cell of that number begins."""
    quoted = False
    for position, character in enumerate(text):
        if place == 0:
            return position + 1
        if character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            place -= 1
    return len(text) + 1 if place == 0 else 1


def _finite(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"is {text.strip()!r}, not a number") from None
    if not math.isfinite(value):
        raise ValueError(f"is {text.strip()}, not a finite number")
    return value


def amount(text: str) -> float:
    """A number, zero or more; raises ValueError."""
    value = _finite(text)
    if value < 0.0:
        raise ValueError(f"is {text.strip()}; it must be zero or more")
    return value


def items(text: str) -> tuple[str, ...]:
    """A list of words: parted by blanks, commas or semicolons, or as JSON; raises ValueError."""
    if text.lstrip().startswith("["):
        try:
            listed = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"is no list in JSON: {error.msg}") from None
        return tuple(str(item) for item in listed)
    return tuple(word for word in re.split(r"[\s,;]+", text) if word)


def number_or_text(text: str) -> float | str:
    """A number if it is a finite one."""
    try:
        return _finite(text)
    except ValueError:
        return text
