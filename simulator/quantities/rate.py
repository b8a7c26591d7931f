"""Rates: ``500 rps``, ``30k/min``, ``10M requests/day``, ``120/s``, read to "per second".

Grammar (spaces are free)::

    rate       ::= "0" | number multiplier? (abbreviation | noun? "/" period)
    multiplier ::= "k" | "M" | "B" | "T"
    period     ::= "s" | "min" | "h" | "day" | "week" | "month" | "year"   (and their long forms)

The noun (requests, tokens, jobs) is for the reader. ``rps``, ``qps`` and ``tps`` are per second;
``rpm`` and ``tpm``, which model providers use for their limits, are per minute. A year has 365
days and a month is a twelfth of it.
"""

import re

from simulator.quantities.grammar import (
    MULTIPLIERS,
    NUMBER,
    Dimension,
    refuse_bare,
    refuse_syntax,
    refuse_unless_possible,
    text_of,
    with_multiplier,
)

PERIODS = {
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "min": 60.0,
    "minute": 60.0,
    "h": 3_600.0,
    "hour": 3_600.0,
    "d": 86_400.0,
    "day": 86_400.0,
    "week": 604_800.0,
    "month": 2_628_000.0,
    "year": 31_536_000.0,
}
"""Seconds in each period that a rate or a price may be given for."""

_ABBREVIATIONS = {"rps": 1.0, "qps": 1.0, "tps": 1.0, "rpm": 60.0, "tpm": 60.0}
_PERIOD = "|".join(sorted(PERIODS, key=len, reverse=True))
_GRAMMAR = (
    rf"(?P<number>{NUMBER})\s*(?P<multiplier>[kKMBT](?![A-Za-z]))?\s*"
    rf"(?:(?P<short>rps|qps|tps|rpm|tpm)|(?:[A-Za-z_]+\s*)?/\s*(?P<period>{_PERIOD}))"
)
_RATE = re.compile(_GRAMMAR)
_BARE = re.compile(rf"({NUMBER})\s*[kKMBT]?")
_WHAT = "a rate"
_FORMS = "500 rps, 30k/min, 10M/day"


def parse_rate(value: object) -> float:
    """Read a rate of the document to events per second; raises QuantityError."""
    text = text_of(value, _WHAT, _FORMS, "{0} rps, {0}/min")
    if text is None:
        return 0.0
    match = _RATE.fullmatch(text)
    if match is None:
        if _BARE.fullmatch(text):
            raise refuse_bare(value, _WHAT, f"{text} rps, {text}/min")
        raise refuse_syntax(value, _WHAT, _FORMS)
    number = float(match["number"]) * MULTIPLIERS.get(match["multiplier"] or "", 1.0)
    seconds = _ABBREVIATIONS[match["short"]] if match["short"] else PERIODS[match["period"]]
    return refuse_unless_possible(value, number / seconds, _WHAT)


def format_rate(per_second: float) -> str:
    """Print a rate with three significant digits: ``500/s``, ``12.5k/s``, ``30/min``."""
    if 0 < abs(per_second) < 1 / 60:
        return f"{with_multiplier(per_second * 86_400)}/day"
    if 0 < abs(per_second) < 1:
        return f"{with_multiplier(per_second * 60)}/min"
    return f"{with_multiplier(per_second)}/s"


RATE = Dimension(
    name="rate",
    part="Rate",
    read=parse_rate,
    show=format_rate,
    examples=("500 rps", "30k/min", "10M/day"),
    pattern=rf"^\s*{re.sub(r'[?]P<[a-z]+>', '', _GRAMMAR)}\s*$",
    description="How often something happens, with its period: rps, /s, /min, /h, /day.",
    plain={"const": 0},
)
