"""``simulate profile gpu``: measure the kernels of a model's shape on one's own GPU."""

from pathlib import Path
from typing import Annotated

import typer

from simulator.cli.app import fail


def profile(
    what: Annotated[str, typer.Argument(help="What to measure: gpu.")],
    model: Annotated[str, typer.Option(help="Model of the catalogue, such as llama-3-8b.")],
    out: Annotated[Path, typer.Option(help="Folder for the measurements.")],
    device: Annotated[str, typer.Option(help="cuda, or cpu to try the code.")] = "cuda",
    tensor_parallel: Annotated[
        list[int] | None, typer.Option("--tp", help="Degrees of tensor parallelism.")
    ] = None,
) -> None:
    """Measure step kernels with random weights of the model's shape; nothing is downloaded."""
    from simulator.serving.catalogue import find_model
    from simulator.serving.errors import ServingError
    from simulator.serving.profiling import measure_profile

    if what != "gpu":
        fail(f"there is nothing called `{what}` to measure", "write `simulate profile gpu ...`")
    try:
        folder = measure_profile(
            find_model(model),
            out,
            device=device,
            tensor_parallel=tuple(tensor_parallel or (1,)),
            progress=lambda message: typer.echo(message, err=True),
        )
    except ServingError as error:
        fail(str(error))
    typer.echo(f"{folder}  (next: simulate calibrate gpu {folder})")
