"""``simulate drill``: break every part and see what happens."""

from typing import Annotated

import typer


def drill(
    topology: Annotated[str, typer.Argument(help="A topology file, or the name of one we ship.")],
    rps: Annotated[str | None, typer.Option(help="Offered rate: 500, 30k/min, 10M/day.")] = None,
    workload: Annotated[
        str | None, typer.Option("-w", "--workload", help="Workload name or file.")
    ] = None,
    duration: Annotated[
        str | None, typer.Option("-d", "--duration", help="Simulated time of one run.")
    ] = None,
    requests: Annotated[str | None, typer.Option(help="Requests of one run (6k).")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Replace a value: PATH=VALUE.")
    ] = None,
    variant: Annotated[str | None, typer.Option(help="Drill a variant of the design.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of every random stream.")] = 42,
    jobs: Annotated[int | None, typer.Option("-j", "--jobs", help="Processes.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the matrix as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress.")] = False,
    color: Annotated[str, typer.Option(help="auto, always or never.")] = "auto",
) -> None:
    """Take every component down, slow it, make it fail; spike the traffic; flush the caches."""
    import json

    from simulator.cli import exit_codes
    from simulator.cli.loading import load_or_fail, quantity, show
    from simulator.cli.running import progress_bar
    from simulator.present.drill import drill_lines
    from simulator.quantities import parse_count, parse_duration
    from simulator.studies.drill import drill as run_drill
    from simulator.studies.run import RunOptions
    from simulator.topology.diagnostics import DocumentError

    loaded = load_or_fail(topology, variant, tuple(set_ or ()))
    count = quantity("--requests", requests, parse_count)
    options = RunOptions(
        rps=quantity("--rps", rps, _rate),
        workload=workload,
        duration_s=quantity("--duration", duration, parse_duration),
        requests=None if count is None else int(count),
        seed=seed,
        jobs=jobs,
    )
    try:
        with progress_bar(quiet or json_) as progress:
            result = run_drill(loaded.topology, options, progress)
    except DocumentError as error:
        show(error.diagnostics)
        raise typer.Exit(exit_codes.USAGE) from None
    if json_:
        typer.echo(json.dumps(result.document, indent=2, ensure_ascii=False))
        return
    forced = {"always": True, "never": False}.get(color)
    for style, line in drill_lines(result.document):
        if style in {"bold", "dim"}:
            typer.secho(line, bold=style == "bold", dim=style == "dim", color=forced)
        else:
            typer.secho(line, fg=style or None, color=forced)


def _rate(text: str) -> float:
    from simulator.quantities import parse_rate

    try:
        return float(text)
    except ValueError:
        return parse_rate(text)
