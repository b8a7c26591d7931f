"""The conditions under which claims are measured, and the runs that measure them.

Claims with the same conditions share one run. What leaves a run is plain data: its document, and
the readings that were asked for, pooled and by replication. The same design, conditions and seed
give the same data on any number of processes.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from simulator.metrics.call_graph import calls_each
from simulator.metrics.tables import breakdown_table
from simulator.studies.readings import BREAKDOWN, Reading, read_words
from simulator.studies.run import RunOptions, run
from simulator.topology.claims import BASE, Claim
from simulator.topology.model import Topology
from simulator.topology.overlay import Data, with_values, with_variant

REPLICATIONS = 5
REQUESTS = 60_000
"""Requests of one run of a check, over all replications, unless the claim asks for a number."""
WALL_S = 900.0
"""Real time of a run: far more than one takes, as a run cut short would not be repeatable."""
REQUESTS_MAX = 200_000
"""Requests of a run under a rate above the design's own, so that it covers as much time."""

Told = Callable[[int, int], None]
"""Told how many runs are done, and of how many."""


@dataclass(frozen=True)
class Condition:
    """What a run differs by from the design as it stands; equal conditions share a run."""

    variant: str | None = None
    workload: str | None = None
    rps: float | None = None
    faults: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    duration_s: float | None = None
    requests: int | None = None
    warmup_s: float | None = None

    def told(self, cells: float = 1.0) -> str:
        """The conditions in words, a rate as that of all ``cells``; empty for the design itself."""
        parts = [self.variant or ""]
        if self.rps is not None:
            of_one = "" if cells == 1.0 else f" ({self.rps:g} in each of {cells:g} cells)"
            parts.append(f"at {self.rps * cells:g} rps{of_one}")
        parts += [f"workload {self.workload}"] if self.workload is not None else []
        parts += [f"fault {name}" for name in self.faults]
        parts += [f"{path}={_flow(json.loads(value))}" for path, value in self.settings]
        return ", ".join(part for part in parts if part)


def _flow(value: Any) -> str:
    """A value as one writes it on a line of YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)


@dataclass(frozen=True)
class Measured:
    """A run: its document, and readings by word; ``failure`` says why there is none."""

    document: dict[str, Any]
    readings: dict[str, Reading]
    failure: str | None = None


def condition_of(claim: Claim) -> Condition:
    """The conditions that a claim names."""
    warmup_s = claim.warmup
    if warmup_s is None and claim.faults:
        warmup_s = 0.0
    return Condition(
        variant=None if claim.variant == BASE else claim.variant,
        workload=claim.workload,
        rps=claim.rps,
        faults=tuple(claim.faults),
        settings=tuple((path, json.dumps(value)) for path, value in claim.settings.items()),
        duration_s=claim.duration,
        requests=claim.requests,
        warmup_s=warmup_s,
    )


def other_condition(claim: Claim) -> Condition | None:
    """The conditions of the design that a claim compares with; None if it does not compare."""
    if claim.versus is None:
        return None
    return replace(condition_of(claim), variant=None if claim.versus == BASE else claim.versus)


def patched(data: Data, condition: Condition) -> Data:
    """The document under the conditions."""
    result = data if condition.variant is None else with_variant(data, condition.variant)
    pairs = [(path, json.loads(value)) for path, value in condition.settings]
    return with_values(result, pairs) if pairs else result


def options_of(topology: Topology, condition: Condition, seed: int) -> RunOptions:
    """How to run: as the topology says, with fewer requests where only their number is given.

    Few long replications rather than many short ones: a run has to last longer than its requests.
    """
    requests = condition.requests
    if requests is None and condition.duration_s is None and topology.run.duration is None:
        faster = max(1.0, (condition.rps or topology.rate) / topology.rate)
        requests = min(topology.run.requests or REQUESTS, REQUESTS)
        requests = int(min(requests * faster, REQUESTS_MAX))
    return RunOptions(
        rps=condition.rps,
        workload=condition.workload,
        duration_s=condition.duration_s,
        requests=requests,
        warmup_s=condition.warmup_s,
        seed=seed,
        jobs=1,
        wall_s=WALL_S,
        replications=topology.run.replications or REPLICATIONS,
        faults=" and ".join(condition.faults) or None,
    )


def with_scenario(topology: Topology, condition: Condition) -> Topology:
    """The topology with the scenarios of the condition as one."""
    if len(condition.faults) < 2:
        return topology
    together = [fault for name in condition.faults for fault in topology.faults[name]]
    scenarios = {**topology.faults, " and ".join(condition.faults): together}
    return topology.model_copy(update={"faults": scenarios})


def measure(data: Data, condition: Condition, words: Sequence[str], seed: int) -> Measured:
    """Run the design under the conditions and take the readings."""
    from pydantic import ValidationError

    from simulator.topology.diagnostics import DocumentError
    from simulator.topology.overlay import OverlayError

    try:
        topology = with_scenario(Topology.model_validate(patched(data, condition)), condition)
        result = run(topology, options_of(topology, condition, seed))
    except (OverlayError, ValidationError) as error:
        return Measured({}, {}, " ".join(str(error).split())[:200])
    except DocumentError as error:
        found = error.diagnostics.errors
        return Measured({}, {}, found[0].message if found else str(error))
    document = dict(result.document)
    document["paper"] = {
        "capacity_rps": result.paper.capacity_rps,
        "utilization": result.paper.utilizations(),
    }
    if BREAKDOWN in words:
        document[BREAKDOWN] = breakdown_table(result.findings.windows, kind=0)
        document["calls"] = calls_each(result.findings.windows, kind=0)
    return Measured(document, read_words(result, words))


def measure_all(
    data: Data,
    wanted: Mapping[Condition, Sequence[str]],
    *,
    seed: int,
    jobs: int = 1,
    told: Told | None = None,
) -> dict[Condition, Measured]:
    """Every condition with its readings; the result does not depend on ``jobs``."""
    found = {}
    results = _each(data, list(wanted.items()), seed, jobs)
    for done, (condition, measured) in enumerate(results, start=1):
        found[condition] = measured
        if told is not None:
            told(done, len(wanted))
    return found


def _each(
    data: Data, wanted: list[tuple[Condition, Sequence[str]]], seed: int, jobs: int
) -> Iterator[tuple[Condition, Measured]]:
    if jobs == 1 or len(wanted) == 1:
        for condition, words in wanted:
            yield condition, measure(data, condition, words, seed)
        return
    from joblib import delayed

    from simulator.engine.forked import side_by_side

    results = side_by_side(
        (delayed(measure)(data, condition, words, seed) for condition, words in wanted), jobs
    )
    yield from zip((condition for condition, _ in wanted), results, strict=True)
