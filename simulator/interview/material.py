"""Everything a card is written from: runs, claims, estimates and the drill of one topology."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace

from simulator.interview.fullness import first_full
from simulator.interview.numbers import SHARE, Figure
from simulator.interview.scaling import Need, grown, needs_of, with_measured, with_settings
from simulator.studies.claims import SEED, Checked, check_claims_of
from simulator.studies.conditions import (
    REQUESTS,
    REQUESTS_MAX,
    Condition,
    Measured,
    measure_all,
)
from simulator.studies.drill import Drill, drill
from simulator.studies.estimates import Computed, estimates_of, given_of
from simulator.studies.metric_units import unit_of_word
from simulator.studies.readings import BREAKDOWN, Reading, read_document
from simulator.studies.run import RunOptions
from simulator.topology.claim_checks import PLACEHOLDER
from simulator.topology.model import Topology
from simulator.topology.overlay import Data
from simulator.topology.paper import PaperPlan, on_paper
from simulator.topology.reading import find_workload

GROWTH = (2.0, 10.0, 100.0)
AS_IT_STANDS_UP_TO = 2.0
"""Largest multiple of the load that the design is simulated under without more servers."""
SIMULATED_UP_TO = 10.0
"""Largest multiple that is simulated at all; beyond, runs long enough would take too long."""
DRILL_REQUESTS = 3_000

Told = Callable[[str], None]
"""Told what is being worked on."""


@dataclass(frozen=True)
class Growth:
    """The design at a multiple of its load: on paper, and simulated where that is affordable.

    ``paper`` is of the design as it stands, never below what the base run measured times the
    load; ``needs`` what has to grow, ``scaled`` the topology
    with that, None if it is not valid. ``measured`` is of the design as it stands if ``as_is``,
    else of the scaled one.
    """

    factor: float
    topology: Topology
    paper: PaperPlan
    needs: list[Need]
    scaled: Topology | None
    as_is: bool
    condition: Condition | None
    measured: Measured | None = None


@dataclass(frozen=True)
class Material:
    """What there is to say about a topology.

    ``growth`` is empty where the workload makes the load, so that there is no rate to multiply.
    """

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
    wanted: dict[Condition, list[str]] = {base: [BREAKDOWN]}
    for condition in (*variants.values(), *faults.values()):
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
    follows = find_workload(topology.run.workload or "steady").arrivals.own_rate is None
    factors = GROWTH if follows else ()
    growth = [_growth(topology, data, factor, runs[base]) for factor in factors]
    larger: dict[Condition, list[str]] = {
        step.condition: [] for step in growth if step.condition is not None
    }
    say("larger loads")
    grown_runs = measure_all(data, larger, seed=seed, jobs=jobs or os.cpu_count() or 1)
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
            replace(step, measured=grown_runs[step.condition]) if step.condition else step
            for step in growth
        ],
        drill=drill(topology, options) if drilled else None,
    )


def _drill_requests(topology: Topology) -> int | None:
    return None if topology.run.duration is not None else DRILL_REQUESTS


def _growth(topology: Topology, data: Data, factor: float, base: Measured) -> Growth:
    """A multiple of the load, and how it is simulated: as it stands, or with more servers.

    What scalers add by themselves is there from the start either way: a run is shorter than the
    time in which traffic grows. One of ten times the load covers a third of the time, so that it
    takes about three times as long as one of the design.
    """
    larger, rates = grown(topology, factor)
    paper = with_measured(on_paper(larger), topology, base.document, factor)
    needs = needs_of(topology, data, paper)
    by_hand = [need for need in needs if not need.scaled_to]
    settings = tuple(setting for need in needs for setting in need.settings)
    by_scalers = tuple(setting for need in needs if need.scaled_to for setting in need.settings)
    scaled = with_settings(data, settings)
    full = first_full(topology, paper, factor)
    holds = full is None or full.utilization < 1.0
    as_is = not by_hand or (factor <= AS_IT_STANDS_UP_TO and holds)
    condition = None
    if factor <= SIMULATED_UP_TO and (as_is or scaled is not None):
        duration_s = topology.run.duration
        if duration_s is not None:
            duration_s *= min(1.0, REQUESTS_MAX / REQUESTS / factor)
        condition = Condition(
            rps=topology.rate * factor,
            settings=rates + (by_scalers if as_is else settings),
            duration_s=duration_s,
        )
    return Growth(factor, larger, paper, needs, scaled, as_is, condition)


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
    value, low, high, unit = reading.value, reading.low, reading.high, unit_of_word(path)
    if low is not None and value is not None and value >= 0.0:
        low = max(low, 0.0)  # nothing that is measured is below zero
    if high is not None and value is not None and value <= 1.0 and unit == SHARE:
        high = min(high, 1.0)  # no part is more than the whole
    return Figure(value, unit, low, high)
