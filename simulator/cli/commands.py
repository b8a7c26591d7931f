"""The commands, each in a module of its own that is imported when it runs."""

import typer

from simulator.cli.check import check
from simulator.cli.explain import explain
from simulator.cli.listing import list_names
from simulator.cli.report import report
from simulator.cli.run import run
from simulator.cli.schema import schema


def register(app: typer.Typer) -> None:
    """Add every command to the application."""
    app.command("run", help="Run one design (the default command).")(run)
    app.command("check", help="Validate files without running them.")(check)
    app.command("report", help="Render a saved run again, without simulating.")(report)
    app.command("list", help="What there is: topologies, workloads, kinds, steps, metrics.")(
        list_names
    )
    app.command("explain", help="A kind, a step, a metric or an error code in detail.")(explain)
    app.command("schema", help="JSON Schema of the documents, for editors.")(schema)
