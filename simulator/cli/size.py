"""``simulate size TOPOLOGY --rps R --vary PATH=RANGE``: the cheapest configuration that holds."""

from typing import Annotated

import typer

from simulator.cli import studying as words
from simulator.cli.exit_codes import THRESHOLD_FAILED


def size(
    topology: Annotated[str, typer.Argument(help="A topology file, or the name of one we ship.")],
    rps: words.Rps = None,
    vary: Annotated[
        list[str] | None, typer.Option("--vary", help="What may change: gpu_pool.replicas=2..12.")
    ] = None,
    workload: words.Workload = None,
    requests: words.Requests = None,
    settings: words.Settings = None,
    thresholds: words.Thresholds = None,
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
    """Find the cheapest configuration that meets the objectives; exit 99 if there is none."""
    from simulator.present.studies.size import size_lines
    from simulator.studies.size import size as sized

    options = words.run_options(
        rps=rps, workload=workload, requests=requests, seed=seed, replications=replications,
        thresholds=thresholds or (),
    )  # fmt: skip
    ranges = words.ranges_of(vary, "--vary")
    design = words.load_design_or_fail(topology, settings)
    with words.bench_of(jobs, backend, scheduler, store, no_store, quiet) as bench:
        words.tell_idle_rps(design.topology, options)
        result = sized(design, ranges, options, bench)
    document = result.document
    use = words.run_command(topology, rps, workload, settings or (), thresholds or ())
    words.put_out(
        document,
        lambda again, page: size_lines(document, use, again, page),
        as_json=json_,
        report=report,
        names=(design.name, "size", "-".join(document["paths"])),
    )
    if document["winner"] is None:
        words.leave(THRESHOLD_FAILED)
