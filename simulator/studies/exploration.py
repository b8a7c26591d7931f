"""Which configurations of a large space to try: a tree-structured Parzen estimator.

The estimator proposes a few configurations at a time and learns from their short runs where cheap
ones that hold are likely to be. Then single steps are taken from the cheapest that holds, as long
as they lead to something cheaper. The order of proposals does not depend on the machine.

Source: J. Bergstra et al., NeurIPS 24 (2011); the implementation is Optuna's.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from simulator.studies.candidates import Candidate, screen, violation
from simulator.studies.errors import StudyError
from simulator.studies.planner import Bench
from simulator.studies.ranges import Range, Setting
from simulator.studies.run import RunOptions

RUNS_MAX = 48
"""Configurations that are simulated."""

PROPOSALS_MAX = 400
"""Configurations that are proposed, with those that fail on paper or come again."""

WAVE = 4
"""Configurations that are proposed together; the same on every machine."""

Places = tuple[int, ...]
"""A configuration as positions in the ranges."""


class Exploration:
    """A search in progress: ``made`` are the candidates so far, by their places."""

    def __init__(
        self,
        ranges: Sequence[Range],
        make: Callable[[tuple[Setting, ...]], Candidate],
        options: RunOptions,
        bench: Bench,
    ) -> None:
        self.ranges, self.make = ranges, make
        self.options, self.bench = options, bench
        self.made: dict[Places, Candidate] = {}
        self.runs = 0

    def search(self) -> list[Candidate]:
        """Propose and run until the budget is spent; every candidate that was looked at."""
        study = _study(self.options.seed)
        names = [str(place) for place in range(len(self.ranges))]
        top = tuple(len(item.values) - 1 for item in self.ranges)
        for corner in (top, tuple(place // 2 for place in top), (0,) * len(top)):
            study.enqueue_trial(dict(zip(names, corner, strict=True)))
        ceiling = self._at(top).cost_usd_per_hour
        proposed = 0
        while proposed < PROPOSALS_MAX and self.runs < RUNS_MAX * 3 // 4:
            trials = [study.ask() for _ in range(WAVE)]
            proposed += WAVE
            asked = [
                tuple(
                    trial.suggest_int(name, 0, last) for name, last in zip(names, top, strict=True)
                )
                for trial in trials
            ]
            self._run(asked)
            for trial, places in zip(trials, asked, strict=True):
                study.tell(trial, self._loss(self.made[places], ceiling))
        self._descend()
        return list(self.made.values())

    def _descend(self) -> None:
        """Single steps from the cheapest that holds, to cheaper ones."""
        while self.runs < RUNS_MAX:
            holding = [places for places, item in self.made.items() if self._holds(item)]
            if not holding:
                return
            best = min(holding, key=lambda places: self.made[places].cost_usd_per_hour)
            cost = self.made[best].cost_usd_per_hour
            near = [(places, self._at(places)) for places in self._neighbours(best)]
            open_ones = [
                places
                for places, item in near
                if item.found is None
                and item.status != "overloaded"
                and item.cost_usd_per_hour < cost
            ]
            if not open_ones:
                return
            self._run(open_ones)

    def _neighbours(self, places: Places) -> Iterator[Places]:
        for position, place in enumerate(places):
            for other in (place - 1, place + 1):
                if 0 <= other < len(self.ranges[position].values):
                    yield (*places[:position], other, *places[position + 1 :])

    def _at(self, places: Places) -> Candidate:
        if places not in self.made:
            settings = tuple(
                (item.path, item.values[place])
                for item, place in zip(self.ranges, places, strict=True)
            )
            self.made[places] = self.make(settings)
        return self.made[places]

    def _run(self, asked: Sequence[Places]) -> None:
        wave = [self._at(places) for places in dict.fromkeys(asked)]
        wave = [item for item in wave if item.found is None and item.status != "overloaded"]
        screen(wave, self.options, self.bench)
        self.runs += len(wave)

    def _holds(self, item: Candidate) -> bool:
        return item.found is not None and violation(item.found, self.options) == 0.0

    def _loss(self, item: Candidate, ceiling: float) -> float:
        """What it costs; beyond any cost, by how far it misses, if it does not hold."""
        if item.found is None:
            return ceiling * (3.0 + item.utilization)
        missed = violation(item.found, self.options)
        return item.cost_usd_per_hour if missed == 0.0 else ceiling * (1.0 + min(missed, 2.0))


def _study(seed: int) -> Any:
    try:
        import optuna
    except ImportError:
        raise StudyError(
            "a space this large is searched with optuna, which is not installed",
            "pip install 'capacity-simulator[size]', or use fewer values",
        ) from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=3 * WAVE)
    return optuna.create_study(sampler=sampler)
