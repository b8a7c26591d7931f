"""``--plan``: the design on paper, without a run."""

import typer

from simulator.present.numbers import count, dollars, percent, seconds
from simulator.studies.run import RunOptions, plan_run
from simulator.topology.paper import on_paper
from simulator.topology.reading import Loaded


def show_plan(loaded: Loaded, options: RunOptions) -> None:
    """Print what would be simulated, with utilizations on paper."""
    experiment, replications, workload = plan_run(loaded.topology, options)
    plan = on_paper(experiment.topology)
    typer.secho(f"  {loaded.topology.name} on paper · {count(plan.rate)} rps", bold=True)
    typer.echo(
        f"  would run {replications} replications of {seconds(experiment.horizon_s)}: "
        f"about {count(experiment.expected_requests * replications)} requests, "
        f"workload {workload.name}"
    )
    typer.echo()
    width = max(len(row.name) for row in plan.rows)
    header = (
        f"    {'':<{width}}  {'rate':>9}  {'servers':>7}  {'service':>8}  {'ρ':>5}  {'cost':>10}"
    )
    typer.secho(header, dim=True)
    for row in plan.rows:
        servers = "–" if row.servers is None else f"{row.servers:g}"
        service = seconds(row.service_s if row.servers is not None else row.delay_s)
        utilization = percent(row.utilization)
        cost = "" if not row.cost_usd_per_hour else f"{dollars(row.cost_usd_per_hour)}/h"
        color = "red" if (row.utilization or 0.0) >= 1.0 else None
        typer.secho(
            f"    {row.name:<{width}}  {count(row.rate):>7}/s  {servers:>7}  {service:>8}"
            f"  {utilization:>5}  {cost:>10}",
            fg=color,
        )
        for note in row.notes:
            typer.secho(f"    {'':<{width}}  {note}", dim=True)
    typer.echo()
    if plan.capacity_rps is not None and plan.busiest is not None:
        typer.echo(
            f"  {plan.busiest.name} is the first to saturate, at {count(plan.capacity_rps)} rps"
        )
    typer.echo(f"  cost {dollars(plan.cost_usd_per_hour * loaded.topology.cells)}/h")
