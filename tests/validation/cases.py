"""Published figures and closed forms, as cases that a run of the simulator is held against.

A case says what is simulated, what to expect, where the expectation comes from and how far off
the simulation may be. Its function runs the product's engine and hands back, for each expected
figure, one estimate per independent replication (or a single value where nothing is random).

Two readings of the same cases:

* ``pytest`` runs the short form and asks that the 99.9 % interval of each figure touches the band
  of the tolerance around the expectation: one correct figure in a thousand raises a false alarm;
* ``python -m tests.validation`` runs the long form, asks that the estimate itself lies inside the
  band, and writes ``docs/validation.md``. Misses stay in that table.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from statistics import fmean, stdev
from typing import Literal

from ruamel.yaml import YAML

from simulator.engine.budget import Budget
from simulator.engine.replicate import Experiment, run_replications
from simulator.metrics.confidence import t_quantile
from simulator.recording.recording import Recording
from simulator.topology.model import Topology
from simulator.workload.arrival_process import Arrivals
from simulator.workload.arrivals.steady import Steady

Estimates = Mapping[str, Sequence[float]]
"""Per figure, one estimate per replication; a single one is taken as exact."""

LEVEL_SHORT = 0.999
LEVEL_LONG = 0.95


@dataclass(frozen=True)
class Effort:
    """How much to simulate: replications, and a factor on the length of each."""

    replications: int = 10
    scale: float = 1.0

    @property
    def full(self) -> bool:
        """Whether every figure is wanted; a short form may leave the slow ones out."""
        return self.scale >= 0.5

    def length(self, long: float) -> float:
        """A length (seconds, or number of requests) at this effort."""
        return long * self.scale

    def count(self, long: int, least: int = 4) -> int:
        """A number of repetitions at this effort."""
        return max(least, round(long * self.scale))


SHORT = Effort(replications=4, scale=0.1)
LONG = Effort(replications=10, scale=0.6)


@dataclass(frozen=True)
class Expected:
    """A figure and how far the simulation may be from it.

    ``tolerance`` is relative unless ``absolute``; ``side`` is ``at_most`` or ``at_least`` where
    the figure is a bound. ``note`` is printed below the table. A figure that is known to be off
    says so with ``known_miss``: it stays in the table as a miss and does not fail the tests.
    """

    value: float
    tolerance: float
    absolute: bool = False
    side: Literal["equal", "at_most", "at_least"] = "equal"
    note: str = ""
    known_miss: bool = False

    @property
    def band(self) -> tuple[float, float]:
        """The values that count as agreement."""
        arm = self.tolerance * (1.0 if self.absolute else abs(self.value))
        low = -math.inf if self.side == "at_most" else self.value - arm
        high = math.inf if self.side == "at_least" else self.value + arm
        return low, high


@dataclass(frozen=True)
class Finding:
    """One figure as simulated, with the interval of its mean over the replications."""

    name: str
    expected: Expected
    value: float
    low: float
    high: float

    @property
    def within(self) -> bool:
        """Whether the estimate itself lies inside the band."""
        low, high = self.expected.band
        return low <= self.value <= high

    @property
    def touches(self) -> bool:
        """Whether the interval and the band have a point in common."""
        low, high = self.expected.band
        return self.low <= high and self.high >= low


@dataclass(frozen=True)
class Case:
    """One system with known answers."""

    id: str
    title: str
    system: str
    source: str
    expected: dict[str, Expected]
    run: Callable[[Effort], Estimates]
    tags: tuple[str, ...] = ()

    def findings(self, effort: Effort, level: float) -> list[Finding]:
        """Run and compare; in full, every expected figure has to be among the estimates."""
        estimates = self.run(effort)
        apart = estimates.keys() - self.expected.keys()
        if effort.full:
            apart |= self.expected.keys() - estimates.keys()
        assert estimates, f"{self.id} estimates nothing"
        assert not apart, f"{self.id}: {sorted(apart)}"
        return [
            Finding(name, expected, *interval(estimates[name], level))
            for name, expected in self.expected.items()
            if name in estimates
        ]


CASES: dict[str, Case] = {}


def case(
    id: str,
    title: str,
    *,
    system: str,
    source: str,
    expected: dict[str, Expected],
    tags: tuple[str, ...] = (),
) -> Callable[[Callable[[Effort], Estimates]], Callable[[Effort], Estimates]]:
    """Register the function below as the run of a case."""

    def register(run: Callable[[Effort], Estimates]) -> Callable[[Effort], Estimates]:
        assert id not in CASES, f"case {id} exists"
        CASES[id] = Case(id, title, system, source, expected, run, tags)
        return run

    return register


def near(value: float, tolerance: float, note: str = "") -> Expected:
    """The figure, give or take a share of it."""
    return Expected(value, tolerance, note=note)


def about(value: float, arm: float, note: str = "") -> Expected:
    """The figure, give or take an absolute amount."""
    return Expected(value, arm, absolute=True, note=note)


def at_most(value: float, tolerance: float = 0.0, note: str = "") -> Expected:
    """A bound from above, with so much slack as a share of it."""
    return Expected(value, tolerance, side="at_most", note=note)


def at_least(value: float, tolerance: float = 0.0, note: str = "") -> Expected:
    """A bound from below, with so much slack as a share of it."""
    return Expected(value, tolerance, side="at_least", note=note)


def interval(estimates: Sequence[float], level: float) -> tuple[float, float, float]:
    """Mean of the replications and its interval: exact for yes or no, else Student's t."""
    value = fmean(estimates)
    if len(estimates) == 1:
        return value, value, value
    if set(estimates) <= {0.0, 1.0}:
        return value, *_clopper_pearson(round(sum(estimates)), len(estimates), level)
    arm = t_quantile(len(estimates) - 1, level) * stdev(estimates) / math.sqrt(len(estimates))
    return value, value - arm, value + arm


def _clopper_pearson(hits: int, runs: int, level: float) -> tuple[float, float]:
    from scipy.stats import beta

    tail = (1.0 - level) / 2.0
    low = float(beta.ppf(tail, hits, runs - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1.0 - tail, hits + 1, runs - hits)) if hits < runs else 1.0
    return low, high


def topology(text: str) -> Topology:
    """A topology from YAML text."""
    model: Topology = Topology.model_validate(YAML(typ="safe").load(text))
    return model


def recordings(
    text: str,
    horizon_s: float,
    effort: Effort,
    *,
    arrivals: Arrivals | None = None,
    seed: int = 1,
    replications: int | None = None,
) -> Iterator[Recording]:
    """Independent replications of a topology given as text, one after another."""
    experiment = Experiment(
        topology(text), arrivals or Steady(), horizon_s, seed, Budget(wall_s=600.0)
    )
    for number in range(replications or effort.replications):
        yield run_replications(experiment, range(number, number + 1))[0]


def load_cases() -> dict[str, Case]:
    """Import every module of cases beside this one; the cases by number."""
    here = Path(__file__).parent
    for module in iter_modules([str(here)]):
        if module.name.startswith("v_"):
            import_module(f"tests.validation.{module.name}")
    return dict(sorted(CASES.items(), key=lambda item: (item[0][0] != "V", item[0])))
