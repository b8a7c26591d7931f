"""``simulate new``: start a design of one's own from one that exists."""

import re
from pathlib import Path
from typing import Annotated

import typer


def new(
    name: Annotated[str, typer.Argument(help="Name of the design: letters, digits, underscores.")],
    template: Annotated[
        str, typer.Option("--from", help="Topology to start from: a file or a name we ship.")
    ] = "llm_gateway",
    out: Annotated[Path | None, typer.Option("--out", help="File to write.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> None:
    """Copy a topology under a new name, comments and all, ready to be edited and run."""
    from simulator.cli.app import fail
    from simulator.cli.loading import load_or_fail
    from simulator.topology.model import NAME_PATTERN

    if not re.fullmatch(NAME_PATTERN, name):
        fail(f"`{name}` is no name of a design", "use letters, digits and underscores: my_gateway")
    loaded = load_or_fail(template, None, ())
    path = out or Path(f"{name}.yaml")
    if path.exists() and not force:
        fail(f"{path} exists", "choose another name, or give --force")
    text = loaded.path.read_text(encoding="utf-8")
    text = re.sub(r"(?m)^name:.*$", f"name: {name}", text, count=1)
    text = re.sub(r"(?m)^# yaml-language-server:.*\n", "", text, count=1)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"cannot write {path}: {error.strerror}")
    typer.echo(f"wrote {path}, a copy of {loaded.topology.name}")
    typer.echo(f"  edit  {path}")
    typer.echo(f"  check simulate check {path}")
    typer.echo(f"  run   simulate {path}")
