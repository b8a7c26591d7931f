"""How often the 95 % intervals cover the truth, measured.

Runs many complete experiments on queues whose mean and percentiles are known exactly, makes the
product's intervals from each, and counts. Prints a table and writes it to ``docs/coverage.md``::

    python benchmarks/coverage.py                        # both generators, the page as published
    python benchmarks/coverage.py --generator engine --no-write
    python benchmarks/coverage.py --generator lindley --experiments 500 --no-write

``engine`` runs topologies through the simulator itself; ``lindley`` generates response times by
the recursions of Lindley and of Kiefer and Wolfowitz, many more in the same time.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulator.metrics.confidence import Interval, mean_interval, quantile_interval
from simulator.metrics.steady_state import warm_up
from simulator.theory.erlang import MMc
from simulator.theory.recursions import markov_responses

Floats = npt.NDArray[np.float64]

LEVEL = 0.95
REQUIRED = (0.92, 0.98)
PAGE = Path(__file__).parent.parent / "docs" / "coverage.md"
BLOCK = 20
"""Experiments generated in one go."""


@dataclass(frozen=True)
class Case:
    """A queue with a known answer; mean service time 1 s."""

    servers: int
    utilization: float

    @property
    def name(self) -> str:
        return f"M/M/{self.servers} at {self.utilization:.0%}"

    @property
    def station(self) -> MMc:
        return MMc(self.servers * self.utilization, 1.0, self.servers)


@dataclass
class Tally:
    """Counts over experiments for one quantity."""

    truth: float
    experiments: int = 0
    below: int = 0
    above: int = 0
    half_width: float = 0.0

    def add(self, interval: Interval) -> None:
        self.experiments += 1
        self.below += self.truth < interval.low
        self.above += self.truth > interval.high
        self.half_width += interval.half_width / self.truth

    @property
    def coverage(self) -> float:
        return 1.0 - (self.below + self.above) / self.experiments

    @property
    def standard_error(self) -> float:
        return math.sqrt(self.coverage * (1.0 - self.coverage) / self.experiments)


CASES = (Case(1, 0.8), Case(8, 0.85))
QUANTITIES: dict[str, float | None] = {"mean": None, "p50": 0.5, "p95": 0.95, "p99": 0.99}


def by_recursion(
    case: Case, experiments: int, replications: int, requests: int, seed: int
) -> Iterator[list[Floats]]:
    """Experiments as lists of replications, from the recursions."""
    rng = np.random.default_rng([seed, case.servers])
    for start in range(0, experiments, BLOCK):
        block = min(BLOCK, experiments - start)
        rows = markov_responses(rng, block * replications, requests, case.servers, case.utilization)
        for index in range(block):
            yield cut(rows[index * replications : (index + 1) * replications])


def cut(replications: Floats) -> list[Floats]:
    """The replications without their warm-up, which ends where the product says it does."""
    order = np.arange(replications.shape[1], dtype=float)
    found = warm_up([order] * len(replications), list(replications), float(len(order)))
    return [np.ascontiguousarray(row[round(found.cut_s) :]) for row in replications]


def measure(case: Case, experiments: Iterable[list[Floats]]) -> dict[str, Tally]:
    """Coverage of the interval of each quantity over all experiments."""
    station = case.station
    tallies = {
        name: Tally(station.mean_response_s if p is None else station.response_quantile(p))
        for name, p in QUANTITIES.items()
    }
    for samples in experiments:
        for name, p in QUANTITIES.items():
            made = mean_interval(samples, LEVEL) if p is None else quantile_interval(samples, p)
            tallies[name].add(made)
    return tallies


def rows(generator: str, results: dict[tuple[Case, int], dict[str, Tally]]) -> list[list[str]]:
    """The table, as text."""
    return [
        [
            generator,
            case.name,
            str(replications),
            name,
            f"{tally.experiments}",
            f"{tally.coverage:.1%}",
            f"{tally.standard_error:.1%}",
            f"{tally.below / tally.experiments:.1%}",
            f"{tally.above / tally.experiments:.1%}",
            f"{tally.half_width / tally.experiments:.1%}",
        ]
        for (case, replications), tallies in results.items()
        for name, tally in tallies.items()
    ]


HEADER = (
    "generator", "queue", "replications", "quantity", "experiments", "coverage",
    "standard error", "truth below", "truth above", "half-width",
)  # fmt: skip


def page(table: list[list[str]], options: argparse.Namespace) -> str:
    """The documentation page, generated whole."""
    command = (
        f"python benchmarks/coverage.py --generator {options.generator} "
        f"--experiments {options.experiments} --engine-experiments {options.engine_experiments} "
        f"--requests {options.requests} --seed {options.seed}"
    )
    lines = [
        "# Measured coverage of the intervals",
        "",
        f"Generated by `{command}`; do not edit.",
        "",
        "Each experiment is a whole run as a user would make it: independent replications of",
        f"{options.requests} requests from an empty system, the warm-up cut as the product does.",
        "*Coverage* is the share of nominal 95 % intervals that contain the exact value, required",
        f"to be between {REQUIRED[0]:.0%} and {REQUIRED[1]:.0%}. *Truth below* and *truth above*",
        "are the shares of misses on either side, *half-width* is the mean half-length of the",
        "interval as a share of the exact value. The `engine` rows are the simulator itself, the",
        "`lindley` rows recursions without events, with more experiments in the same time.",
        "",
        "| " + " | ".join(HEADER) + " |",
        "|---|---|" + "---:|" * (len(HEADER) - 2),
        *("| " + " | ".join(row) + " |" for row in table),
        "",
        "How the intervals are made and which others were tried:",
        "[decision 0002](decisions/0002-interval-on-percentiles.md).",
        "",
    ]
    return "\n".join(lines)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--generator", choices=("lindley", "engine", "both"), default="both")
    parser.add_argument("--experiments", type=int, default=2000, help="by recursion")
    parser.add_argument("--engine-experiments", type=int, default=400, help="by the engine")
    parser.add_argument("--replications", type=int, nargs="+", default=[5, 8, 10])
    parser.add_argument("--engine-replications", type=int, nargs="+", default=[8])
    parser.add_argument("--requests", type=int, default=15_000, help="in each replication")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--no-write", action="store_true", help="leave docs/coverage.md alone")
    return parser.parse_args()


def run(options: argparse.Namespace) -> list[list[str]]:
    """All experiments asked for, as rows of the table."""
    table: list[list[str]] = []
    plans = [("engine", options.engine_experiments, options.engine_replications)]
    plans += [("lindley", options.experiments, options.replications)]
    for generator, experiments, replications in plans:
        if options.generator not in (generator, "both"):
            continue
        if generator == "engine":
            from coverage_engine import by_engine as generate
        else:
            generate = by_recursion
        results = {
            (case, count): measure(
                case, generate(case, experiments, count, options.requests, options.seed)
            )
            for case in CASES
            for count in replications
        }
        table += rows(generator, results)
    return table


def main() -> None:
    options = arguments()
    table = run(options)
    if options.json:
        print(json.dumps([dict(zip(HEADER, row, strict=True)) for row in table], indent=1))
    else:
        widths = [max(len(row[i]) for row in [list(HEADER), *table]) for i in range(len(HEADER))]
        for row in [list(HEADER), *table]:
            print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
    if not options.no_write:
        _, heading, below = PAGE.read_text(encoding="utf-8").partition("\n## ")
        PAGE.write_text(page(table, options) + heading + below, encoding="utf-8")


if __name__ == "__main__":
    main()
