"""What the commands of studies share: words to options, a bench, and how they end."""

import json
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from simulator.cli import exit_codes
from simulator.cli.app import fail, folded
from simulator.cli.loading import quantity, show, thresholds_of
from simulator.present.numbers import finite

STUDY_FILE = "study.json"

Rps = Annotated[str | None, typer.Option("--rps", help="Offered rate: 500, 30k/min, 10M/day.")]
Workload = Annotated[str | None, typer.Option("-w", "--workload", help="Workload name or file.")]
Duration = Annotated[
    str | None, typer.Option("-d", "--duration", help="Simulated time of a replication.")
]
Requests = Annotated[str | None, typer.Option("--requests", help="Requests at every point.")]
Settings = Annotated[list[str] | None, typer.Option("--set", help="Set a value first: PATH=VALUE.")]
Thresholds = Annotated[
    list[str] | None,
    typer.Option("-t", "--threshold", help="Instead of the objectives: 'latency: p(99)<800ms'."),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of every random stream.")]
Replications = Annotated[
    int | None,
    typer.Option("-n", "--replications", min=1, max=1000, help="Independent runs of a point."),
]
Jobs = Annotated[int | None, typer.Option("-j", "--jobs", min=1, help="Processes.")]
Backend = Annotated[str, typer.Option("--backend", help="Where to compute: loky, dask or ray.")]
Scheduler = Annotated[
    str | None, typer.Option("--scheduler", help="Address of a cluster: tcp://host:8786.")
]
StoreFolder = Annotated[
    Path | None, typer.Option("--store", help="Folder of finished points, to go on from.")
]
NoStore = Annotated[bool, typer.Option("--no-store", help="Keep and reuse nothing.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Report = Annotated[bool, typer.Option("--report/--no-report", help="Write a page.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No progress.")]


def run_options(
    *,
    rps: str | None = None,
    workload: str | None = None,
    duration: str | None = None,
    requests: str | None = None,
    seed: int = 42,
    replications: int | None = None,
    thresholds: Sequence[str] = (),
) -> Any:
    """The options of every run of a study; a word that cannot be read ends the command."""
    from simulator.quantities import parse_count, parse_duration
    from simulator.studies.run import RunOptions

    asked = quantity("--requests", requests, parse_count)
    return RunOptions(
        rps=quantity("--rps", rps, _rate),
        workload=workload,
        duration_s=quantity("--duration", duration, parse_duration),
        requests=None if asked is None else int(asked),
        seed=seed,
        replications=replications,
        thresholds=thresholds_of(thresholds) if thresholds else None,
    )


@contextmanager
def bench_of(
    jobs: int | None,
    backend: str,
    scheduler: str | None,
    store: Path | None,
    no_store: bool,
    quiet: bool,
) -> Iterator[Any]:
    """A bench as the flags ask for; mistakes and interrupts inside end the command."""
    from simulator.cli.running import progress_bar
    from simulator.studies.errors import StudyError, StudyInterrupted
    from simulator.studies.planner import Bench
    from simulator.studies.pool import BACKENDS, Pool
    from simulator.studies.store import Store, default_folder
    from simulator.topology.diagnostics import DocumentError

    if backend not in BACKENDS:
        fail(f"--backend: there is no backend `{backend}`", f"known: {', '.join(BACKENDS)}")
    if scheduler is not None and backend == "loky":
        fail("--scheduler: loky has no scheduler", "add --backend dask or --backend ray")
    try:
        with progress_bar(quiet) as progress:
            folder = None if no_store else store or default_folder()
            yield Bench(Pool(backend, scheduler, jobs), Store(folder), progress)
    except StudyError as error:
        fail(str(error), error.hint)
    except DocumentError as error:
        show(error.diagnostics)
        raise typer.Exit(exit_codes.USAGE) from None
    except StudyInterrupted as error:
        typer.echo(f"{error}; the same command goes on from there", err=True)
        raise typer.Exit(exit_codes.INTERRUPTED) from None


def put_out(
    document: dict[str, Any],
    lines: Callable[[str, str | None], Iterable[tuple[str, str]]],
    *,
    as_json: bool,
    report: bool,
    names: Sequence[str],
    color: bool | None = None,
) -> None:
    """Write the page, and print JSON or the lines, which take the command and the page's path."""
    again = command()
    page = None
    if report:
        from simulator.present.html.study import render_study

        page = write_page(names, {**document, "command": again}, render_study(document, again))
    if as_json:
        typer.echo(json_text(document))
        return
    for style, line in lines(again, page):
        for part in folded(line):
            typer.secho(part, **_look(style), color=color)


def json_text(document: Any) -> str:
    """A document as indented JSON, with numbers in a row on one line."""
    text = json.dumps(finite(document), indent=2, ensure_ascii=False, allow_nan=False)
    return re.sub(r"\[\n[-+.\deE,\s]+\]", lambda found: " ".join(found[0].split()), text)


def load_design_or_fail(word: str, settings: Sequence[str] | None = None) -> Any:
    """The design a word means, or every mistake in it and exit 2; warnings go to stderr."""
    from simulator.studies.design import load_design
    from simulator.studies.errors import StudyError
    from simulator.topology.diagnostics import DocumentError

    try:
        return load_design(word, settings or ())
    except DocumentError as error:
        show(error.diagnostics)
        raise typer.Exit(exit_codes.USAGE) from None
    except StudyError as error:
        fail(str(error), error.hint)


def tell_idle_rps(topology: Any, options: Any) -> None:
    """Warn on stderr of an ``--rps`` that plays no part."""
    from simulator.studies.run import idle_rps, plan_run

    idle = idle_rps(plan_run(topology, options)[0], options)
    if idle is not None:
        typer.secho(f"warning: {idle}", fg="yellow", err=True)


def ranges_of(texts: Sequence[str] | None, flag: str) -> list[Any]:
    """The ranges of a command line, or what is wrong with one and exit 2."""
    from simulator.studies.errors import StudyError
    from simulator.studies.ranges import parse_range

    try:
        return [parse_range(text, flag) for text in texts or ()]
    except StudyError as error:
        fail(str(error), error.hint)


def leave(code: int) -> NoReturn:
    """End the command with an exit code."""
    raise typer.Exit(code)


def write_text(path: Path, text: str | bytes) -> None:
    """Write a file in one piece; ends the command if it cannot be written."""
    draft = path.with_suffix(path.suffix + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        fail(f"cannot write {path}: {error.strerror}")


def command() -> str:
    """The command line that was typed."""
    return f"simulate {shlex.join(sys.argv[1:])}"


def run_command(
    topology: str,
    rps: str | None,
    workload: str | None,
    settings: Sequence[str],
    thresholds: Sequence[str],
) -> str:
    """The command that runs the design of a study alone, as it was asked about."""
    name, _, variant = topology.partition("@")
    flags = [("--variant", variant or None), ("--rps", rps), ("--workload", workload)]
    flags += [("--set", setting) for setting in settings]
    flags += [("--threshold", threshold) for threshold in thresholds]
    words = [word for flag, value in flags if value is not None for word in (flag, value)]
    return shlex.join(["simulate", name, *words])


def write_page(names: Sequence[str], document: dict[str, Any], page: str) -> str:
    """Write a page and the data it is drawn from; returns the path of the page."""
    folder = Path("reports", *(name.replace("/", "_") for name in names))
    write_text(folder / STUDY_FILE, json.dumps(finite(document), ensure_ascii=False))
    write_text(folder / "index.html", page)
    return str(folder / "index.html")


def _look(style: str) -> dict[str, Any]:
    if style in {"bold", "dim"}:
        return {style: True}
    return {"fg": style} if style else {}


def _rate(text: str) -> float:
    from simulator.quantities import parse_rate

    try:
        return float(text) if isfinite(float(text)) else parse_rate(text)
    except ValueError:
        return parse_rate(text)
