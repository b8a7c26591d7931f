"""What can be wrong with a serving configuration, as errors a user can act on.

- `ServingError`
    - `UnknownName`: a GPU or model the catalogue does not hold; carries the nearest names.
    - `DoesNotFit`: the model does not fit the memory, or a context can never fit the KV cache.
    - `ProfileError`: one or more malformed rows or missing files of a measured profile.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from simulator.quantities.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DoesNotFit", "Problem", "ProfileError", "ServingError", "UnknownName"]


class ServingError(ValueError):
    """The base of every error this package raises for a user's mistake.

    `fields` are the settings that it may be about, the likeliest first.
    """

    def __init__(self, message: str, *, fields: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.fields = fields


class UnknownName(ServingError):
    """A name that the catalogue does not hold, with the nearest names it does hold."""

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        names = list(known)
        folded = {simple_name(candidate): candidate for candidate in names}
        close = get_close_matches(simple_name(name), folded, n=3, cutoff=0.5)
        self.name = name
        self.nearest = tuple(folded[match] for match in close)
        hint = f"; did you mean {' or '.join(self.nearest)}?" if self.nearest else ""
        super().__init__(f"unknown {what} {name!r}{hint}")


class DoesNotFit(ServingError):
    """Memory that is too small; the message says by how much and what would fit."""


class ProfileError(ServingError):
    """Every problem found in a profile or a trace, not only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems), fields=("profile",))


def simple_name(name: str) -> str:
    """Return `name` folded for comparison: lower case, letters and digits only."""
    return "".join(character for character in name.lower() if character.isalnum())
