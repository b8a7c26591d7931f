"""What came out, before any figure."""

from collections.abc import Sequence

from simulator.present.html.blocks import (
    Block,
    DataTable,
    Document,
    Finding,
    FindingList,
    Report,
    Tile,
    Tiles,
)
from simulator.present.html.section import Section
from simulator.present.numbers import count, dollars, of_metric, percent, plus_minus, seconds


class Verdict(Section):
    """Findings, thresholds, and the figures to remember."""

    name = "verdict"
    title = "Verdict"
    order = 10

    def blocks(self, report: Report) -> Sequence[Block]:
        blocks: list[Block] = [FindingList(findings_of(report)), Tiles(_tiles(report.document))]
        if report.document.get("objectives"):
            blocks.append(_thresholds(report.document["objectives"]))
        return blocks


def findings_of(report: Report) -> list[Finding]:
    """What lies behind the verdict at the head of the page, and what to be careful about."""
    document = report.document
    found = []
    if document.get("sheds"):
        sentence = "What is too much is turned away: times below are of the requests that get in."
        found.append(Finding("unsure", sentence, "trust"))
    elif not document["stable"]:
        sentence = "There is no steady state: times below depend on how long the run lasts."
        if not document["delayed"]:
            sentence = "A backlog grows behind the answers, which do not wait for it."
        found.append(Finding("fail", sentence, "trust"))
    breakdown = report.table("breakdown")
    if breakdown:
        tail = breakdown[-1]
        part = tail["parts"][0]
        total = part["wait_s"] + part["own_s"]
        share = percent(total / tail["latency_s"]) if tail["latency_s"] else "0%"
        sentence = f"{part['component']} holds {share} of the latency at {tail['at']}"
        if part["wait_s"] > 0.005 * total:
            sentence += f", {percent(part['wait_s'] / total)} of that waiting"
        found.append(Finding("note", sentence + ".", "where"))
    found += [Finding("unsure", f"{text.rstrip('.')}.", "trust") for text in document["warnings"]]
    return found


def _tiles(document: Document) -> list[Tile]:
    metrics = document["metrics"]
    tiles = []
    goodput, offered = metrics.get("goodput"), document["load_per_s"]
    if goodput is not None:
        ended = metrics["throughput"]
        # A shape may offer more than its mean while it is measured; one run alone cannot tell.
        if offered and ended["low"] is not None and ended["low"] > offered:
            offered = ended["value"]
        known = offered and ended["low"] is not None
        note = f"of {count(offered)}/s offered" if known else ""
        tiles.append(Tile("answered well", f"{count(goodput['value'])}/s", note))
    if metrics.get("latency") is not None:
        p99, p50 = metrics["latency"]["p99"], metrics["latency"]["p50"]
        parts = (plus_minus("latency", p99), f"median {seconds(p50['value'])}")
        note = ", ".join(part for part in parts if part)
        tiles.append(Tile("latency p(99)", seconds(p99["value"]), note))
    cost = metrics.get("cost")
    if cost is not None:
        per_1k = cost.get("per_1k_requests")
        note = f"{dollars(per_1k['value'])} per 1k good requests" if per_1k else ""
        tiles.append(Tile("cost", f"{dollars(cost['per_hour']['value'])}/h", note))
    quality = metrics.get("quality")
    if quality is not None and quality["value"] < 0.9995:
        tiles.append(Tile("quality", f"{quality['value']:.3g}", "of 1, mean of good answers"))
    tiles += _busiest(document)
    return tiles


def _busiest(document: Document) -> list[Tile]:
    loads = {
        name: component["utilization"]
        for name, component in document["components"].items()
        if component["utilization"] is not None
    }
    if not loads:
        return []
    name = max(loads, key=lambda name: loads[name])
    return [Tile("busiest component", percent(loads[name]), f"{name}, utilization")]


def _thresholds(objectives: Sequence[Document]) -> DataTable:
    rows = []
    for row in objectives:
        low, high = row["low"], row["high"]
        known = low is not None and high is not None
        rows.append(
            (
                row["metric"],
                row["threshold"],
                of_metric(row["metric"], row["value"]),
                _interval(row["metric"], low, high) if known else "–",
                row["status"],
            )
        )
    return DataTable(
        caption="Thresholds. One passes if its whole interval does, fails if its whole interval "
        "fails, and is unsure otherwise.",
        columns=("metric", "threshold", "measured", "95% interval", "status"),
        rows=rows,
        words=frozenset({1, 4}),
        status=4,
        statuses=[row["status"] for row in objectives],
    )


def _interval(metric: str, low: float, high: float) -> str:
    return f"{of_metric(metric, low)} to {of_metric(metric, high)}"
