"""``simulate capacity TOPOLOGY``: the highest rate that meets the objectives."""

from typing import Annotated

import typer

from simulator.cli import studying as words


def capacity(
    topology: Annotated[str, typer.Argument(help="A topology file, or the name of one we ship.")],
    rps: Annotated[str | None, typer.Option(help="Today's rate, for the headroom.")] = None,
    workload: words.Workload = None,
    requests: words.Requests = None,
    settings: words.Settings = None,
    thresholds: words.Thresholds = None,
    precision: Annotated[str, typer.Option(help="How well to know the rate.")] = "1%",
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
    """Find the highest rate that meets the objectives, and what gives way first."""
    from simulator.cli.loading import quantity
    from simulator.present.studies.capacity import capacity_lines
    from simulator.quantities import parse_fraction
    from simulator.studies.capacity import capacity as searched

    options = words.run_options(
        rps=rps, workload=workload, requests=requests, seed=seed, replications=replications,
        thresholds=thresholds or (),
    )  # fmt: skip
    close = quantity("--precision", precision, parse_fraction) or 0.01
    design = words.load_design_or_fail(topology, settings)
    with words.bench_of(jobs, backend, scheduler, store, no_store, quiet) as bench:
        result = searched(design, options, bench, precision=close)
    document = result.document
    words.put_out(
        document,
        lambda again, page: capacity_lines(document, again, page),
        as_json=json_,
        report=report,
        names=(design.name, "capacity"),
    )
