"""``simulate schema``: JSON Schema of the documents."""

import json
from typing import Annotated

import typer


def schema(
    document: Annotated[str, typer.Argument(help="topology or workload.")] = "topology",
) -> None:
    """Print the JSON Schema (draft 7) that editors use for completion."""
    from simulator.cli.app import fail
    from simulator.topology.schema import DOCUMENTS, json_schema

    if document not in DOCUMENTS:
        fail(f"there is no document `{document}`", f"known: {', '.join(DOCUMENTS)}")
    typer.echo(json.dumps(json_schema(document), indent=2, ensure_ascii=False))
