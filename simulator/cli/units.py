"""``simulate explain units``: how quantities are written."""

from collections.abc import Callable, Iterator
from typing import Any

from pydantic import TypeAdapter

from simulator.quantities import (
    parse_count,
    parse_duration,
    parse_fraction,
    parse_rate,
    parse_size,
    parse_threshold,
    parse_usd,
    parse_usd_per_hour,
    parse_usd_per_item,
    parse_usd_per_token,
)
from simulator.quantities.moment import RunMoment

Read = Callable[[str], Any]

FORMS: tuple[tuple[str, Read, tuple[str, ...], str], ...] = (
    ("duration", parse_duration, ("250us", "3ms", "1.5s", "1m30s", "2h", "7d"),
     "us, ms, s, m (minutes), h, d; several in one, largest first"),
    ("moment of a run", TypeAdapter(RunMoment).validate_python, ("60s", "40%"),
     "a duration from the start, or a share of the run"),
    ("rate", parse_rate, ("500 rps", "30k/min", "10M/day", "2/s"),
     "rps, or a count per s, min, h, day, month, year"),
    ("count", parse_count, ("1000", "20k", "1.5M", "2B"), "k, M, B: thousand, million, billion"),
    ("share", parse_fraction, ("5%", "0.05"), "per cent, or a number between 0 and 1"),
    ("size", parse_size, ("512 B", "4KB", "1.5GB", "2TiB"),
     "B, KB, MB, GB, TB are powers of 1000; KiB, MiB, GiB, TiB of 1024"),
    ("money", parse_usd, ("$12", "$0.004"), "dollars"),
    ("running cost", parse_usd_per_hour, ("$1.20/h", "$300/month"), "per h, day, month or year"),
    ("price of a call", parse_usd_per_item, ("$0.01", "$0.40/1M"), "each, or per 1k or 1M"),
    ("price of a token", parse_usd_per_token, ("$2.50/1M tokens",), "per 1k or 1M tokens"),
    ("threshold", lambda text: parse_threshold(text, "duration"), ("p(99)<800ms", "mean<=2s"),
     "aggregate, operator, bound: p(..), mean, max, rate, value, per_hour"),
)  # fmt: skip
"""What is written, how it is read, examples, and what may stand there."""

DISTRIBUTIONS = "3ms, {exponential: {mean: 3ms}}, {lognormal: {p50: 3ms, p99: 12ms}}"


def unit_lines() -> Iterator[str]:
    """The table of forms, and the units of formulas."""
    from simulator.topology.units import UNITS

    yield "Every quantity has a unit, except counts and shares. A space before it is free."
    yield ""
    width = max(len(name) for name, *_ in FORMS)
    examples = [", ".join(shown) for _, _, shown, _ in FORMS]
    second = max(len(text) for text in examples)
    for (name, _, _, words), shown in zip(FORMS, examples, strict=True):
        yield f"  {name:<{width}}  {shown:<{second}}  {words}"
    yield ""
    yield f"A time that varies is a distribution: {DISTRIBUTIONS}"
    yield "(`simulate list distributions` shows all of them)."
    yield ""
    yield "Formulas of `given`, `estimates` and `claims` compute with these units; a number of"
    yield "any other thing is written in brackets, as in `20 [widget]`:"
    yield ""
    line = "  "
    for name in UNITS:
        if len(line) + len(name) > 96:
            yield line.rstrip(", ") + ","
            line = "  "
        line += f"{name}, "
    yield line.rstrip(", ")
