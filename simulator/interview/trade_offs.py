"""The other sides of the decisions beside the design: what each changes, and what decides."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from simulator.interview.blocks import Section
from simulator.interview.claims_table import MARKS, figure_of
from simulator.interview.material import Material, metric
from simulator.interview.numbers import Figure, plain_words
from simulator.metrics.load import said_load
from simulator.metrics.spread import Document
from simulator.metrics.verdict import TIMES
from simulator.studies.claims import Checked
from simulator.studies.conditions import Measured
from simulator.studies.metric_units import RATIO, SHARE, unit_of_word
from simulator.topology.claims import Claim
from simulator.topology.model import Topology
from simulator.topology.objectives import Objective, objectives_of

SHOWN_OWN_METRICS = 2
SHOWN_PROMISES = 3
LATENCIES = ("latency.p50", "latency.p99")
REST = ("availability", "cost.per_month", "quality")
SAME_RATE = 1e-3
NO_CLAIM = "–"
ALIKE = "no column differs while nothing fails"
DOTS = re.compile(r"\.(?![0-9])")
"""What parts the words of a metric, but not a number as in ``p99.9``."""
METERED = {"other": "", "span": "time", "service": "service time", "wait": "waiting time"}
"""Measures of a component in words that say what they are."""
REFERENCE = {RATIO: " the chosen one", SHARE: " of the chosen one"}
"""What a value is compared with, by its unit; a difference otherwise, said as more or less."""


def trade_off_section(material: Material) -> Section:
    """A row for the design and one for each variant.

    Latency is that of one class, see :func:`class_of_latency`, because that of all classes
    together changes with their mix. Beside it stand the topology's own metrics and what else its
    objectives promise a time for, where a variant differs from the design for certain.
    """
    section = Section("Trade-offs")
    topology = material.topology
    words = [*_words(material), *REST]
    usual = _cells(material.base, words)
    rows = [("chosen", "the design as it stands", *usual, NO_CLAIM)]
    for name, measured in material.variants.items():
        what = f"{_decision(name, topology)}{_rate(measured, material.base)}"
        if measured.failure is not None:
            what += f" (cannot be run: {measured.failure})"
        cells, decides = _cells(measured, words), _decides(name, material)
        if decides == NO_CLAIM and cells == usual:
            decides = ALIKE
        rows.append((name, what, *cells, decides))
    heads = ["variant", "decision", *(_head(word) for word in words), "what decides"]
    if all(row[-1] == NO_CLAIM for row in rows):
        heads, rows = heads[:-1], [row[:-1] for row in rows]
    section.table(heads, rows)
    return section


def class_of_latency(topology: Topology) -> str | None:
    """The class whose latency designs are compared by; None if there is one, or all are meant.

    The class of the first objective on latency; without one, the first that an objective names,
    else the first of all.
    """
    if len(topology.requests) == 1:
        return None
    objectives = list(objectives_of(topology))
    for objective in objectives:
        if objective.metric == "latency":
            return objective.of_class
    named = [objective.of_class for objective in objectives if objective.of_class]
    return next(iter((*named, *topology.requests)))


def latency_of(topology: Topology) -> tuple[str, str]:
    """The p99 by which runs are told apart: its path, and what to call it."""
    word = f"{_prefix(class_of_latency(topology))}latency.p99"
    return word, _head(word)


def _words(material: Material) -> list[str]:
    topology = material.topology
    of_class = class_of_latency(topology)
    own = list(topology.metrics)[:SHOWN_OWN_METRICS]
    words = [f"{_prefix(of_class)}{word}" for word in LATENCIES]
    words += [f"{name}.p99" for name in own]
    promised = [
        _word(objective)
        for objective in objectives_of(topology)
        if objective.metric not in own
        and (objective.metric, objective.of_class) != ("latency", of_class)
        and unit_of_word(_word(objective)) == "s"
    ]
    changed = [word for word in dict.fromkeys(promised) if _changed(word, material)]
    return words + changed[:SHOWN_PROMISES]


def _word(objective: Objective) -> str:
    threshold = objective.threshold
    how = threshold.aggregate if threshold.percentile is None else f"p{threshold.percentile:g}"
    return f"{_prefix(objective.of_class)}{objective.metric}.{how}"


def _prefix(of_class: str | None) -> str:
    return "" if of_class is None else f"classes.{of_class}."


def _changed(word: str, material: Material) -> bool:
    """Whether a variant has another value for certain: the intervals do not meet."""
    low, high = _ends(material.base, word)
    found = [_ends(measured, word) for measured in material.variants.values()]
    return any(other_low > high or other_high < low for other_low, other_high in found)


def _ends(measured: Measured, word: str) -> tuple[float, float]:
    """The interval of a metric; what is not known differs from nothing."""
    figure = metric(measured, word)
    if figure.value is None or figure.low is None or figure.high is None:
        return float("nan"), float("nan")
    return figure.low, figure.high


def _head(word: str) -> str:
    parts = word.split(".")
    if parts[0] == "classes" and ".".join(parts[2:]) in LATENCIES:
        return f"{parts[-1]} of {plain_words(parts[1])}"
    parts = parts[1:] if parts[0] == "classes" else parts
    return plain_words(" ".join(parts)).removeprefix("latency ")


def _cells(measured: Measured, words: Sequence[str]) -> list[str]:
    document = {} if measured.failure is not None else measured.document
    return [
        metric(measured, word).beside if _settles(document, word) else "none: not stable"
        for word in words
    ]


def _settles(document: Document, word: str) -> bool:
    """Whether a metric has a value however long the run: a time behind a backlog has none."""
    if document.get("stable", True) or document["sheds"] or unit_of_word(word) != "s":
        return True
    parts = word.split(".")
    kind, name = (parts[1], parts[2]) if parts[0] == "classes" else ("", parts[0])
    delayed = document["delayed"]
    return name in TIMES and (kind not in delayed if kind else not delayed)


def _decision(name: str, topology: Topology) -> str:
    variant = topology.variants[name]
    if variant.decision:
        sides = f"{variant.chosen or 'chosen'} → {variant.alternative or plain_words(name)}"
        return f"{variant.decision}: {sides}"
    return variant.summary or plain_words(name)


def _rate(measured: Measured, base: Measured) -> str:
    """The load that a variant is run at, where it is not that of the design."""
    if measured.failure is not None or base.failure is not None:
        return ""
    if measured.document["closed"] or base.document["closed"]:
        loads = [said_load(run.document) for run in (measured, base)]
        return "" if loads[0] == loads[1] else f" (with {loads[0]})"
    own, usual = (run.document["rate"] * run.document["cells"] for run in (measured, base))
    if abs(own / usual - 1.0) < SAME_RATE:
        return ""
    return f" (at {Figure(own, 'requests/s').aloud})"


def _decides(name: str, material: Material) -> str:
    """The claim that is about this variant, one that no column shows before any other."""
    claims = material.topology.claims
    found = [
        (claims[checked.name], checked)
        for checked in material.claims
        if claims[checked.name].variant == name and checked.value is not None
    ]
    of_class = class_of_latency(material.topology)
    found.sort(key=lambda pair: _is_shown(pair[0], of_class))
    return _said(*found[0], _cells_of(found[0][0], material)) if found else NO_CLAIM


def _cells_of(claim: Claim, material: Material) -> float:
    """How many cells the run of a claim on a variant is of: either may set another number."""
    if "cells" in claim.settings:
        return float(claim.settings["cells"])
    measured = material.variants[str(claim.variant)]
    return float(measured.document.get("cells", material.topology.cells))


def _is_shown(claim: Claim, of_class: str | None) -> bool:
    if claim.metric is None or claim.faults or claim.settings or claim.rps is not None:
        return False
    word = claim.metric.text.replace("(", "").replace(")", "")
    if word in LATENCIES:
        return of_class is None or claim.of_class == of_class
    return word in REST or word == "cost.per_hour"


def _said(claim: Claim, checked: Checked, cells: float) -> str:
    value = replace(figure_of(checked), low=None, high=None).judged(checked.expect)
    if claim.versus is not None:
        value = _compared(checked)
    words = (_measured(claim), value, *_conditions(claim, cells), MARKS[checked.status])
    return f"{claim.text}: {' '.join(filter(None, words))}"


def _compared(checked: Checked) -> str:
    """A ratio to the design's value, or by how much the value is more or less than that."""
    reference = REFERENCE.get(checked.unit)
    if reference is not None or checked.value is None:
        return figure_of(checked).beside + (reference or "")
    side = "less" if checked.value < 0.0 else "more"
    return f"{Figure(abs(checked.value), checked.unit).both} {side} than the chosen one"


def _measured(claim: Claim) -> str:
    """What the value of a claim is of: ``p95 of ask``; nothing to say of arithmetic of several."""
    if claim.metric is None or claim.metric.tree.what != "word" or claim.metric.text == "stable":
        return ""
    block, *parts = DOTS.split(claim.metric.text.replace("(", "").replace(")", ""))
    of = claim.of_class
    if block == "classes":
        of, block, *parts = parts
    if block in ("components", "paper"):
        of, *parts = parts
        measure = METERED.get(parts[0], parts[0])
        parts = [measure, *parts[1:]] if parts[0] in ("cost", "other") else [*parts[1:], measure]
    elif [block, *parts[:1]] != ["latency", "mean"]:
        parts = [part for part in (block, *parts) if part not in ("latency", "rate")]
    else:
        parts = ["mean", "latency"]
    words = plain_words(" ".join(filter(None, parts)))
    return f"{words}{f' of {of}' if of else ''}{' on paper' if block == 'paper' else ''}"


def _conditions(claim: Claim, cells: float) -> Iterator[str]:
    if claim.faults:
        yield f"with {' and '.join(map(plain_words, claim.faults))}"
    if claim.rps is not None:
        yield f"at {Figure(claim.rps * cells, 'requests/s').aloud}"
