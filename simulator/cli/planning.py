"""``--plan``: the design on paper, without a run."""

from collections.abc import Iterator

import typer

from simulator.cli.app import folded
from simulator.metrics.load import said_load
from simulator.present.numbers import count, dollars, percent, seconds, things
from simulator.studies.run import RunOptions, plan_run
from simulator.topology.load import load_of
from simulator.topology.paper import PaperRow, on_paper
from simulator.topology.reading import Loaded


def show_plan(loaded: Loaded, options: RunOptions) -> None:
    """Print what would be simulated, with utilizations on paper."""
    experiment, replications, workload = plan_run(loaded.topology, options)
    plan = on_paper(experiment.topology)
    load = load_of(experiment.topology, workload.arrivals)
    most = f", at most {count(plan.rate)} rps" if load["load_per_s"] is None else ""
    typer.secho(f"  {loaded.topology.name} on paper · {said_load(load)}{most}", bold=True)
    typer.echo(
        f"  would run {things(replications, 'replication')} of {seconds(experiment.horizon_s)}: "
        f"about {things(experiment.expected_requests * replications, 'request')}, "
        f"workload {workload.name}"
    )
    typer.echo()
    width = max(len(row.name) for row in plan.rows)
    header = (
        f"    {'':<{width}}  {'rate':>9}  {'servers':>7}  {'service':>8}  {'ρ':>5}  {'cost':>10}"
    )
    typer.secho(header, dim=True)
    for row in plan.rows:
        servers = "–" if row.servers is None else f"{row.servers_most:g}"
        service = seconds(row.service_s if row.servers is not None else row.delay_s)
        utilization = percent(row.strain)
        cost = "" if not row.cost_usd_per_hour else f"{dollars(row.cost_usd_per_hour)}/h"
        color = "red" if (row.strain or 0.0) >= 1.0 else None
        typer.secho(
            f"    {row.name:<{width}}  {count(row.rate):>7}/s  {servers:>7}  {service:>8}"
            f"  {utilization:>5}  {cost:>10}",
            fg=color,
        )
        for note in (*_growth(row), *row.notes):
            typer.secho(f"    {'':<{width}}  {note}", dim=True)
    typer.echo()
    if plan.full_rps is not None and plan.strained is not None:
        first = plan.strained
        with_all = " with all its replicas" if first.growth > 1.0 else ""
        certain = plan.saturation_rps is not None and plan.saturation_rps <= 1.001 * plan.full_rps
        spared = "" if certain else " unless hits or refusals spare it"
        rate = f"{count(plan.full_rps)} rps"
        if load["load_beside"]:  # no one rate says it
            rate = f"{plan.full_rps / plan.rate:.3g} times this load"
        typer.echo(f"  {first.name} is the first to saturate, at {rate}{with_all}{spared}")
        if kept := ", ".join(row.name for row in plan.rows if row.kept and row.rate):
            for line in folded(f"  unless what is kept through calls is full before: {kept}"):
                typer.echo(line)
    typer.echo(f"  cost {dollars(plan.cost_usd_per_hour * loaded.topology.cells)}/h")


def _growth(row: PaperRow) -> Iterator[str]:
    """That servers are counted which are not there from the start."""
    if row.growth > 1.0:
        yield (
            f"follows the load: servers and ρ are of all it may have; it starts with "
            f"{row.servers:g} at {percent(row.utilization)}, which is what the cost is of"
        )
