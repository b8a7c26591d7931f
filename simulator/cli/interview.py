"""``simulate interview``: the numbers of a design in the order an interview asks for them."""

import json
from pathlib import Path
from typing import Annotated

import typer

from simulator.cli import studying as words
from simulator.cli.app import terminal_width


def interview(
    topology: Annotated[str, typer.Argument(help="A topology file, or the name of one we ship.")],
    format_: Annotated[str, typer.Option("--format", help="text, markdown or json.")] = "text",
    out: Annotated[
        Path | None, typer.Option("--out", help="File or folder for the Markdown page.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every random stream.")] = 42,
    jobs: Annotated[int | None, typer.Option("-j", "--jobs", help="Processes.")] = None,
    drill: Annotated[
        bool, typer.Option("--drill/--no-drill", help="Break every part in turn.")
    ] = True,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Replace a value: PATH=VALUE.")
    ] = None,
    report: words.Report = True,
) -> None:
    """One page to prepare an interview with: every number computed or simulated, and said aloud."""
    import sys

    from simulator.cli.app import fail
    from simulator.cli.loading import load_or_fail
    from simulator.interview.blocks import to_markdown, to_terminal
    from simulator.interview.card import card, card_document, title_of
    from simulator.interview.material import gather
    from simulator.present.html.card import render_card

    if format_ not in ("text", "markdown", "json"):
        fail(f"there is no format `{format_}`", "known: text, markdown, json")
    loaded = load_or_fail(topology, None, tuple(set_ or ()))
    shown = sys.stderr.isatty()

    def told(what: str) -> None:
        if shown:
            typer.echo(f"\r  {what:<40}", err=True, nl=False)

    material = gather(loaded.topology, loaded.data, seed=seed, jobs=jobs, drilled=drill, told=told)
    if shown:
        typer.echo("\r" + " " * 44 + "\r", err=True, nl=False)
    sections, title = card(material), title_of(material)
    document = card_document(material, sections)
    if out is not None:
        path = out / f"{loaded.topology.name}.md" if out.is_dir() else out
        words.write_text(path, to_markdown(title, sections))
        typer.echo(f"wrote {path}")
    elif format_ == "json":
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
    elif format_ == "markdown":
        typer.echo(to_markdown(title, sections), nl=False)
    else:
        for line in to_terminal(title, sections, terminal_width()):
            typer.secho(line, bold=line.startswith("  █"))
        if report:
            again = words.command()
            page = render_card(document, again)
            written = words.write_page((loaded.topology.name, "interview"),
                                    {**document, "command": again}, page)  # fmt: skip
            typer.echo(f"\n  █ NEXT\n    report  {written}\n    again   {again}")
