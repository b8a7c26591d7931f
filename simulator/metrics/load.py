"""The load in heads and verdicts."""

from simulator.metrics.spread import Document


def said_load(document: Document, how: str = "") -> str:
    """The load of a run or a study: ``30 rps and 18/s of crawler``.

    ``how`` is put after what is offered: ``30 rps steady and 18/s of crawler``.
    """
    offered = document["load"] and f"{document['load']} {how}".rstrip()
    return " and ".join(filter(None, (offered, document["load_beside"])))
