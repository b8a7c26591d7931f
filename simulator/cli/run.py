"""``simulate TOPOLOGY``: run one design."""

from pathlib import Path
from typing import Annotated

import typer


def run(
    topology: Annotated[str, typer.Argument(help="A topology file, or the name of one we ship.")],
    rps: Annotated[str | None, typer.Option(help="Offered rate: 500, 30k/min, 10M/day.")] = None,
    workload: Annotated[
        str | None, typer.Option("-w", "--workload", help="Workload name or file.")
    ] = None,
    duration: Annotated[
        str | None, typer.Option("-d", "--duration", help="Simulated time of a replication.")
    ] = None,
    requests: Annotated[
        str | None, typer.Option(help="Requests over all replications (200k).")
    ] = None,
    warmup: Annotated[str, typer.Option(help="Time left out at the beginning, or auto.")] = "auto",
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Set a value: PATH=VALUE, as web.replicas=4.")
    ] = None,
    variant: Annotated[str | None, typer.Option(help="Run a variant of the design.")] = None,
    faults: Annotated[
        str, typer.Option(help="Break something: a scenario of the topology, or a file.")
    ] = "none",
    seed: Annotated[int, typer.Option(min=0, help="Seed of every random stream.")] = 42,
    replications: Annotated[
        str, typer.Option("-n", "--replications", help="Independent runs, or auto.")
    ] = "auto",
    precision: Annotated[
        str | None, typer.Option(help="Replicate until p99 is known this well: 5%.")
    ] = None,
    jobs: Annotated[int | None, typer.Option("-j", "--jobs", help="Processes.")] = None,
    wall: Annotated[str, typer.Option(help="Limit on real time.")] = "120s",
    requests_max: Annotated[str, typer.Option(help="Limit on simulated requests.")] = "20M",
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 3 if the figures cannot be trusted.")
    ] = False,
    threshold: Annotated[
        list[str] | None, typer.Option("-t", "--threshold", help="'latency: p(99)<800ms'.")
    ] = None,
    no_thresholds: Annotated[bool, typer.Option("--no-thresholds")] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Utilizations on paper, without a run.")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    report: Annotated[bool, typer.Option("--report/--no-report", help="Write a report.")] = True,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for the report.")] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress.")] = False,
    color: Annotated[str, typer.Option(help="auto, always or never.")] = "auto",
) -> None:
    """Run one design under a load and say whether it holds."""
    from simulator.cli.running import Request, execute

    execute(
        Request(
            topology=topology, rps=rps, workload=workload, duration=duration, requests=requests,
            warmup=warmup, settings=tuple(set_ or ()), variant=variant, faults=faults, seed=seed,
            replications=replications, precision=precision, jobs=jobs, wall=wall,
            requests_max=requests_max, strict=strict, thresholds=tuple(threshold or ()),
            no_thresholds=no_thresholds, plan=plan, json=json_, report=report, out=out,
            quiet=quiet, color=color,
        )
    )  # fmt: skip
