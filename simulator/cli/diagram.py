"""``simulate diagram``: the architecture as a picture."""

from pathlib import Path
from typing import Annotated

import typer


def diagram(
    topology: Annotated[str, typer.Argument(help="A topology file, or the name of one we ship.")],
    format_: Annotated[str, typer.Option("--format", help="mermaid, svg or dot.")] = "mermaid",
    variant: Annotated[str | None, typer.Option(help="Draw a variant of the design.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="File to write.")] = None,
) -> None:
    """Draw a design: components, and the calls between them."""
    from simulator.cli.app import fail
    from simulator.cli.loading import load_or_fail
    from simulator.topology.diagram import FORMATS

    if format_ not in FORMATS:
        fail(f"there is no format `{format_}`", f"known: {', '.join(FORMATS)}")
    text = FORMATS[format_](load_or_fail(topology, variant, ()).topology)
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"cannot write {out}: {error.strerror}")
