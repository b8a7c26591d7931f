"""The ``simulate`` command: a group whose default command is ``run``."""

import sys
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from simulator.cli import exit_codes


class DefaultRun(TyperGroup):
    """Reads ``simulate FILE`` as ``simulate run FILE``, and a mistyped command as what it is."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        word = args[0] if args else ""
        if word in self.commands or not word or word.startswith("-"):
            return super().resolve_command(ctx, args)
        close = get_close_matches(word, self.commands, n=1, cutoff=0.7)
        if close and not Path(word).exists() and not word.endswith((".yaml", ".yml")):
            from simulator.topology.library import topology_names

            if word not in topology_names():
                fail(f"there is no command `{word}`", f"did you mean `{close[0]}`?")
        return super().resolve_command(ctx, ["run", *args])

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        formatter.write_usage("simulate", "TOPOLOGY [OPTIONS]  |  COMMAND [ARGS]...")


app = typer.Typer(
    cls=DefaultRun,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Discrete-event capacity and trade-off simulator: "
    "`simulate topologies/llm_gateway.yaml --rps 500` tells whether a design holds.",
)


def fail(message: str, hint: str = "", code: int = exit_codes.USAGE) -> NoReturn:
    """Say what is wrong on stderr and leave."""
    typer.secho("error", fg="red", bold=True, err=True, nl=False)
    typer.echo(f": {message}", err=True)
    if hint:
        typer.echo(f"  = {hint}", err=True)
    raise typer.Exit(code)


def _register() -> None:
    from simulator.cli import commands

    commands.register(app)


def main() -> None:
    """Entry point of the console script."""
    _register()
    try:
        app()
    except BrokenPipeError:
        sys.stderr.close()
        raise SystemExit(exit_codes.OK) from None
