"""``simulate check FILE ...``: validate without running."""

import json
from pathlib import Path
from typing import Annotated

import typer

from simulator.cli import exit_codes


def check(
    files: Annotated[list[str], typer.Argument(help="Topology files, folders, or names.")],
    format_: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    claims: Annotated[
        bool, typer.Option("--claims", help="Check what the documents promise, worst first.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the runs behind the claims.")] = 42,
    jobs: Annotated[int | None, typer.Option("-j", "--jobs", help="Processes.")] = None,
) -> None:
    """Validate topologies: every mistake with its place; exit 2 if there is one."""
    if claims:
        from simulator.cli.claims import check_claims

        check_claims(_expanded(files), format_, seed, jobs)
        return
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
