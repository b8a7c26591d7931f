"""The interview card: one page in the order an interview runs, every number with its origin."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from simulator.interview.blocks import Section, to_data
from simulator.interview.claims_table import MARKS, SLIPS, counts_of, expected_of, figure_of
from simulator.interview.failures import failure_section
from simulator.interview.flow import deep_dive_section, flow_section
from simulator.interview.growth import full_first, growth_section
from simulator.interview.material import Material, metric
from simulator.interview.numbers import Figure, plain_words, sentences, spaced
from simulator.interview.questions import answered
from simulator.interview.trade_offs import trade_off_section
from simulator.metrics.load import said_load
from simulator.metrics.verdict import without_a_failure
from simulator.studies.claims import worst_first
from simulator.studies.estimates import Computed
from simulator.studies.metric_units import RATIO, unit_of_word
from simulator.topology.diagram import arrows_of, svg
from simulator.topology.model import Topology
from simulator.topology.objectives import objectives_of

PERCENTILES = (0.5, 0.95, 0.99)
BEYOND = 10.0
"""Requests beyond a percentile from which it does not hang on single ones."""
THRESHOLD = re.compile(r"(?:p\(([0-9.]+)\)|([a-z_]+))\s*([<>=!]+)\s*(.+)")
FEW = "†"
"""Marks a percentile that has fewer."""


def card(material: Material) -> list[Section]:
    """The sections of the card, without those that have nothing to say."""
    sections = [
        _head(material),
        _requirements(material),
        _envelope(material),
        flow_section(material),
        _simulation(material),
        deep_dive_section(material),
        growth_section(material),
        failure_section(material),
        trade_off_section(material),
        _questions(material),
        _open_claims(material),
    ]
    return [section for section in sections if section.blocks]


def card_document(material: Material, sections: Sequence[Section]) -> dict[str, Any]:
    """The card as plain data: what ``--format json`` prints and pages are drawn from."""
    topology, base = material.topology, material.base
    verdict = base.document.get("verdict", {"status": "fail", "sentence": base.failure or ""})
    sentence = verdict["sentence"]
    return {
        "schema": 1,
        "study": "interview",
        "topology": topology.name,
        "title": title_of(material),
        "seed": material.seed,
        "status": verdict["status"],
        "verdict": f"{sentence[:1].upper()}{sentence[1:]}.",
        "facts": [
            _load(material),
            f"seed {material.seed}",
        ],
        "components": len(topology.components),
        "calls": [
            (arrow.source, arrow.target, "not waited for" if arrow.background else "waited for")
            for arrow in arrows_of(topology)
        ],
        "svg": svg(topology),
        "sections": to_data(sections),
    }


def _load(material: Material) -> str:
    document, topology = material.base.document, material.topology
    if document.get("load_beside") or document.get("closed"):
        return said_load(document)
    rate = document.get("rate", topology.rate) * topology.cells
    return Figure(rate, "requests/s").exact


def title_of(material: Material) -> str:
    """The heading of the page."""
    return plain_words(material.topology.name)


def _head(material: Material) -> Section:
    topology = material.topology
    section = Section("")
    section.say(topology.summary or "")
    source = topology.source
    where = f"{source.document}, {source.section or ''}".rstrip(", ") if source else ""
    section.say(f"Architecture and documented figures: {where}." if where else "")
    section.say(
        f"Figures come from `simulate interview {topology.name} --seed {material.seed}`: rounded "
        "as one says them, with the exact value and its 95 % interval beside."
    )
    return section


def _requirements(material: Material) -> Section:
    topology = material.topology
    section = Section("Requirements and clarifying numbers")
    section.list(topology.requirements)
    section.table(
        ("ask for", "number", "from"),
        [
            (item.text or plain_words(item.name), item.shown, _place(item))
            for item in material.given
        ],
    )
    section.table(
        ("promise", "threshold", "simulated", "holds"),
        [
            (
                plain_words(row["metric"].replace(".", " ")),
                promised(row["threshold"]),
                Figure(
                    row["value"], _objective_unit(row["metric"]), row["low"], row["high"]
                ).judged(row["threshold"]),
                _kept(row),
            )
            for row in material.base.document.get("objectives", [])
        ],
    )
    return section


def _kept(row: dict[str, Any]) -> str:
    """Whether a promise is kept; of one that only a longer run could decide, that."""
    if row["status"] == "unsure" and without_a_failure(row):
        return "? too few requests"
    return {"pass": "✓", "fail": "✗"}.get(row["status"], "?")


def promised(threshold: str) -> str:
    """A threshold as one says it: ``p99 < 50 ms``."""
    found = THRESHOLD.fullmatch(threshold)
    if found is None:
        return threshold
    percentile, word, operator, bound = found.groups()
    how = (
        f"p{percentile} "
        if percentile
        else {"avg": "mean ", "rate": "", "value": ""}.get(word, f"{word} ")
    )
    return f"{how}{operator} {spaced(bound)}"


def _objective_unit(name: str) -> str:
    return unit_of_word(name.rpartition(".")[2])


def _place(item: Computed) -> str:
    return item.section or item.note or "assumed"


def _envelope(material: Material) -> Section:
    section = Section("Back of the envelope")
    rows = []
    for item in material.estimates:
        documented = item.documented or "–"
        if item.section and item.documented:
            documented += f" ({item.section})"
        rows.append(
            (
                item.text or plain_words(item.name),
                item.derivation,
                item.exact,
                documented,
                sentences(item.finding, item.note),
            )
        )
    section.table(("what", "say", "exact", "the document says", "verdict"), rows)
    slips = [item for item in material.estimates if item.verdict in SLIPS]
    if slips:
        section.say(
            "Do not copy from the document: " + "; ".join(_slip(item) for item in slips) + "."
        )
    return section


def _slip(item: Computed) -> str:
    what = item.text or plain_words(item.name)
    return f"{item.documented or 'what it says'} for {what} ({item.finding})"


def _simulation(material: Material) -> Section:
    section = Section("What the simulation says")
    base = material.base
    if base.failure is not None:
        section.say(f"The design cannot be run: {base.failure}.")
        return section
    document = base.document
    sentence = document["verdict"]["sentence"]
    section.say(f"{sentence[:1].upper()}{sentence[1:]}.")
    section.say(_what_counts(material.topology, document))
    words = ["latency.p50", "latency.p95", "latency.p99"]
    streamed = _speaks_of_tokens(material.topology) and metric(base, "ttft.p50").value is not None
    words += ["ttft.p50", "ttft.p99", "tpot.p50"] if streamed else []
    words += [f"{name}.p99" for name in material.topology.metrics]
    words += [
        "throughput", "availability", "degraded", "cost.per_1k_requests", "cost.per_month",
        "quality",
    ]  # fmt: skip
    rows = []
    for word in words:
        figure = metric(base, word)
        if figure.value is not None:
            rows.append((plain_words(word.replace(".", " ")), figure.aloud, figure.exact))
    rows += _headroom(material)
    section.table(("measure", "say", "exact [95 % interval]"), rows)
    section.say(_meaning(material.topology, streamed=streamed))
    if len(material.topology.requests) > 1:
        section.table(
            ("class", "p50", "p95", "p99", "rate", *_marked(material)), list(_classes(material))
        )
        if any(rests_on_few(document, name, PERCENTILES[-1]) for name in document["classes"]):
            section.say(f"{FEW} Fewer than {BEYOND:g} requests of the run are beyond it.")
    warnings = [text for text in document.get("warnings", []) if not text.startswith("p99.9")]
    section.list(warnings)
    return section


def _speaks_of_tokens(topology: Topology) -> bool:
    """Whether anybody asks for the times of tokens: not where an answer is read as a whole."""
    asked = [objective.metric for objective in objectives_of(topology)]
    claimed = [claim.metric for claim in topology.claims.values() if claim.metric is not None]
    asked += [word for formula in claimed for word in formula.words]
    return any(word.partition(".")[0] in ("ttft", "tpot") for word in asked)


def _meaning(topology: Topology, *, streamed: bool) -> str:
    """What the measures are, for a reader who has this page alone."""
    said = [
        "Latency, degraded and quality are of good answers: degraded ones were stale or came from "
        "a fallback; quality, of the classes in which it differs, is how good they are by the "
        "figures of the document or by assumption, 100% being as good as can be."
    ]
    if streamed:
        said.append("Ttft is the time to the first token, tpot the time of each later one.")
    for name, part in topology.metrics.items():
        less = "time in" if part.inside else "latency less the time in"
        parts = ", ".join(part.inside or part.outside or ())
        said.append(f"{plain_words(name).capitalize()} is the {less} {parts}.")
    if any(part.inside for part in topology.metrics.values()):
        said.append(
            "A request that does not come there counts as 0 s, unless none of its class does."
        )
    return " ".join(said)


def _what_counts(topology: Topology, document: dict[str, Any]) -> str:
    """What the offered rate is a rate of, where classes with rates of their own come beside it."""
    own = {name: spec.rate for name, spec in topology.requests.items() if spec.rate is not None}
    if not own:
        return ""
    cells = topology.cells
    offered = Figure(topology.rate * cells, "requests/s").exact
    shared = ", ".join(plain_words(name) for name in topology.requests if name not in own)
    if not shared or document["load_per_s"] is None:
        return ""
    beside = ", ".join(
        f"{plain_words(name)} ({Figure(rate * cells, 'requests/s').exact})"
        for name, rate in own.items()
    )
    total = Figure(topology.rate * cells + cells * sum(own.values()), "requests/s").exact
    return (
        f"The {offered} are those of {shared}; beside them come {beside}. Throughput and "
        f"availability count all {total}, cost per request the good answers among them, capacity "
        "and headroom the first alone."
    )


def _headroom(material: Material) -> Iterator[tuple[str, str, str]]:
    full = full_first(material)
    if full is None:
        return
    rate = material.topology.rate * material.topology.cells
    factor, capacity = Figure(full.factor, RATIO), Figure(rate * full.factor, "requests/s")
    yield f"capacity (arithmetic): {full.name} is full", capacity.aloud, capacity.exact
    yield "headroom (arithmetic)", f"{factor.aloud} the load", factor.exact


def _classes(material: Material) -> Iterator[tuple[str, ...]]:
    words = [*(f"latency.p{100.0 * share:.0f}" for share in PERCENTILES), "throughput"]
    words += _marked(material)
    for name in material.topology.requests:
        figures = [metric(material.base, f"classes.{name}.{word}") for word in words]
        rate = figures[len(PERCENTILES)]
        if not rate.value:
            rest = ("–" for _ in _marked(material))
            yield (name, *("–" for _ in PERCENTILES), "none came in the run", *rest)
            continue
        marks = [
            f" {FEW}" if rests_on_few(material.base.document, name, share) else ""
            for share in PERCENTILES
        ]
        marks += [""] * (len(figures) - len(marks))
        said = (f"{figure.both}{mark}" for figure, mark in zip(figures, marks, strict=True))
        yield (name, *said)


def rests_on_few(document: dict[str, Any], of_class: str, share: float) -> bool:
    """Whether so few requests of a class are slower than a percentile that it is a rough one."""
    rates = (document["classes"][of_class], document["metrics"])
    own, all_of_them = (block["throughput"]["value"] or 0.0 for block in rates)
    if not own:
        return False
    return bool(document["run"]["requests"] * own / all_of_them * (1.0 - share) < BEYOND)


def _marked(material: Material) -> tuple[str, ...]:
    """The head of a column for quality, if the design marks any."""
    quality = metric(material.base, "quality").value
    return ("quality",) if quality is not None and quality < 1.0 else ()


def _questions(material: Material) -> Section:
    section = Section("Questions with a number")
    for question in material.topology.questions.values():
        section.say(f"“{question.question}”")
        section.say(answered(question.answer, material))
    return section


def _open_claims(material: Material) -> Section:
    section = Section("Claims of the document")
    if not material.claims:
        return section
    section.say(f"Of {len(material.claims)} claims: {counts_of(material.claims)}.")
    rows = []
    for claim in worst_first(material.claims):
        if claim.status == "holds":
            continue
        value = figure_of(claim).judged(claim.expect) if claim.value is not None else "–"
        rows.append(
            (
                f"{MARKS[claim.status]} {claim.status}",
                claim.text,
                value,
                spaced(expected_of(claim)),
                claim.place,
                "; ".join(filter(None, (claim.conditions, claim.reason, claim.note))) or "–",
            )
        )
    section.table(("result", "claim", "value", "expected", "from", "why"), rows)
    return section
