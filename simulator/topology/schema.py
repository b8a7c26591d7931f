"""JSON Schema of the documents, for completion in editors."""

from typing import Any

from pydantic import BaseModel

import simulator.topology.kinds  # noqa: F401  (registers the kinds)
from simulator.quantities.schema_parts import document_schema
from simulator.topology.model import Topology
from simulator.workload.model import Workload

DOCUMENTS: dict[str, type[BaseModel]] = {"topology": Topology, "workload": Workload}


def json_schema(document: str) -> dict[str, Any]:
    """The schema of a document, readable by validators that know draft 7.

    Pydantic writes draft 2020-12. What it uses beyond draft 7 is only the name ``$defs``, which
    draft 7 follows as a pointer like any other.
    """
    schema = document_schema(DOCUMENTS[document])
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"{document} of the capacity simulator",
        **{key: value for key, value in schema.items() if key != "title"},
    }
