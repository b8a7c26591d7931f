"""What ``simulate TOPOLOGY`` does, from words to exit code."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from simulator.cli import exit_codes
from simulator.cli.loading import load_or_fail, quantity, show, thresholds_of
from simulator.cli.studying import json_text
from simulator.quantities import parse_count, parse_duration, parse_fraction, parse_rate
from simulator.studies.run import Progress, RunOptions, RunResult
from simulator.topology.diagnostics import DocumentError
from simulator.topology.model import Topology
from simulator.topology.objectives import Objective


@dataclass(frozen=True)
class Request:
    """The words of a ``run`` command."""

    topology: str
    rps: str | None
    workload: str | None
    duration: str | None
    requests: str | None
    warmup: str
    settings: tuple[str, ...]
    variant: str | None
    faults: str
    seed: int
    replications: str
    precision: str | None
    jobs: int | None
    wall: str
    requests_max: str
    strict: bool
    thresholds: tuple[str, ...]
    no_thresholds: bool
    plan: bool
    json: bool
    report: bool
    out: Path | None
    quiet: bool
    color: str


def execute(request: Request) -> None:
    """Load, run, present; leaves by an exit code."""
    loaded = load_or_fail(request.topology, request.variant, request.settings)
    options = options_of(request)
    if request.plan:
        from simulator.cli.planning import show_plan

        show_plan(loaded, options)
        return
    folder = _report_folder(request, loaded.topology.name) if request.report else None
    with progress_bar(request.quiet or request.json) as progress:
        result = run_or_fail(loaded.topology, options, progress)
    if request.json or folder is not None:
        from simulator.interview.promises import promises_of
        from simulator.studies.saved import keepsake

        result.document.update(promises_of(loaded))
        result.document.update(keepsake(result, loaded.data, options))
    if folder is not None:
        from simulator.cli.writing import write_report

        write_report(result, folder, command_line(request))
    if request.json:
        typer.echo(json_text(result.document))
    else:
        _show(result, request, folder)
    code = exit_code(result, request)
    if code:
        raise typer.Exit(code)


def run_or_fail(topology: Topology, options: RunOptions, progress: Progress | None) -> RunResult:
    """Run; a workload or fault file with mistakes is shown and ends the command."""
    from simulator.studies.run import run

    try:
        return run(topology, options, progress)
    except DocumentError as error:
        show(error.diagnostics)
        raise typer.Exit(exit_codes.USAGE) from None


def options_of(request: Request) -> RunOptions:
    """The options in SI units; a word that cannot be read ends the command."""
    thresholds: tuple[Objective, ...] | None = None
    if request.no_thresholds:
        thresholds = ()
    elif request.thresholds:
        thresholds = thresholds_of(request.thresholds)
    return RunOptions(
        rps=quantity("--rps", request.rps, _rate),
        workload=request.workload,
        faults=request.faults,
        duration_s=quantity("--duration", request.duration, parse_duration),
        requests=_whole(quantity("--requests", request.requests, parse_count)),
        warmup_s=None
        if request.warmup == "auto"
        else quantity("--warmup", request.warmup, parse_duration),
        seed=request.seed,
        replications=None
        if request.replications == "auto"
        else _whole(quantity("--replications", request.replications, parse_count)),
        precision=quantity("--precision", request.precision, parse_fraction),
        jobs=request.jobs,
        wall_s=quantity("--wall", request.wall, parse_duration) or 120.0,
        requests_max=_whole(quantity("--requests-max", request.requests_max, parse_count)) or 1,
        thresholds=thresholds,
    )


def exit_code(result: RunResult, request: Request) -> int:
    """0 if every threshold held; see :mod:`simulator.cli.exit_codes`."""
    endings = result.document["run"]["endings"]
    if "interrupted" in endings:
        return exit_codes.INTERRUPTED
    if any(row["status"] == "fail" for row in result.document["objectives"]):
        return exit_codes.THRESHOLD_FAILED
    untrusted = result.partial or not result.document["stable"]
    return exit_codes.NOT_TRUSTED if request.strict and untrusted else exit_codes.OK


def command_line(request: Request, **changed: Any) -> str:
    """The command that gives the same result again."""
    words = ["simulate", request.topology]
    if request.rps is not None:
        words += ["--rps", request.rps]
    for flag, value in (
        ("--workload", request.workload),
        ("--duration", request.duration),
        ("--requests", request.requests),
        ("--variant", request.variant),
        ("--faults", None if request.faults == "none" else request.faults),
        ("--warmup", None if request.warmup == "auto" else request.warmup),
        ("--replications", None if request.replications == "auto" else request.replications),
        ("--precision", request.precision),
    ):
        if value is not None:
            words += [flag, value]
    for setting in request.settings:
        words += ["--set", setting]
    for threshold in request.thresholds:
        words += ["--threshold", threshold]
    words += ["--seed", str(request.seed)]
    return " ".join(shlex.quote(word) for word in words)


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Progress | None]:
    """A transient bar on stderr; nothing when stderr is no terminal."""
    import sys

    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("  {task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=1.0)

        def told(what: str, share: float) -> None:
            bar.update(task, description=what, completed=share)

        yield told


def _show(result: RunResult, request: Request, folder: Path | None) -> None:
    from simulator.cli.advice import next_lines
    from simulator.cli.app import folded
    from simulator.metrics.breakdown import breakdown
    from simulator.present.terminal import summary_lines

    parts = breakdown(result.findings.windows, 0.99)
    total = sum(part.total_s for part in parts) or 1.0
    shares = [{"component": part.component, "share": part.total_s / total} for part in parts]
    color = {"always": True, "never": False}.get(request.color)
    advice = next_lines(result, request.topology, command_line(request), folder)
    for style, line in summary_lines(result.document, shares, advice):
        for part in folded(line):
            typer.secho(part, **_style(style), color=color)


def _style(style: str) -> dict[str, Any]:
    if style in {"bold", "dim"}:
        return {style: True}
    return {"fg": style} if style else {}


def _report_folder(request: Request, name: str) -> Path:
    from simulator.cli.writing import prepare_folder

    if request.out is not None:
        return prepare_folder(request.out)
    words = [f"{request.rps}rps" if request.rps else "default"]
    words += [word for word in (request.variant, request.workload) if word]
    if request.faults != "none":
        words.append(Path(request.faults).stem)
    label = "-".join([*words, f"seed{request.seed}"]).replace("/", "_")
    return prepare_folder(Path("reports") / name / label)


def _rate(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return parse_rate(text)


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
