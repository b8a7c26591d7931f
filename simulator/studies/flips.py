"""When the answer of a comparison would be another one: at which rate, at which price."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from simulator.metrics.estimates import difference, table_at, unpaired_difference
from simulator.metrics.spread import Document
from simulator.studies.design import Design
from simulator.studies.planner import Bench
from simulator.studies.point import Found, Point
from simulator.studies.run import RunOptions
from simulator.studies.saved import requests_of

FACTORS = (0.5, 0.75, 1.25, 1.5)
"""Rates at which the ranking by latency is tried, as multiples of today's."""

SHARE_OF_RUN = 0.2
"""Length of those trial runs, compared with that of the comparison."""

SCALE_MAX = 10.0
"""A price or rate further away than this factor flips nothing that matters."""

NEGLIGIBLE_USD_PER_HOUR = 1e-9


def cost_flips(names: Sequence[str], found: Sequence[Found]) -> list[Document]:
    """Rates and prices at which another design becomes the cheaper one.

    Cost is taken as running cost, which does not depend on the rate, and usage cost, which is
    proportional to it, as measured at the rate of the comparison; prices act proportionally.
    """
    flips: list[Document] = []
    for a, b in combinations(range(len(names)), 2):
        parts = [_costs(item) for item in (found[a], found[b])]
        totals = [sum(running + usage for running, usage in part.values()) for part in parts]
        gap = totals[1] - totals[0]
        if abs(gap) < NEGLIGIBLE_USD_PER_HOUR:
            continue
        cheaper, dearer = (names[a], names[b]) if gap > 0 else (names[b], names[a])
        pair = {"metric": "cost.per_hour", "now": cheaper, "then": dearer}
        running = [sum(row[0] for row in part.values()) for part in parts]
        usage = [sum(row[1] for row in part.values()) for part in parts]
        factor = _crossing(running[1] - running[0], usage[1] - usage[0])
        if factor is not None:
            document = found[a]["document"]
            rate = document["rate"] * document["cells"] * factor
            flips.append({**pair, "by": "rate", "at": rate, "factor": factor})
        for name in dict.fromkeys([*parts[0], *parts[1]]):
            own = [sum(part.get(name, (0.0, 0.0))) for part in parts]
            factor = _crossing(gap - (own[1] - own[0]), own[1] - own[0])
            if factor is not None:
                flips.append({**pair, "by": "price", "component": name, "factor": factor})
    return flips


def latency_flips(
    designs: Sequence[Design], found: Sequence[Found], options: RunOptions, bench: Bench
) -> tuple[list[Document], list[float]]:
    """Rates near today's at which another design has the lower p99, and all that were tried.

    They are found by shorter paired runs. A ranking counts only if the paired interval excludes
    0, now and then.
    """
    base = options.rps or designs[0].topology.rate
    limits = [item["paper"]["capacity_rps"] for item in found]
    ceiling = min((limit for limit in limits if limit), default=float("inf"))
    rates = [base * factor for factor in FACTORS if base * factor < ceiling or factor < 1.0]
    points = [
        Point(design.data, _trial(options, rate, base), True)
        for rate in rates
        for design in designs
    ]
    trials = bench.evaluate(points, "rates nearby")
    flips: list[Document] = []
    for a, b in combinations(range(len(designs)), 2):
        now = _lower(found[a], found[b])
        if now == 0:
            continue
        names = (designs[a].name, designs[b].name)
        was, then = names if now < 0 else names[::-1]
        for position, rate in enumerate(rates):
            pair = trials[position * len(designs) + a], trials[position * len(designs) + b]
            if _lower(*pair) == -now:
                cells = found[a]["document"]["cells"]
                flips.append(
                    {
                        "metric": "latency.p99",
                        "now": was,
                        "then": then,
                        "by": "rate",
                        "at": rate * cells,
                        "factor": rate / base,
                    }
                )
    return flips, [rate * designs[0].topology.cells for rate in rates]


def _trial(options: RunOptions, rate: float, base: float) -> RunOptions:
    assert options.duration_s is not None, "a comparison fixes the horizon of its runs"
    return replace(
        options, rps=rate, duration_s=options.duration_s * SHARE_OF_RUN * base / rate, thresholds=()
    )


def _lower(a: Found, b: Found) -> int:
    """-1 if the first has the lower p99 for certain, 1 if the second has, else 0."""
    cut_s = max(item["document"]["run"]["warmup_s"] for item in (a, b))
    tables = [table_at(item["estimates"], cut_s) for item in (a, b)]
    if not all("latency.p99" in table for table in tables):
        return 0
    by = difference if requests_of(a) == requests_of(b) else unpaired_difference
    change = by(*(table["latency.p99"] for table in tables))
    if change.low > 0:
        return -1
    return 1 if change.high < 0 else 0


def _costs(found: Found) -> dict[str, tuple[float, float]]:
    cells = found["document"]["cells"]
    return {
        name: (
            cells * row["cost"]["running_per_hour"],
            cells * row["cost"]["usage_per_hour"],
        )
        for name, row in found["document"]["components"].items()
    }


def _crossing(constant: float, slope: float) -> float | None:
    """Where ``constant + slope * factor`` is 0, if that is a factor worth knowing."""
    if abs(slope) < NEGLIGIBLE_USD_PER_HOUR:
        return None
    factor = -constant / slope
    return factor if 1.0 / SCALE_MAX <= factor <= SCALE_MAX else None
