"""``simulate report RUN``: render a saved run again."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    run: Annotated[Path, typer.Argument(help="Folder of a saved run.")],
) -> None:
    """Render the report of a saved run again, without simulating."""
    from simulator.cli.writing import render_again

    typer.echo(str(render_again(run)))
