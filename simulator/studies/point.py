"""A point of a study: one design under one load, and what is kept of its run.

What is kept is a JSON document without anything that depends on the machine (real time, number
of processes), so the same point gives the same bytes wherever it is computed.
"""

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from simulator.metrics.estimates import estimates_by_cut
from simulator.studies.errors import ClusterError
from simulator.studies.run import RunOptions, plan_run, run, unseen
from simulator.studies.scaling import unsettled_s
from simulator.topology.model import Topology
from simulator.topology.overlay import Data
from simulator.topology.paper import on_paper

Found = dict[str, Any]
"""What is kept of a point: ``document``, ``paper`` and, if asked for, ``estimates``."""

DISTRIBUTION = "capacity-simulator"
_READ_BY_DESIGNS = (".csv", ".json", ".jsonl", ".npz", ".parquet", ".yaml", ".txt")
_PRESENTATION = frozenset({"present", "cli", "interview", "notebook"})
_OF_THE_MACHINE = frozenset({"wall_s", "elapsed_s", "jobs"})


@dataclass(frozen=True)
class Point:
    """One run to make: a document after all overlays, and how to run it.

    ``paired`` keeps the estimates of every replication, which comparisons need.
    """

    data: Data
    options: RunOptions
    paired: bool = False


def digest_of(point: Point) -> str:
    """The identity of a point: equal digests mean equal results.

    Covers the document, files it names, the arrivals, horizon, seed, replications, thresholds,
    and the version and text of this package.
    """
    topology = Topology.model_validate(point.data)
    experiment, replications, _ = plan_run(topology, point.options)
    document = {key: value for key, value in point.data.items() if key != "variants"}
    load = {
        field.name: getattr(experiment, field.name)
        for field in fields(experiment)
        if field.name not in ("topology", "budget")
    }
    thresholds = point.options.thresholds
    identity = (
        json.dumps(document, ensure_ascii=False, default=repr),
        [(str(path), _content(path)) for path in _files_of(document)],
        repr((experiment.topology.rate, load, replications, point.paired)),
        repr((point.options.warmup_s, point.options.precision, point.options.requests_max)),
        None if thresholds is None else [(goal.name, goal.threshold.text) for goal in thresholds],
        version_here(),
        engine_digest(),
    )
    return hashlib.sha256(repr(identity).encode()).hexdigest()


def compute(point: Point, jobs: int = 1, wanted_version: str | None = None) -> bytes:
    """Run a point and pack what is kept of it; runs on workers, so it takes and gives plain data.

    Raises ClusterError if this process has another version of the package than the one that asks.
    """
    refuse_other_version(version_here(), wanted_version, _host())
    topology = Topology.model_validate(point.data)
    result = run(topology, replace(point.options, jobs=jobs))
    document = dict(result.document)
    document["run"] = {
        name: value for name, value in document["run"].items() if name not in _OF_THE_MACHINE
    }
    plan = on_paper(result.topology)
    found: Found = {
        "document": document,
        "unsettled_s": unsettled_s(result.topology, document),
        "unseen": list(unseen(topology, document["horizon_s"], document["objectives"])),
        "paper": {
            "rows": [vars(row) for row in plan.rows],
            "capacity_rps": plan.capacity_rps,
            "cost_usd_per_hour": plan.cost_usd_per_hour * topology.cells,
        },
    }
    if point.paired:
        derived = {name: (part.inside, part.outside) for name, part in topology.metrics.items()}
        found["estimates"] = estimates_by_cut(result.recordings, derived, topology.cells)
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    return gzip.compress(text.encode(), compresslevel=6, mtime=0)


def unpack(packed: bytes) -> Found:
    """What :func:`compute` packed."""
    found: Found = json.loads(gzip.decompress(packed))
    return found


def unpack_kept(packed: bytes | None) -> Found | None:
    """The same from a store, whose files others may have damaged; None if it is not whole.

    The packing carries a check sum, so a result that was cut or changed is not taken for one.
    """
    if packed is None:
        return None
    try:
        found = unpack(packed)
        return found if is_whole(found) and "paper" in found else None
    except (OSError, EOFError, ValueError, KeyError, TypeError, zlib.error):
        return None


def unseen_in(found: Iterable[Found]) -> list[str]:
    """What runs of a study were too short to show of what is judged, each told once."""
    return sorted({sentence for item in found for sentence in item["unseen"]})


def is_whole(found: Found) -> bool:
    """Whether every replication ran to its end."""
    return bool(found["document"]["run"]["endings"] == ["complete"])


def refuse_other_version(version: str, wanted: str | None, worker: str) -> None:
    """Raise ClusterError, naming the worker, if its version is not the one that is wanted."""
    if wanted is not None and version != wanted:
        raise ClusterError(
            f"worker {worker} has {DISTRIBUTION} {version}, this machine has {wanted}",
            f"install the same version there: pip install {DISTRIBUTION}=={wanted}",
        )


def version_here() -> str:
    """Version of the package in this process; ``source`` where it is not installed."""
    return version_of(DISTRIBUTION)


def version_of(distribution: str) -> str:
    """Version of a package in this process; ``source`` where it is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return "source"


@cache
def engine_digest() -> str:
    """Digest of the source, so that a changed model does not take results for its own."""
    root = Path(__file__).parent.parent
    text = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        if path.relative_to(root).parts[0] not in _PRESENTATION:
            text.update(path.read_bytes())
    return text.hexdigest()


def _files_of(value: Any) -> list[Path]:
    """Files that a document names."""
    if isinstance(value, dict):
        return [path for item in value.values() for path in _files_of(item)]
    if isinstance(value, list):
        return [path for item in value for path in _files_of(item)]
    if isinstance(value, str) and value.endswith(_READ_BY_DESIGNS) and Path(value).is_file():
        return [Path(value)]
    return []


def _content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _host() -> str:
    import os
    import platform

    return f"{platform.node()} (process {os.getpid()})"
