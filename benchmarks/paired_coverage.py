"""How often the 95 % intervals of paired differences cover the true difference, measured.

Each experiment is a comparison of two queues whose difference is known in closed form, on the
same arrivals and the same draws, with the interval that ``simulate compare`` prints. Prints a
table and puts it into ``docs/coverage.md``, below the table of ``coverage.py``::

    python benchmarks/paired_coverage.py
    python benchmarks/paired_coverage.py --generator lindley --no-write

``engine`` runs topologies through the simulator itself; ``lindley`` generates response times by
the recursions of Lindley and of Kiefer and Wolfowitz, many more in the same time.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tally import REQUIRED, Tally

from simulator.metrics.confidence import Interval, paired_mean, paired_quantile
from simulator.metrics.estimates import CUTS, difference, table_at
from simulator.metrics.steady_state import warm_up
from simulator.studies.point import Point, compute, unpack
from simulator.studies.run import RunOptions
from simulator.theory.erlang import MMc
from simulator.theory.recursions import kiefer_wolfowitz_responses

PAGE = Path(__file__).parent.parent / "docs" / "coverage.md"
HEADING = "## Paired differences"
QUANTITIES: dict[str, float | None] = {"mean": None, "p50": 0.5, "p95": 0.95, "p99": 0.99}
BLOCK = 20
"""Experiments that the recursions generate in one go."""

Changes = dict[str, Interval]


@dataclass(frozen=True)
class Pair:
    """Two queues under the same arrivals: servers and mean service time (s) of both."""

    name: str
    rate: float
    servers: tuple[int, int]
    service_s: tuple[float, float]

    def truth(self, p: float | None) -> float:
        """How much larger the mean, or the quantile ``p``, of the second is."""
        first, second = (
            MMc(self.rate, 1.0 / service_s, servers)
            for servers, service_s in zip(self.servers, self.service_s, strict=True)
        )
        if p is None:
            return second.mean_response_s - first.mean_response_s
        return second.response_quantile(p) - first.response_quantile(p)

    def document(self, which: int) -> dict[str, Any]:
        """The topology of the first or the second."""
        work = {"work": {"exponential": {"mean": f"{1000.0 * self.service_s[which]:g}ms"}}}
        desk = {"kind": "service", "workers": self.servers[which], "steps": [work]}
        return {
            "name": "queue",
            "rate": f"{self.rate} rps",
            "requests": {"all": {"entry": "desk"}},
            "components": {"desk": desk},
        }


PAIRS = (
    Pair("M/M/1, work 5 % shorter", 6.0, (1, 1), (0.1, 0.095)),
    Pair("M/M/4 against M/M/5", 30.0, (4, 5), (0.1, 0.1)),
    Pair("M/M/8 against M/M/9", 68.0, (8, 9), (0.1, 0.1)),
    Pair("M/M/8, work 3 % shorter", 68.0, (8, 8), (0.1, 0.097)),
    Pair("M/M/16 against M/M/17", 140.0, (16, 17), (0.1, 0.1)),
)


def by_engine(pair: Pair, options: argparse.Namespace) -> Iterator[Changes]:
    """Comparisons by the simulator itself, one a seed."""
    from joblib import Parallel, delayed

    asked = (options.requests, options.replications, options.seed)
    yield from Parallel(n_jobs=options.jobs, return_as="generator")(
        delayed(one_comparison)(pair, *asked[:2], asked[2] * 1_000_003 + number)
        for number in range(options.engine_experiments)
    )


def one_comparison(pair: Pair, requests: int, replications: int, seed: int) -> Changes:
    """The changes from the first to the second, as ``compare`` makes them."""
    own = RunOptions(
        duration_s=requests / pair.rate, replications=replications, seed=seed, thresholds=()
    )
    found = [unpack(compute(Point(pair.document(which), own, True))) for which in (0, 1)]
    cut_s = max(item["document"]["run"]["warmup_s"] for item in found)
    tables = [table_at(item["estimates"], cut_s) for item in found]
    return {
        name: difference(*(table[f"latency.{name}"] for table in tables)) for name in QUANTITIES
    }


def by_recursion(pair: Pair, options: argparse.Namespace) -> Iterator[Changes]:
    """Comparisons of queues that have only response times."""
    rng = np.random.default_rng([options.seed, *pair.servers])
    replications = options.replications
    for start in range(0, options.experiments, BLOCK):
        block = min(BLOCK, options.experiments - start)
        shape = (block * replications, options.requests)
        gaps = rng.standard_exponential(shape) / pair.rate
        work = rng.standard_exponential(shape)
        both = [
            kiefer_wolfowitz_responses(gaps, work * service_s, servers)
            for servers, service_s in zip(pair.servers, pair.service_s, strict=True)
        ]
        for index in range(block):
            rows = slice(index * replications, (index + 1) * replications)
            yield _changes([list(responses[rows]) for responses in both])


def _changes(both: list[list[Any]]) -> Changes:
    order = np.arange(len(both[0][0]), dtype=float)
    found = [warm_up([order] * len(runs), runs, float(len(order))).share for runs in both]
    share = next(share for share in CUTS if share >= max(found) - 1e-9)
    cut = round(share * len(order))
    kept = [[np.ascontiguousarray(run[cut:]) for run in runs] for runs in both]
    first, second = kept
    return {
        name: paired_mean(first, second) if p is None else paired_quantile(first, second, p)
        for name, p in QUANTITIES.items()
    }


HEADER = (
    "generator", "pair", "quantity", "true change", "experiments", "coverage", "standard error",
    "truth below", "truth above", "half-width", "change noticed",
)  # fmt: skip


def measured(options: argparse.Namespace) -> list[list[str]]:
    """The rows of the table."""
    rows = []
    for generator, experiments in (("engine", by_engine), ("lindley", by_recursion)):
        if options.generator not in (generator, "both"):
            continue
        for pair in PAIRS:
            tallies = {name: Tally(pair.truth(p)) for name, p in QUANTITIES.items()}
            for changes in experiments(pair, options):
                for name, change in changes.items():
                    tallies[name].add(change)
            rows += [
                [
                    generator,
                    pair.name,
                    name,
                    f"{1000 * tally.truth:+.1f} ms",
                    *tally.row(),
                    tally.noticing,
                ]
                for name, tally in tallies.items()
            ]
    return rows


def section(rows: list[list[str]], options: argparse.Namespace) -> str:
    """What the page says about pairs."""
    command = (
        f"python benchmarks/paired_coverage.py --generator {options.generator} "
        f"--experiments {options.experiments} --engine-experiments {options.engine_experiments} "
        f"--requests {options.requests} --replications {options.replications} "
        f"--seed {options.seed}"
    )
    lines = [
        HEADING,
        "",
        f"Generated by `{command}`; do not edit.",
        "",
        "Each experiment is a comparison as `simulate compare` makes it: both queues see the same",
        f"arrivals and the same draws in {options.replications} replications of "
        f"{options.requests} requests,",
        "and the interval is that of the paired difference. The true change is the closed form.",
        f"*Coverage* is required to be between {REQUIRED[0]:.0%} and {REQUIRED[1]:.0%}, *change",
        "noticed* is the share of intervals that exclude 0, *half-width* a share of the true",
        "change.",
        "",
        "| " + " | ".join(HEADER) + " |",
        "|---|---|---|" + "---:|" * (len(HEADER) - 3),
        *("| " + " | ".join(row) + " |" for row in rows),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and put the table into the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--generator", choices=("lindley", "engine", "both"), default="both")
    parser.add_argument("--experiments", type=int, default=1000, help="by recursion")
    parser.add_argument("--engine-experiments", type=int, default=200, help="by the engine")
    parser.add_argument("--replications", type=int, default=6)
    parser.add_argument("--requests", type=int, default=18_333, help="in each replication")
    parser.add_argument("--seed", type=int, default=23)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--no-write", action="store_true", help="leave docs/coverage.md alone")
    options = parser.parse_args()
    rows = measured(options)
    for row in [list(HEADER), *rows]:
        print("  ".join(f"{cell:>12}" for cell in row))
    if not options.no_write:
        above = PAGE.read_text(encoding="utf-8").partition(HEADING)[0].rstrip()
        PAGE.write_text(f"{above}\n\n{section(rows, options)}", encoding="utf-8")


if __name__ == "__main__":
    main()
