"""``simulate calibrate gpu DIR``: from measured kernel times to a profile a topology can name."""

from pathlib import Path
from typing import Annotated

import typer

from simulator.cli import exit_codes
from simulator.cli.app import fail

WHAT = "What to calibrate: gpu."


def calibrate(
    what: Annotated[str, typer.Argument(help=WHAT)],
    folder: Annotated[Path, typer.Argument(help="Folder with profile_tp*_*.csv.gz.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Profile file; GPU-MODEL.json if left out.")
    ] = None,
) -> None:
    """Read a folder of measured kernels and write one profile file."""
    from simulator.cli.loading import show
    from simulator.serving.errors import ProfileError, ServingError, simple_name
    from simulator.serving.profile import calibrate as calibrated
    from simulator.topology.diagnostics import Diagnostics
    from simulator.topology.validation import of_rows

    if what != "gpu":
        fail(f"there is nothing called `{what}` to calibrate", "write `simulate calibrate gpu DIR`")
    try:
        profile = calibrated(folder)
    except ProfileError as error:
        diagnostics = Diagnostics(str(folder))
        diagnostics.extend(of_rows(error.problems))
        show(diagnostics)
        raise typer.Exit(exit_codes.USAGE) from None
    except ServingError as error:
        fail(str(error), "`simulate list models` shows those that the catalogue holds")
    target = out or Path(f"{simple_name(profile.gpu)}-{simple_name(profile.model)}.json")
    try:
        profile.save(target)
    except OSError as error:
        fail(f"cannot write {target}: {error.strerror}", "choose another with --out")
    typer.echo(f"{target}: {profile.model} on {profile.gpu}")
    for degree, error_share in sorted(profile.held_out_error.items()):
        typer.echo(f"  tensor parallel {degree}: held-out error {error_share:.1%}")
