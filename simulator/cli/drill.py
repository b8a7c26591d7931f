"""``simulate drill``: break every part and see what happens."""

from typing import Annotated

import typer

from simulator.cli import studying as words


def drill(
    topology: Annotated[str, typer.Argument(help="A topology file, or the name of one we ship.")],
    rps: words.Rps = None,
    workload: words.Workload = None,
    duration: Annotated[
        str | None, typer.Option("-d", "--duration", help="Simulated time of one run.")
    ] = None,
    requests: Annotated[str | None, typer.Option(help="Requests of one run (6k).")] = None,
    set_: words.Settings = None,
    variant: Annotated[str | None, typer.Option(help="Drill a variant of the design.")] = None,
    seed: words.Seed = 42,
    jobs: words.Jobs = None,
    json_: words.Json = False,
    report: words.Report = True,
    quiet: words.Quiet = False,
    color: Annotated[str, typer.Option(help="auto, always or never.")] = "auto",
) -> None:
    """Take every component down, slow it, make it fail; spike the traffic; flush the caches."""
    from dataclasses import replace

    from simulator.cli import exit_codes
    from simulator.cli.app import fail
    from simulator.cli.loading import show
    from simulator.cli.running import progress_bar
    from simulator.present.drill import drill_lines
    from simulator.studies.design import refuse_lengths
    from simulator.studies.drill import drill as run_drill
    from simulator.studies.errors import StudyError
    from simulator.topology.diagnostics import DocumentError

    word = topology if variant is None else f"{topology}@{variant}"
    loaded = words.load_design_or_fail(word, set_)
    options = words.run_options(
        rps=rps, workload=workload, duration=duration, requests=requests, seed=seed
    )
    try:
        refuse_lengths(loaded)
        with progress_bar(quiet or json_) as progress:
            words.tell_idle_rps(loaded.topology, options)
        result = run_drill(loaded.topology, replace(options, jobs=jobs), progress)
    except DocumentError as error:
        show(error.diagnostics)
        raise typer.Exit(exit_codes.USAGE) from None
    except StudyError as error:
        fail(str(error), error.hint)
    document = {**result.document, "file": str(topology)}
    words.put_out(
        document,
        lambda again, page: drill_lines(document, again, page),
        as_json=json_,
        report=report,
        names=(loaded.topology.name, "drill" if variant is None else f"drill-{variant}"),
        color={"always": True, "never": False}.get(color),
    )
