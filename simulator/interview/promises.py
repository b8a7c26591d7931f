"""Estimates and claims of a design beside one run of it: what is known without further runs."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from simulator.interview.claims_table import expected_of, figure_of
from simulator.interview.pages import digest_of, read_found
from simulator.studies.claims import SEED, check_claims_of, worst_first
from simulator.studies.claims import Checked as CheckedClaim
from simulator.studies.estimates import estimates_of
from simulator.topology.claims import Claim
from simulator.topology.model import Topology
from simulator.topology.reading import Loaded

Document = dict[str, Any]

NOT_RUN = "not run"
KEPT = Path("reports")
"""Folder in which the findings of `simulate check --claims` are kept."""


def promises_of(loaded: Loaded, folder: Path = KEPT) -> Document:
    """``estimates``, computed and compared, and ``claims``, worst first.

    Claims that are arithmetic are decided here. Those that take runs of their own are taken from
    the kept findings, if these are of the very same file as it stands; else their status is
    ``not run``, and ``reason`` says how to find out. ``shown`` is the value as one says it.
    """
    topology = loaded.topology
    estimates = [{**asdict(item), "finding": item.finding} for item in estimates_of(topology)]
    direct = [name for name, claim in topology.claims.items() if claim.metric is None]
    found = {claim.name: claim for claim in check_claims_of(topology, {}, only=direct).claims}
    kept = _kept(loaded, folder)
    for name, claim in topology.claims.items():
        if name not in found:
            found[name] = kept.get(name) or _open(loaded, name, claim)
    claims = [
        {
            **asdict(claim),
            "shown": figure_of(claim).judged(claim.expect),
            "expected": expected_of(claim),
        }
        for claim in [*worst_first([item for item in found.values() if item.status != NOT_RUN]),
                      *(item for item in found.values() if item.status == NOT_RUN)]
    ]  # fmt: skip
    return {"estimates": estimates, "claims": claims}


def _kept(loaded: Loaded, folder: Path) -> dict[str, CheckedClaim]:
    if loaded.variant is not None or loaded.settings:
        return {}
    try:
        data = read_found(folder).get(loaded.topology.name)
        if data is None or data["digest"] != digest_of(loaded.path):
            return {}
        return {item["name"]: CheckedClaim(**item) for item in data["claims"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _open(loaded: Loaded, name: str, claim: Claim) -> CheckedClaim:
    topology: Topology = loaded.topology
    source = topology.source.document if topology.source is not None else None
    return CheckedClaim(
        topology=topology.name,
        name=name,
        text=claim.text,
        way=claim.way,
        status=NOT_RUN,
        value=None,
        low=None,
        high=None,
        unit="",
        expect=claim.expect.text if claim.expect is not None else None,
        how=claim.metric.text if claim.metric is not None else "",
        conditions="",
        section=claim.section,
        place=claim.place,
        document=claim.document or (source if claim.section else None),
        note=claim.note,
        reason=f"run `simulate check --claims {loaded.path.name}`, seed {SEED}",
    )
