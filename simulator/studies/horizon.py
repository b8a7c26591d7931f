"""Whether the runs of a study last long enough beside what they measure.

A replication starts empty, and what queues for as long as an answer takes is not seen before some
answers have been given: a run of eight seconds says little about a design that answers within
twenty. Latencies themselves are complete, since the run goes on until everybody is answered.
"""

from collections.abc import Sequence
from typing import Any

from simulator.metrics.spread import Document

SPANS = 10.0
"""Simulated time of a replication, at least, in p99 latencies: what starts empty has to fill."""

BUSY = 0.95
"""Utilization from which a component may be the reason that there is no steady state."""


def spans_of(document: Document) -> float | None:
    """How many p99 latencies a replication lasts; None without answers, or if it is overloaded.

    Without a steady state latencies grow as long as the run goes on, so they say nothing about
    its length; unless nothing is busy, when the run only looks unsteady because it still fills.
    """
    place: Any = document["metrics"].get("latency") or {}
    p99 = (place.get("p99") or {}).get("value")
    used = [row["utilization"] or 0.0 for row in document["components"].values()]
    fills = document["stable"] or max(used, default=0.0) < BUSY
    return document["horizon_s"] / p99 if p99 and fills else None


def shortness(spans: Sequence[float | None]) -> Document:
    """How many of the runs are short, and by which factor they should be longer, at least."""
    short = [own for own in spans if own is not None and own < SPANS]
    factor = SPANS / min(short) if short else 1.0
    return {"short": len(short), "of": len(spans), "factor": factor, "spans": SPANS}
