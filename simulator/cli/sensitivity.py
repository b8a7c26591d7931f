"""``simulate sensitivity TOPOLOGY``: what moves latency, cost and quality most."""

from typing import Annotated

import typer

from simulator.cli import studying as words
from simulator.cli.app import fail


def sensitivity(
    topology: Annotated[str, typer.Argument(help="A topology file, or the name of one we ship.")],
    vary: Annotated[
        list[str] | None,
        typer.Option("--vary", help="PATH=LOW..HIGH, instead of what matters on paper."),
    ] = None,
    span: Annotated[str, typer.Option(help="How far to scale what is varied.")] = "25%",
    trajectories: Annotated[int, typer.Option(min=2, max=100, help="Paths through the box.")] = 4,
    rps: words.Rps = None,
    workload: words.Workload = None,
    requests: words.Requests = None,
    settings: words.Settings = None,
    seed: words.Seed = 42,
    replications: words.Replications = None,
    jobs: words.Jobs = None,
    backend: words.Backend = "loky",
    scheduler: words.Scheduler = None,
    store: words.StoreFolder = None,
    no_store: words.NoStore = False,
    json_: words.Json = False,
    report: words.Report = True,
    quiet: words.Quiet = False,
) -> None:
    """Rank the parameters by how much they move p(99), cost and quality (Morris)."""
    from simulator.cli.loading import quantity
    from simulator.present.studies.sensitivity import sensitivity_lines
    from simulator.quantities import parse_fraction
    from simulator.studies.sensitivity import sensitivity as ranked

    options = words.run_options(
        rps=rps, workload=workload, requests=requests, seed=seed, replications=replications
    )
    share = quantity("--span", span, parse_fraction) or 0.25
    if share >= 1.0:
        fail(f"--span: got {span}, it must be below 100%")
    ranges = words.ranges_of(vary, "--vary")
    design = words.load_design_or_fail(topology, settings)
    with words.bench_of(jobs, backend, scheduler, store, no_store, quiet) as bench:
        words.tell_idle_rps(design.topology, options)
        result = ranked(design, options, ranges, bench, trajectories=trajectories, span=share)
    document = result.document
    words.put_out(
        document,
        lambda again, page: sensitivity_lines(document, again, page),
        as_json=json_,
        report=report,
        names=(design.name, "sensitivity"),
    )
