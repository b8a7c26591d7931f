"""The summary on the terminal: verdict first, worst component first, a command last."""

from collections.abc import Iterator, Sequence
from typing import Any

from simulator.metrics.load import said_load
from simulator.metrics.verdict import TIMES
from simulator.present.faults import fault_lines
from simulator.present.numbers import (
    count,
    dollars,
    of_metric,
    part,
    percent,
    plus_minus,
    seconds,
    things,
)

Document = dict[str, Any]
MARKS = {"pass": "✓", "fail": "✗", "unsure": "?", "unstable": "✗"}
COLORS = {"pass": "green", "fail": "red", "unsure": "yellow", "unstable": "red"}
SHOWN_COMPONENTS = 12
GROWS = "no steady state: it grows for as long as the run lasts"


def summary_lines(
    document: Document, breakdown: Sequence[Document], next_lines: Sequence[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    """The summary as (style, text) lines.

    ``breakdown`` splits p99 among components (``component``, ``share``); ``next_lines`` are
    labelled commands to try.
    """
    yield "bold", f"  {_head(document)}"
    yield "", ""
    yield from _section("VERDICT")
    status = document["verdict"]["status"]
    yield COLORS[status], f"    {MARKS[status]} {document['verdict']['sentence']}"
    for warning in document["warnings"]:
        yield "yellow", f"    ! {warning}"
    yield "", ""
    if document["objectives"]:
        yield from _section("THRESHOLDS")
        yield from _thresholds(document["objectives"])
        yield "", ""
    yield from _section("RESULTS")
    yield from _results(document)
    yield "", ""
    if document.get("faults"):
        yield from _section("FAULTS")
        yield from fault_lines(document["faults"])
        yield "", ""
    yield from _section("COMPONENTS", "worst first")
    yield from _components(document, breakdown)
    yield "", ""
    yield from _section("NEXT")
    width = max((len(label) for label, _ in next_lines), default=0)
    for label, command in next_lines:
        yield "", f"    {label:<{width}}  {command}"


def _section(title: str, aside: str = "") -> Iterator[tuple[str, str]]:
    text = f"  █ {title}"
    yield "bold", f"{text:<56}{aside}".rstrip() if aside else text


def _head(document: Document) -> str:
    cut = document["run"]["warmup_s"]
    warm_up = f", {seconds(cut)} warm-up cut" if cut else ""
    cells = f"in {document['cells']} cells" if document["cells"] > 1 else ""
    how = f"{cells} {'' if document.get('closed') else document['arrivals']}".strip()
    return (
        f"{document['topology']} · {said_load(document, how)} · "
        f"{seconds(document['horizon_s'])}{warm_up} · "
        f"{things(document['replications'], 'replication')} · seed {document['seed']}"
    )


def _thresholds(objectives: Sequence[Document]) -> Iterator[tuple[str, str]]:
    previous = None
    for row in objectives:
        if row["metric"] != previous:
            previous = row["metric"]
            yield "", f"    {previous}"
        value = of_metric(row["metric"], row["value"])
        aggregate = row["threshold"].split("<")[0].split(">")[0].split("=")[0].strip()
        measured = f"{aggregate}={value}" if row["value"] is not None else "not measured"
        precision = plus_minus(row["metric"], row)
        yield (
            COLORS[row["status"]],
            f"    {MARKS[row['status']]} {row['threshold']:<20} {measured:<22}{precision}".rstrip(),
        )


def _results(document: Document) -> Iterator[tuple[str, str]]:
    metrics = document["metrics"]
    finished, good = metrics["throughput"], metrics["goodput"]
    parts = [f"done={count(finished['value'])}/s", f"good={count(good['value'])}/s"]
    outcomes = metrics["errors"]["outcomes"]
    parts += [f"{name}={percent(share)}" for name, share in outcomes.items() if name != "ok"]
    yield "", _leader("requests", "  ".join(parts))
    names = [
        name
        for name, value in metrics.items()
        if isinstance(value, dict) and "p99" in value and isinstance(value.get("p50"), dict)
    ]
    delayed = document["delayed"]
    if delayed:
        yield "", _leader("latency", GROWS)
    if not document["stable"] and not document.get("sheds", False):
        names = [name for name in names if name in TIMES and not delayed]
    for name in names:
        yield "", _leader(name, _percentiles(metrics[name]))
    if 1 < len(document["classes"]) > len(delayed):
        for name, values in document["classes"].items():
            if values["latency"] is not None:
                told = GROWS if name in delayed else _percentiles(values["latency"])
                yield "", _leader(f"  {name}", told)
    cost = metrics["cost"]
    per_1k = cost["per_1k_requests"]
    money = f"{dollars(cost['per_hour']['value'])}/h  {dollars(cost['per_month']['value'])}/month"
    if per_1k is not None:
        money += f"  {dollars(per_1k['value'])} per 1k requests"
    yield "", _leader("cost", money)
    quality = metrics["quality"]
    if quality is not None and quality["value"] < 1.0:
        yield "", _leader("quality", f"{quality['value']:.3g} of 1")


def _percentiles(values: Document) -> str:
    parts = []
    for name in ("mean", "p50", "p95", "p99", "p99.9"):
        interval = values.get(name)
        if interval is None:
            continue
        label = "avg" if name == "mean" else f"p({name[1:]})"
        precision = plus_minus("latency", interval) if name in {"mean", "p99"} else ""
        parts.append(f"{label}={seconds(interval['value'])}{precision}")
    return "  ".join(parts)


def _leader(name: str, text: str) -> str:
    return f"    {name:.<18}: {text}"


def _components(document: Document, breakdown: Sequence[Document]) -> Iterator[tuple[str, str]]:
    shares = {item["component"]: item["share"] for item in breakdown}
    rows = document["components"]
    order = sorted(
        rows,
        key=lambda name: (-(rows[name]["utilization"] or 0.0), -shares.get(name, 0.0), name),
    )
    width = max([len(name) for name in order], default=10)
    yield (
        "dim",
        f"    {'':<{width}}  util  queue mean/max  wait p(99)  service p(50)  of p(99)",
    )
    for name in order[:SHOWN_COMPONENTS]:
        yield "", _component_row(name, rows[name], shares.get(name, 0.0), width)
    if len(order) > SHOWN_COMPONENTS:
        yield "dim", f"    … and {len(order) - SHOWN_COMPONENTS} more in the report"


def _component_row(name: str, row: Document, share: float, width: int) -> str:
    utilization = "–" if row["utilization"] is None else part(row["utilization"])
    queue = row["queue_length"]
    lengths = "–" if queue is None else f"{_length(queue['mean'])}/{count(queue['max'])}"
    wait = seconds(row["wait"]["p99"]) if row["wait"] and queue is not None else "–"
    service = seconds(row["service"]["p50"]) if row["service"] else "–"
    bar = "█" * round(share * 10)
    return (
        f"    {name:<{width}}  {utilization:>4}  {lengths:>14}  {wait:>10}  {service:>13}"
        f"  {part(share):>5} {bar}"
    ).rstrip()


def _length(mean: float) -> str:
    """A mean number of things that wait; next to nothing is not worth its digits."""
    return "0" if mean == 0.0 else "<0.01" if mean < 0.01 else count(mean)
