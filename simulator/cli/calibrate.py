"""``simulate calibrate gpu DIR``: from measured kernel times to a profile a topology can name."""

from pathlib import Path
from typing import Annotated

import typer

from simulator.cli.app import fail

WHAT = "What to calibrate: gpu."


def calibrate(
    what: Annotated[str, typer.Argument(help=WHAT)],
    folder: Annotated[Path, typer.Argument(help="Folder with profile_tp*_*.csv.gz.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Profile file; GPU-MODEL.json if left out.")
    ] = None,
    layers: Annotated[
        int | None, typer.Option(help="Layers of a model that the catalogue does not hold.")
    ] = None,
) -> None:
    """Read a folder of measured kernels and write one profile file."""
    from simulator.serving.errors import ServingError, simple_name
    from simulator.serving.profile import calibrate as calibrated

    if what != "gpu":
        fail(f"there is nothing called `{what}` to calibrate", "write `simulate calibrate gpu DIR`")
    try:
        profile = calibrated(folder, layers=layers)
    except ServingError as error:
        fail(str(error))
    target = out or Path(f"{simple_name(profile.gpu)}-{simple_name(profile.model)}.json")
    try:
        profile.save(target)
    except OSError as error:
        fail(f"cannot write {target}: {error.strerror}", "choose another with --out")
    typer.echo(f"{target}: {profile.model} on {profile.gpu}")
    for degree, error_share in sorted(profile.held_out_error.items()):
        typer.echo(f"  tensor parallel {degree}: held-out error {error_share:.1%}")
