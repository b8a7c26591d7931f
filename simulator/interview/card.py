"""The interview card: one page in the order an interview runs, every number with its origin."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from simulator.interview.blocks import Drawing, Section
from simulator.interview.claims_table import MARKS, SLIPS, counts_of, figure_of
from simulator.interview.material import Growth, Material
from simulator.interview.numbers import Figure, plain_words
from simulator.interview.questions import answered
from simulator.studies.claims import unit_of_word, worst_first
from simulator.studies.conditions import Measured
from simulator.studies.estimates import Computed
from simulator.studies.readings import read_document
from simulator.topology.diagram import CLIENT, arrows_of, mermaid
from simulator.topology.model import Topology
from simulator.topology.paper import PaperRow, on_paper

TARGET_UTILIZATION = 0.7
SHOWN_PARTS = 5
SHOWN_OWN_METRICS = 2
SHOWN_FAILURES = 8


def card(material: Material) -> list[Section]:
    """The sections of the card."""
    return [
        _head(material),
        _requirements(material),
        _envelope(material),
        _architecture(material),
        _simulation(material),
        _deep_dive(material),
        _growth(material),
        _failures(material),
        _trade_offs(material),
        _questions(material),
        _open_claims(material),
    ]


def title_of(material: Material) -> str:
    """The heading of the page."""
    return plain_words(material.topology.name)


def metric(measured: Measured | None, path: str) -> Figure:
    """A metric of a run as a figure; empty if there is no run or no such metric."""
    if measured is None or measured.failure is not None:
        return Figure(None, unit_of_word(path))
    reading = measured.readings.get(path) or read_document(measured.document, path)
    return Figure(reading.value, unit_of_word(path), reading.low, reading.high)


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
        ("promise", "threshold", "simulated", ""),
        [
            (
                plain_words(row["metric"]),
                row["threshold"],
                Figure(row["value"], _objective_unit(row["metric"]), row["low"], row["high"]).both,
                {"pass": "✓", "fail": "✗"}.get(row["status"], "?"),
            )
            for row in material.base.document.get("objectives", [])
        ],
    )
    return section


def _objective_unit(name: str) -> str:
    return unit_of_word(name.rpartition(".")[2]) if "cost" not in name else "USD"


def _place(item: Computed) -> str:
    return f"{item.section}" if item.section else "assumed"


def _envelope(material: Material) -> Section:
    section = Section("Back of the envelope")
    rows = []
    for item in material.estimates:
        documented = item.documented or "–"
        if item.section and item.documented:
            documented += f" ({item.section})"
        note = f" {item.note}" if item.note else ""
        rows.append(
            (
                item.text or plain_words(item.name),
                item.derivation,
                item.exact,
                documented,
                item.finding + note,
            )
        )
    section.table(("what", "say", "exact", "the document says", "verdict"), rows)
    slips = [item for item in material.estimates if item.verdict in SLIPS]
    if slips:
        section.say(
            "Do not copy from the document: "
            + "; ".join(f"{item.text or plain_words(item.name)} ({item.finding})" for item in slips)
            + "."
        )
    return section


def _architecture(material: Material) -> Section:
    section = Section("Architecture and data flow")
    section.blocks.append(Drawing("mermaid", mermaid(material.topology)))
    rows = list(_flow_rows(material))
    if rows:
        section.say(
            "The way of a request with its latency budget: what each component adds to a typical "
            "request (around p50) and to a slow one (around p99), in the order of the calls."
        )
        heads = ("component", "does", "calls per request", "adds at p50", "adds at p99")
        section.table(heads, rows)
    return section


def _flow_rows(material: Material) -> Iterator[tuple[str, ...]]:
    """Components in the order in which a request reaches them."""
    topology = material.topology
    tables = {row["at"]: row for row in material.base.document.get("breakdown", [])}
    added = {
        at: {part["component"]: _seconds(part) for part in table["parts"]}
        for at, table in tables.items()
    }
    if not {"p50", "p99"} <= added.keys():
        return
    paper = on_paper(topology)
    rates = {row.name: row.rate / (paper.rate or 1.0) for row in paper.rows}
    for name in _call_order(topology):
        times = [Figure(added[at].get(name, 0.0), "s").exact for at in ("p50", "p99")]
        component = topology.components[name]
        calls = Figure(rates.get(name, 0.0)).aloud
        yield (name, component.summary or component.kind, calls, *times)


def _call_order(topology: Topology) -> list[str]:
    """Depth first from the entries, calls in the order of the document."""
    calls: dict[str, list[str]] = {}
    for arrow in arrows_of(topology):
        calls.setdefault(arrow.source, []).append(arrow.target)
    found: dict[str, None] = {}
    pending = [CLIENT]
    while pending:
        name = pending.pop()
        if name in found:
            continue
        found[name] = None
        pending += reversed(calls.get(name, []))
    return [name for name in found if name in topology.components]


def _seconds(part: dict[str, Any]) -> float:
    return float(part["wait_s"]) + float(part["own_s"])


def _simulation(material: Material) -> Section:
    section = Section("What the simulation says")
    base = material.base
    if base.failure is not None:
        section.say(f"The design cannot be run: {base.failure}.")
        return section
    document = base.document
    sentence = document["verdict"]["sentence"]
    section.say(f"{sentence[:1].upper()}{sentence[1:]}.")
    words = ["latency.p50", "latency.p95", "latency.p99", "ttft.p50", "ttft.p99"]
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
    if len(material.topology.requests) > 1:
        section.table(("class", "p50", "p95", "p99", "rate"), list(_classes(material)))
    warnings = [text for text in document.get("warnings", []) if not text.startswith("p99.9")]
    section.list(warnings)
    return section


def _headroom(material: Material) -> Iterator[tuple[str, str, str]]:
    capacity = metric(material.base, "paper.capacity_rps")
    if capacity.value is None:
        return
    factor = capacity.value / material.topology.rate
    yield "capacity on paper", capacity.aloud, capacity.exact
    yield "headroom", f"{Figure(factor).aloud} times the load", f"{Figure(factor).exact} times"


def _classes(material: Material) -> Iterator[tuple[str, ...]]:
    for name in material.topology.requests:
        prefix = f"classes.{name}."
        words = ("latency.p50", "latency.p95", "latency.p99", "throughput")
        yield (name, *(metric(material.base, prefix + word).both for word in words))


def _deep_dive(material: Material) -> Section:
    section = Section("Deep dive: the bottleneck")
    base = material.base
    if base.failure is not None:
        return section
    busiest = base.document["verdict"]["bottleneck"]
    if busiest is not None:
        prefix = f"components.{busiest}."
        words = ["utilization", "queue_length.mean", "wait.p99", "service.p50", "service.p99"]
        figures = {word: metric(base, prefix + word) for word in words}
        summary = material.topology.components[busiest].summary or ""
        section.say(f"{busiest} is busiest, at {figures['utilization'].both}. {summary}")
        section.table(
            ("measure", "value"),
            [(plain_words(word.replace(".", " ")), item.both) for word, item in figures.items()],
        )
    tables = {row["at"]: row for row in base.document.get("breakdown", [])}
    if "p99" in tables:
        total = sum(_seconds(part) for part in tables["p99"]["parts"]) or 1.0
        parts = sorted(tables["p99"]["parts"], key=lambda part: -_seconds(part))[:SHOWN_PARTS]
        section.say("What moves p99: the components that slow requests spend their time in.")
        section.table(
            ("component", "of p99", "waiting", "own time"),
            [
                (
                    part["component"],
                    Figure(_seconds(part) / total, "share").aloud,
                    Figure(part["wait_s"], "s").exact,
                    Figure(part["own_s"], "s").exact,
                )
                for part in parts
            ],
        )
    return section


def _growth(material: Material) -> Section:
    section = Section("At 2x, 10x and 100x")
    section.table(
        ("load", "busiest on paper", "what has to grow (for 70 %)", "p99 simulated",
         "cost per month on paper"),
        [_growth_row(step, material) for step in material.growth],
    )  # fmt: skip
    return section


def _growth_row(step: Growth, material: Material) -> tuple[str, ...]:
    cells = material.topology.cells
    busiest = step.paper.busiest
    load = f"{step.factor:g}x: {Figure(step.rate * cells, '/s').exact}"
    share = Figure(None if busiest is None else busiest.utilization, "share")
    cost = Figure(step.paper.cost_usd_per_hour * cells * 730.0, "USD/month")
    if (share.value or 0.0) >= 1.0:
        p99 = "none as it stands: the backlog grows without end"
    elif step.measured is None:
        p99 = "not simulated"
    elif step.measured.failure is not None:
        p99 = "–"
    elif step.measured.document and not step.measured.document.get("stable", True):
        p99 = "none: not stable"
    else:
        p99 = metric(step.measured, "latency.p99").beside
    return (
        load,
        "–" if busiest is None else f"{busiest.name} at {share.aloud}",
        ", ".join(_needs(material, step)) or "nothing",
        p99,
        cost.beside,
    )


def _needs(material: Material, step: Growth) -> Iterator[str]:
    """Components above 70 % on paper with what they would need."""
    for row in step.paper.rows:
        if row.utilization is None or row.utilization < TARGET_UTILIZATION:
            continue
        yield _need(row, material)


def _need(row: PaperRow, material: Material) -> str:
    component = material.topology.components[row.name]
    utilization = row.utilization or 0.0
    for field in ("replicas", "concurrency", "consumers", "connections", "shards", "workers"):
        count = getattr(component, field, None)
        if isinstance(count, int) and not isinstance(count, bool) and count > 0:
            wanted = math.ceil(count * utilization / TARGET_UTILIZATION)
            return f"{row.name} {field} {count} → {wanted}"
    return f"{row.name} {Figure(utilization / TARGET_UTILIZATION).aloud} times"


def _failures(material: Material) -> Section:
    section = Section("What if a part fails")
    if material.faults:
        section.say("The documented failures, over the whole run:")
        rows = []
        for name, measured in material.faults.items():
            words = ("availability", "degraded", "latency.p99", "quality")
            happens = "; ".join(fault.sentence for fault in material.topology.faults[name])
            figures = [metric(measured, word).beside for word in words]
            rows.append((plain_words(name), happens, *figures))
        section.table(("scenario", "what happens", "availability", "degraded", "p99", "quality"),
                      rows)  # fmt: skip
    if material.drill is not None:
        section.say("Every part broken in turn, worst first:")
        section.list(
            [
                f"{row.sentence[:1].upper()}{row.sentence[1:]}."
                + (f" Remedy: {row.remedy}." if row.remedy else "")
                for row in material.drill.rows[:SHOWN_FAILURES]
                if row.verdict.status != "unaffected"
            ]
        )
    return section


def _trade_offs(material: Material) -> Section:
    section = Section("Trade-offs")
    own = [f"{name}.p99" for name in material.topology.metrics][:SHOWN_OWN_METRICS]
    words = ["latency.p50", "latency.p99", *own, "availability", "cost.per_month", "quality"]
    rows = [("chosen", "the design as it stands", *_trade_off_cells(material.base, words))]
    for name, measured in material.variants.items():
        variant = material.topology.variants[name]
        what = variant.summary or plain_words(name)
        if variant.decision:
            sides = f"{variant.chosen or 'chosen'} → {variant.alternative or plain_words(name)}"
            what = f"{variant.decision}: {sides}"
        if measured.failure is not None:
            what += f" (cannot be run: {measured.failure})"
        rows.append((name, what, *_trade_off_cells(measured, words)))
    heads = [plain_words(word.replace(".", " ")).removeprefix("latency ") for word in words]
    section.table(("variant", "decision", *heads), rows)
    return section


def _trade_off_cells(measured: Measured, words: Sequence[str]) -> list[str]:
    stable = measured.failure is not None or measured.document.get("stable", True)
    return [
        metric(measured, word).beside if stable or unit_of_word(word) != "s" else "none: not stable"
        for word in words
    ]


def _questions(material: Material) -> Section:
    section = Section("Questions with a number")
    for question in material.topology.questions.values():
        section.say(f"“{question.question}”")
        section.say(answered(question.answer, material))
    return section


def _open_claims(material: Material) -> Section:
    section = Section("Claims of the document")
    section.say(f"Of {len(material.claims)} claims: {counts_of(material.claims)}.")
    rows = []
    for claim in worst_first(material.claims):
        if claim.status == "holds":
            continue
        value = figure_of(claim).both if claim.value is not None else "–"
        rows.append(
            (
                f"{MARKS[claim.status]} {claim.status}",
                claim.text,
                value,
                claim.expect or "–",
                "; ".join(filter(None, (claim.conditions, claim.reason, claim.note))) or "–",
            )
        )
    section.table(("result", "claim", "value", "expected", "why"), rows)
    return section
