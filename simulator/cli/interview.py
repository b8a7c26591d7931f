"""``simulate interview``: the numbers of a design in the order an interview asks for them."""

import json
from pathlib import Path
from typing import Annotated, Any

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
        list[str] | None, typer.Option("--set", help="Set a value: PATH=VALUE, as web.replicas=4.")
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
            page = _write_report(loaded, document, seed, jobs)
            typer.echo(f"\n  █ NEXT\n    report  {page}\n    again   {words.command()}")


def _write_report(loaded: Any, card: dict[str, Any], seed: int, jobs: int | None) -> Path:
    """The report of the run that the card tells of, with the card as its section.

    The run is made once more: what it recorded did not leave the process that made it. The same
    seed gives the same figures.
    """
    from dataclasses import replace

    from simulator.cli.running import run_or_fail
    from simulator.cli.writing import REPORT_FILE, prepare_folder, write_report
    from simulator.studies.conditions import Condition, options_of
    from simulator.studies.saved import keepsake

    options = replace(options_of(loaded.topology, Condition(), seed), jobs=jobs)
    folder = prepare_folder(Path("reports") / loaded.topology.name / "interview")
    result = run_or_fail(loaded.topology, options, None)
    result.document.update(keepsake(result, loaded.data, options))
    result.document["interview"] = card
    write_report(result, folder, words.command())
    return folder / REPORT_FILE
