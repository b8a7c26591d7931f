"""Saved runs: what a run keeps of itself, and when that can stand for running it again.

A comparison takes a saved run as it is if this very version of the simulator made it, if it is
whole, has its figures by replication, and saw the load that is asked for. Its figures are paired
with those of another run if both had the same seed, length and number of replications, so that
replication i of both saw the same requests; else the intervals are those of independent runs.
"""

from typing import Any

from simulator.metrics.estimates import CUTS, estimates_by_cut
from simulator.metrics.spread import Document
from simulator.studies.design import Design
from simulator.studies.errors import StudyError
from simulator.studies.point import Found, engine_digest, version_of
from simulator.studies.run import RunOptions, RunResult, plan_run, unseen
from simulator.studies.scaling import unsettled_s
from simulator.topology.overlay import Data
from simulator.topology.paper import on_paper
from simulator.topology.source import written

PACKAGES = ("capacity-simulator", "simpy", "numpy", "scipy")
LATER = (0.2, 0.5)
"""Shares of the run that a comparison may have to cut beyond the warm-up of the run itself."""

Requests = tuple[Any, ...]
"""What two runs have in common if they saw the same requests."""


def keepsake(result: RunResult, data: Data, options: RunOptions) -> Document:
    """What is saved with the result of a run: where it came from, and its figures by replication.

    ``replicates`` has the shape of :func:`~simulator.metrics.estimates.estimates_by_cut`; a run
    that a limit or an interrupt ended has none.
    """
    kept: Document = {"provenance": _provenance(result, data, options)}
    if not result.partial:
        share = result.findings.cut_s / result.experiment.horizon_s
        first = next((cut for cut in CUTS if cut >= share * (1.0 - 1e-9)), CUTS[-1])
        parts = result.topology.metrics.items()
        kept["replicates"] = estimates_by_cut(
            result.recordings,
            {name: (part.inside, part.outside) for name, part in parts},
            result.topology.cells,
            shares=(first, *(cut for cut in LATER if cut > first)),
        )
    return kept


def why_not(design: Design, load: RunOptions, asked: RunOptions) -> str | None:
    """Why a saved run has to be run again under ``load``; None if it stands as it is.

    ``asked`` is what the user asked for, ``load`` what follows from it for all designs.
    """
    saved = design.saved
    assert saved is not None, "only a saved run can stand for one"
    kept = saved.get("provenance", {})
    if kept.get("engine") != engine_digest():
        return "another version of the simulator saved it"
    if saved["run"]["endings"] != ["complete"]:
        return "it was ended early"
    if not saved.get("replicates"):
        return "its figures by replication were not saved"
    if saved["rate"] != load.rps:
        return f"it had {saved['rate']:g} rps, not {load.rps:g}"
    experiment, _, workload = plan_run(design.topology, load)
    if saved["arrivals"] != workload.arrivals.describe():
        return f"it had the workload {saved['workload']}, not {workload.name}"
    if (kept.get("faults") or "none") != (load.faults or "none"):
        return f"it had the faults {kept.get('faults') or 'none'}, not {load.faults or 'none'}"
    lengthy = asked.duration_s is not None or asked.requests is not None
    if lengthy and abs(saved["horizon_s"] / experiment.horizon_s - 1.0) > 1e-6:
        return "another length was asked for"
    if asked.replications not in (None, saved["replications"]):
        return "another number of replications was asked for"
    return None


def found_of(design: Design) -> Found:
    """A saved run in the shape in which points are kept."""
    saved = design.saved
    assert saved is not None, "only a saved run has been run"
    topology = design.topology.model_copy(update={"rate": saved["rate"]})
    try:
        return {
            "document": {**saved, "cells": topology.cells},
            "unsettled_s": unsettled_s(topology, saved),
            "unseen": list(unseen(topology, saved["horizon_s"], saved["objectives"])),
            "paper": {"capacity_rps": on_paper(topology).capacity_rps},
            "estimates": saved["replicates"],
        }
    except (KeyError, TypeError):
        raise StudyError(f"{design.source.file} is not a whole saved run") from None


def requests_of(found: Found) -> Requests:
    """What replication i of a run shares with that of every run of which this is equal."""
    run = found["document"]
    return run["seed"], run["horizon_s"], run["replications"], run["rate"], run["arrivals"]


def _provenance(result: RunResult, data: Data, options: RunOptions) -> Document:
    from hashlib import blake2b

    topology = written(data)
    return {
        "topology": topology,
        "workload": f"{result.document['workload']}: {result.document['arrivals']}",
        "workload_name": options.workload,
        "faults": options.faults,
        "versions": {name: version_of(name) for name in PACKAGES},
        "engine": engine_digest(),
        "digest": blake2b(topology.encode(), digest_size=16).hexdigest(),
    }
