"""Everything a card is written from: runs, claims, estimates and the drill of one topology."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace

from simulator.interview.numbers import Figure
from simulator.studies.claims import SEED, Checked, check_claims_of
from simulator.studies.conditions import Condition, Measured
from simulator.studies.drill import Drill, drill
from simulator.studies.estimates import Computed, estimates_of, given_of
from simulator.studies.metric_units import unit_of_word
from simulator.studies.readings import BREAKDOWN, Reading, read_document
from simulator.studies.run import RunOptions
from simulator.topology.claim_checks import PLACEHOLDER
from simulator.topology.model import Topology
from simulator.topology.overlay import Data
from simulator.topology.paper import PaperPlan, on_paper

GROWTH = (2.0, 10.0, 100.0)
SIMULATED_UP_TO = 2.0
"""Largest multiple of the load that is simulated; beyond, runs as long would take too long."""
DRILL_REQUESTS = 3_000
TRADE_OFF = (
    "latency.p50", "latency.p99", "throughput", "availability", "cost.per_month",
    "cost.per_1k_requests", "quality",
)  # fmt: skip

Told = Callable[[str], None]
"""Told what is being worked on."""


@dataclass(frozen=True)
class Growth:
    """The design at a multiple of its load: on paper, and simulated if paper says it can be."""

    factor: float
    rate: float
    paper: PaperPlan
    measured: Measured | None


@dataclass(frozen=True)
class Material:
    """What there is to say about a topology."""

    topology: Topology
    seed: int
    base: Measured
    claims: list[Checked]
    estimates: list[Computed]
    given: list[Computed]
    variants: dict[str, Measured]
    faults: dict[str, Measured]
    growth: list[Growth]
    drill: Drill | None

    def reading(self, path: str) -> Reading:
        """A metric of the base run, or ``variants.V.<metric>``."""
        block, _, rest = path.partition(".")
        if block == "variants":
            name, _, path = rest.partition(".")
            measured = self.variants[name]
        else:
            measured = self.base
        if measured.failure is not None:
            return Reading(None, reason=measured.failure)
        return measured.readings.get(path) or read_document(measured.document, path)


def gather(
    topology: Topology,
    data: Data,
    *,
    seed: int = SEED,
    jobs: int | None = None,
    drilled: bool = True,
    told: Told | None = None,
) -> Material:
    """Run everything that the card of a topology needs; the same seed gives the same material."""
    say = told or (lambda _: None)
    base = Condition()
    variants = {name: Condition(variant=name) for name in topology.variants}
    faults = {name: Condition(faults=(name,), warmup_s=0.0) for name in topology.faults}
    plans = [(factor, *_grown(topology, factor)) for factor in GROWTH]
    simulated = {
        factor: Condition(rps=rate)
        for factor, rate, plan in plans
        if factor <= SIMULATED_UP_TO
        and (plan.busiest is None or (plan.busiest.utilization or 0.0) < 1.0)
    }
    wanted: dict[Condition, list[str]] = {base: [BREAKDOWN]}
    for condition in (*variants.values(), *faults.values(), *simulated.values()):
        wanted[condition] = []
    for path, condition in _placeholders(topology):
        wanted.setdefault(condition, []).append(path)
    say("runs")
    check = check_claims_of(
        topology,
        data,
        seed=seed,
        jobs=jobs,
        also=wanted,
        told=lambda done, total: say(f"run {done} of {total}"),
    )
    runs = check.runs
    say("drill")
    options = RunOptions(
        seed=seed, jobs=jobs or os.cpu_count() or 1, requests=_drill_requests(topology)
    )
    return Material(
        topology=topology,
        seed=seed,
        base=runs[base],
        claims=check.claims,
        estimates=estimates_of(topology),
        given=given_of(topology),
        variants={name: runs[condition] for name, condition in variants.items()},
        faults={name: runs[condition] for name, condition in faults.items()},
        growth=[
            Growth(factor, rate, plan, runs[simulated[factor]] if factor in simulated else None)
            for factor, rate, plan in plans
        ],
        drill=drill(topology, options) if drilled else None,
    )


def _drill_requests(topology: Topology) -> int | None:
    return None if topology.run.duration is not None else DRILL_REQUESTS


def _grown(topology: Topology, factor: float) -> tuple[float, PaperPlan]:
    """The offered rate and the paper plan at a multiple of every load."""
    requests = {
        name: spec if spec.rate is None else spec.model_copy(update={"rate": spec.rate * factor})
        for name, spec in topology.requests.items()
    }
    rate = topology.rate * factor
    return rate, on_paper(topology.model_copy(update={"rate": rate, "requests": requests}))


def _placeholders(topology: Topology) -> list[tuple[str, Condition]]:
    """Metrics that answers mention, with the runs they are of."""
    found = []
    for question in topology.questions.values():
        for placeholder in PLACEHOLDER.findall(question.answer):
            block, _, rest = placeholder.strip().partition(".")
            if block in ("estimates", "given", "claims"):
                continue
            if block == "variants":
                name, _, path = rest.partition(".")
                found.append((path, Condition(variant=name)))
            else:
                found.append((placeholder.strip(), Condition()))
    return found


def without_drill(material: Material) -> Material:
    """The same material for a card that leaves the drill out."""
    return replace(material, drill=None)


def metric(measured: Measured | None, path: str) -> Figure:
    """A metric of a run as a figure; empty if there is no run or no such metric."""
    if measured is None or measured.failure is not None:
        return Figure(None, unit_of_word(path))
    reading = measured.readings.get(path) or read_document(measured.document, path)
    return Figure(reading.value, unit_of_word(path), reading.low, reading.high)
