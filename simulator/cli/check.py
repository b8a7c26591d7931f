"""``simulate check FILE ...``: validate without running."""

import json
from pathlib import Path
from typing import Annotated

import typer

from simulator.cli import exit_codes


def check(
    files: Annotated[list[str], typer.Argument(help="Topology files, folders, or names.")],
    format_: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Validate topologies: every mistake with its place; exit 2 if there is one."""
    from simulator.cli.loading import show
    from simulator.topology.diagnostics import Diagnostics, DocumentError
    from simulator.topology.reading import load_topology

    reports: list[Diagnostics] = []
    for name in _expanded(files):
        try:
            reports.append(load_topology(name).diagnostics)
        except DocumentError as error:
            reports.append(error.diagnostics)
    if format_ == "json":
        typer.echo(json.dumps([report.to_dict() for report in reports], indent=2))
    else:
        for report in reports:
            if report.found:
                show(report)
            else:
                typer.echo(report.count_line())
    if any(report.errors for report in reports):
        raise typer.Exit(exit_codes.USAGE)


def _expanded(files: list[str]) -> list[str]:
    names: list[str] = []
    for name in files:
        inside = sorted(Path(name).glob("*.yaml")) if Path(name).is_dir() else []
        names += [str(path) for path in inside] or [name]
    return names
