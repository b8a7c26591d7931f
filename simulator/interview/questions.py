"""Answers with their placeholders replaced by figures."""

import re

from simulator.interview.claims_table import figure_of
from simulator.interview.material import Material
from simulator.interview.numbers import Figure
from simulator.studies.metric_units import unit_of_word
from simulator.topology.claim_checks import PLACEHOLDER

FIGURE = re.compile(PLACEHOLDER.pattern + r"( per thousand requests| [a-z]+)?")
"""A placeholder, and the word behind it."""


def answered(answer: str, material: Material) -> str:
    """The answer with each placeholder as one says it, the exact value in brackets.

    A unit that the text repeats right behind a figure is said once.
    """
    text = " ".join(answer.split())

    def said(match: re.Match[str]) -> str:
        figure, after = _figure(match[1].strip(), material), match[2] or ""
        again = "per 1k requests" if after.startswith(" per thousand") else after.strip()
        return figure if after and re.search(rf"[0-9kMBT] {again}\b", figure) else figure + after

    return FIGURE.sub(said, text)


def _figure(path: str, material: Material) -> str:
    block, _, name = path.partition(".")
    if block in ("estimates", "given"):
        items = material.estimates if block == "estimates" else material.given
        found = next(item for item in items if item.name == name)
        return found.shown
    if block == "claims":
        claim = next(item for item in material.claims if item.name == name)
        return figure_of(claim).both
    reading = material.reading(path)
    word = re.sub(r"^variants\.[^.]+\.", "", path)
    return Figure(reading.value, unit_of_word(word), reading.low, reading.high).both
