"""The load in heads and verdicts."""

from simulator.metrics.spread import Document
from simulator.quantities.grouping import grouped


def said_load(document: Document, how: str = "") -> str:
    """The load of a run or a study: ``30 rps and 18/s of crawler``.

    ``how`` is put after what is offered: ``30 rps steady and 18/s of crawler``. Documents from
    before loads were noted tell it by their rate.
    """
    offered = document.get("load")
    if offered is None and document.get("closed"):
        offered = document["arrivals"]
    elif offered is None:
        rate = document["rate"] * document.get("cells", 1)
        offered = f"{rate:.3g} rps" if rate < 1000 else f"{grouped(rate)} rps"
    offered = offered and f"{offered} {how}".rstrip()
    return " and ".join(filter(None, (offered, document.get("load_beside"))))
