"""``simulate list``: what there is."""

from typing import Annotated

import typer

HARDWARE = ("gpus", "models")
SHELVES = (
    "topologies",
    "workloads",
    "kinds",
    "steps",
    "arrivals",
    "distributions",
    "faults",
    *HARDWARE,
)


def list_names(
    what: Annotated[str | None, typer.Argument(help=", ".join(SHELVES))] = None,
) -> None:
    """One line each: topologies, workloads, kinds, steps, distributions, faults, GPUs, models."""
    from simulator.cli.app import fail
    from simulator.cli.hardware import hardware_names
    from simulator.quantities.refusal import nearest
    from simulator.topology.catalogue import catalogue

    if what is not None and what not in SHELVES:
        close = nearest(what, SHELVES)
        fail(f"there is nothing called `{what}` to list", f"did you mean `{close}`?" if close
             else f"known: {', '.join(SHELVES)}")  # fmt: skip
    for shelf in [what] if what else SHELVES:
        typer.secho(f"  █ {shelf}", bold=True)
        entries = hardware_names(shelf) if shelf in HARDWARE else catalogue(shelf)
        width = max((len(name) for name in entries), default=0)
        for name, sentence in entries.items():
            typer.echo(f"    {name:<{width}}  {sentence}".rstrip())
        typer.echo()
