"""Reading what a command names, and saying well what is wrong with it."""

from collections.abc import Callable, Sequence

import typer

from simulator.cli import exit_codes
from simulator.cli.app import fail
from simulator.quantities import QuantityError
from simulator.topology.diagnostics import Diagnostics, DocumentError
from simulator.topology.objectives import Objective, parse_objective
from simulator.topology.overlay import OverlayError
from simulator.topology.reading import Loaded, load_topology


def load_or_fail(name: str, variant: str | None, settings: Sequence[str]) -> Loaded:
    """The topology, or every mistake in it on stderr and exit 2; warnings go to stderr too."""
    try:
        loaded = load_topology(name, variant, settings)
    except DocumentError as error:
        show(error.diagnostics)
        raise typer.Exit(exit_codes.USAGE) from None
    except OverlayError as error:
        fail(str(error), error.hint)
    if loaded.diagnostics.warnings:
        show(loaded.diagnostics)
    return loaded


def show(diagnostics: Diagnostics) -> None:
    """Diagnostics on stderr, in colour if it is a terminal."""
    import os
    import sys

    color = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    typer.echo(diagnostics.render(color=color), err=True)


def quantity(flag: str, text: str | None, read: Callable[[str], float]) -> float | None:
    """The value of a flag, or what is wrong with it and exit 2."""
    if text is None:
        return None
    try:
        value = read(text)
    except QuantityError as error:
        fail(f"{flag}: {error}", getattr(error, "hint", "") or "")
    if not value > 0:
        fail(f"{flag}: got {text}, it must be above 0")
    return value


def thresholds_of(texts: Sequence[str]) -> tuple[Objective, ...]:
    """The thresholds of a command line, or what is wrong with one and exit 2."""
    found = []
    for text in texts:
        try:
            found.append(parse_objective(text))
        except QuantityError as error:
            fail(f"--threshold: {error}", "write it like 'latency: p(99)<800ms'")
    return tuple(found)
