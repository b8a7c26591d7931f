"""The ``simulate`` command: a group whose default command is ``run``."""

import gc
import sys
import warnings
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from simulator.cli import exit_codes
from simulator.cli.commands import COMMANDS

SUMMARY = (
    "Discrete-event capacity and trade-off simulator: "
    "`simulate topologies/llm_gateway.yaml --rps 500` tells whether a design holds."
)


class Commands(TyperGroup):
    """Reads ``simulate FILE`` as ``simulate run FILE``, and a mistyped command as what it is."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        place, help_ = COMMANDS[cmd_name]
        module, _, function = place.partition(":")
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(cmd_name, help=help_)(
            getattr(import_module(f"simulator.cli.{module}"), function)
        )
        return typer.main.get_command(single)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        word = args[0] if args else ""
        if word in COMMANDS or not word or word.startswith("-"):
            return super().resolve_command(ctx, args)
        close = get_close_matches(word, COMMANDS, n=1, cutoff=0.7)
        if close and not Path(word).exists() and not word.endswith((".yaml", ".yml")):
            from simulator.topology.library import topology_names

            if word not in topology_names():
                fail(f"there is no command `{word}`", f"did you mean `{close[0]}`?")
        return super().resolve_command(ctx, ["run", *args])

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        formatter.write_usage("simulate", "TOPOLOGY [OPTIONS]  |  COMMAND [ARGS]...")

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_) for name, (_, help_) in COMMANDS.items()])


def fail(message: str, hint: str = "", code: int = exit_codes.USAGE) -> NoReturn:
    """Say what is wrong on stderr and leave."""
    typer.secho("error", fg="red", bold=True, err=True, nl=False)
    typer.echo(f": {message}", err=True)
    if hint:
        typer.echo(f"  = {hint}", err=True)
    raise typer.Exit(code)


def terminal_width() -> int:
    """Columns of text: those of the terminal, between 60 and 140; 100 where there is none."""
    from shutil import get_terminal_size

    return max(60, min(get_terminal_size((100, 24)).columns, 140))


def folded(line: str) -> list[str]:
    """A sentence no wider than the terminal; tables and commands stay as they are."""
    from textwrap import wrap

    text = line.strip()
    if len(line) <= terminal_width() or "  " in text or "simulate " in text:
        return [line]
    lead = " " * (len(line) - len(line.lstrip()))
    return wrap(
        text,
        terminal_width(),
        initial_indent=lead,
        subsequent_indent=f"{lead}  ",
        break_on_hyphens=False,
    )


def main() -> None:
    """Entry point of the console script."""
    # Start-up makes many objects that stay; looking for cycles among them takes a tenth of it.
    gc.set_threshold(200_000)
    # joblib replaces a process that has grown large, and loses nothing by it.
    warnings.filterwarnings("ignore", "A worker stopped while", UserWarning)
    group = Commands(name="simulate", help=SUMMARY, no_args_is_help=True, rich_markup_mode=None)
    try:
        group(prog_name="simulate")
    except BrokenPipeError:
        sys.stderr.close()
        raise SystemExit(exit_codes.OK) from None
