"""The commands, each in a module of its own that is imported when it runs."""

import typer

from simulator.cli.capacity import capacity
from simulator.cli.check import check
from simulator.cli.compare import compare
from simulator.cli.diagram import diagram
from simulator.cli.drill import drill
from simulator.cli.explain import explain
from simulator.cli.interview import interview
from simulator.cli.listing import list_names
from simulator.cli.new import new
from simulator.cli.report import report
from simulator.cli.run import run
from simulator.cli.schema import schema
from simulator.cli.sensitivity import sensitivity
from simulator.cli.size import size
from simulator.cli.sweep import sweep


def register(app: typer.Typer) -> None:
    """Add every command to the application."""
    app.command("run", help="Run one design (the default command).")(run)
    app.command("check", help="Validate files without running them.")(check)
    app.command("drill", help="Break every part, one at a time, and see what happens.")(drill)
    app.command("report", help="Render a saved run again, without simulating.")(report)
    app.command("list", help="What there is: topologies, workloads, kinds, steps, metrics.")(
        list_names
    )
    app.command("explain", help="A kind, a step, a metric or an error code in detail.")(explain)
    app.command("schema", help="JSON Schema of the documents, for editors.")(schema)
    app.command("compare", help="Designs side by side, and when the answer would flip.")(compare)
    app.command("capacity", help="The highest rate that meets the objectives.")(capacity)
    app.command("sweep", help="A design at many points, as a table.")(sweep)
    app.command("size", help="The cheapest configuration that meets the objectives.")(size)
    app.command("sensitivity", help="What moves latency, cost and quality most.")(sensitivity)
    app.command("interview", help="Numbers to say aloud, with derivations.")(interview)
    app.command("new", help="Start a design of your own from one that exists.")(new)
    app.command("diagram", help="Draw a design: mermaid, svg or dot.")(diagram)
