"""``simulate check --claims``: the promises of design documents, worst first."""

import json
from collections.abc import Sequence
from dataclasses import asdict

import typer

from simulator.cli import exit_codes


def check_claims(names: Sequence[str], format_: str, seed: int, jobs: int | None) -> None:
    """Check the claims of every topology and print the table; exit 99 if one fails."""
    from simulator.cli.loading import load_or_fail
    from simulator.interview.claims_table import terminal_lines
    from simulator.studies.claims import Checked, check_claims_of
    from simulator.studies.estimates import Computed, estimates_of

    claims: list[Checked] = []
    estimates: list[tuple[str, Computed]] = []
    for name in names:
        loaded = load_or_fail(name, None, ())
        with _telling(loaded.topology.name, quiet=format_ == "json") as told:
            check = check_claims_of(loaded.topology, loaded.data, seed=seed, jobs=jobs, told=told)
        claims += check.claims
        estimates += [(loaded.topology.name, item) for item in estimates_of(loaded.topology)]
    if format_ == "json":
        document = {
            "claims": [asdict(claim) for claim in claims],
            "estimates": [{"topology": name, **asdict(item)} for name, item in estimates],
        }
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        for style, line in terminal_lines(claims, estimates):
            typer.secho(line, bold=style == "bold", fg=style if style not in ("", "bold") else None)
    if any(claim.status == "fails" for claim in claims):
        raise typer.Exit(exit_codes.THRESHOLD_FAILED)


class _telling:
    """Says on stderr which runs are done, if that is a terminal."""

    def __init__(self, name: str, quiet: bool) -> None:
        import sys

        self.name = name
        self.shown = not quiet and sys.stderr.isatty()

    def __enter__(self) -> "_telling":
        return self

    def __call__(self, done: int, total: int) -> None:
        if self.shown:
            typer.echo(f"\r  {self.name}: run {done} of {total}", err=True, nl=False)

    def __exit__(self, *_: object) -> None:
        if self.shown:
            typer.echo("\r" + " " * 60 + "\r", err=True, nl=False)
