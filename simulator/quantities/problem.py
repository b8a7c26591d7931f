"""Mistakes in data files that a document names: each with its own file, line and column."""

from collections.abc import Sequence
from dataclasses import dataclass

PROBLEMS_MAX = 20
"""Mistakes of one file that are told at once."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file: where it is and what is wrong (`line` and `column` count from 1)."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        """Return the usual `file:line:column: message`."""
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class BadRows(ValueError):
    """Every mistake found in a data file, not only the first."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in problems))


class Mistakes(ValueError):
    """Mistakes of one value that do not depend on each other, to be told at once.

    Each is an error of its own, with the `fields` it is about where it has any.
    """

    def __init__(self, mistakes: Sequence[ValueError]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("; ".join(str(mistake) for mistake in mistakes))
