"""A comparison on the terminal and as a comment on a pull request."""

from collections.abc import Iterator, Sequence

from simulator.metrics.load import said_load
from simulator.present.numbers import count, percent, seconds, things
from simulator.present.studies.words import (
    COLORS,
    MARKS,
    Document,
    Line,
    brief,
    change_words,
    columns,
    label_of,
    listed,
    section,
    signed,
    value_of,
    warnings_of,
)

HEADLINE = (
    "latency.p50", "latency.p95", "latency.p99", "ttft.p99", "tpot.p99", "errors.rate", "goodput",
    "quality", "cost.per_hour", "cost.per_1k_requests",
)  # fmt: skip


def headline_rows(document: Document, every: bool = False) -> list[Document]:
    """The rows worth showing: main metrics, what is promised, every p99 that changed; or all."""
    rows: list[Document] = document["rows"]
    if every:
        return rows
    named = [row for name in HEADLINE for row in rows if row["metric"] == name]
    own = [row for row in rows if row["metric"] not in HEADLINE and _matters(row)]
    return [*named, *own]


def _matters(row: Document) -> bool:
    changed = any(change["status"] != "same" for change in row["changes"].values())
    return row["promised"] or (row["metric"].endswith(".p99") and changed)


def comparison_lines(
    document: Document, again: str, report: str | None, every: bool = False
) -> Iterator[Line]:
    """The comparison as styled lines: verdict, what differs, every metric, what would flip it."""
    yield "bold", f"  {head_of(document)}"
    yield "", ""
    if document["gates"]:
        yield section("GATES")
        for gate in document["gates"]:
            text = f"{gate['gate']:<24} {gate['design']}: {gate_change(gate)}"
            yield COLORS[gate["status"]], f"    {MARKS[gate['status']]} {text}"
        yield "", ""
    yield section("VERDICT")
    for sentence in verdict_sentences(document):
        yield "", f"    {sentence}"
    for mark, sentence in doubts_of(document):
        yield "red" if mark == "✗" else "yellow", f"    {mark} {sentence}"
    for sentence in origin_sentences(document):
        yield "dim", f"    {sentence}"
    for name, changes in document["changes"].items():
        yield "", ""
        yield section(f"{document['baseline']} → {name}")
        for sign, where, what in change_rows(changes):
            color = {"+": "green", "-": "red", "~": "yellow"}[sign]
            yield color, f"    {sign} {where}  {what}".rstrip()
        yield "dim", f"    {plan_line(changes)}"
    yield "", ""
    yield section("RESULTS")
    yield from _table(document, every)
    if turns := flip_sentences(document):
        yield "", ""
        yield section("THE ANSWER WOULD FLIP" if document["flips"] else "NO FLIP FOUND")
        for sentence in turns:
            yield "", f"    {sentence}"
    yield "", ""
    yield section("NEXT")
    if report is not None:
        yield "", f"    report  {report}"
    yield "", f"    again   {again}"


def head_of(document: Document) -> str:
    """What was compared, under which load."""
    names = " · ".join(design["name"] for design in document["designs"])
    how: str = document["workload"]
    how = document.get("arrivals", how) if how == "own" else how
    how = "" if document.get("closed") else how
    return (
        f"{names} · {said_load(document, how)} · "
        f"{things(document['replications'], 'replication')} of {seconds(document['horizon_s'])} · "
        f"seed {document['seed']}"
    )


def verdict_sentences(document: Document) -> list[str]:
    """Who dominates whom, or what is traded against what, and whether that means anything."""
    unsteady = [design["name"] for design in document["designs"] if not design["stable"]]
    found = [_dominated(pair, unsteady) for pair in document["dominance"]]
    ahead = document["ahead"]
    if ahead:
        sentence = ", ".join(_ahead_sentences(ahead))
        if not set.intersection(*(set(names) for names in ahead.values())):
            sentence = f"a real trade between {listed(document['pareto'])}: {sentence}"
        found.append(sentence)
    if not any(design["stable"] for design in document["designs"]):
        found.append("no design has a steady state, so latencies depend on the length of the run")
    if not found:
        rows = [row for row in document["rows"] if row["promised"] and row["better"] == "lower"]
        others = _labels([row["metric"] for row in rows if row["metric"] not in HEADLINE])
        known = ["latency", "errors", "cost", "quality", *others]
        found.append(f"no certain difference in {listed(known, 'or')}")
    return found


def doubts_of(document: Document) -> Iterator[tuple[str, str]]:
    """What stands against the verdict, with its mark: overload, runs cut off or too short."""
    for design in document["designs"]:
        if not design["stable"]:
            yield "✗", f"{design['name']} {design['verdict']['sentence']}"
    if document["partial"]:
        yield "!", "partial result: a limit ended some runs early"
    for warning in warnings_of(document):
        yield "!", warning


def _dominated(pair: Document, unsteady: Sequence[str]) -> str:
    ahead = listed(_labels(pair["better_in"]))
    why = ", which has no steady state" if pair["worse"] in unsteady else ""
    sentence = f"{pair['better']} dominates {pair['worse']}{why}: better in {ahead}"
    if pair["same_in"]:
        sentence += f", no certain difference in {listed(_labels(pair['same_in']), 'or')}"
    return sentence


def _ahead_sentences(ahead: Document) -> Iterator[str]:
    """Who is better in what, those that are ahead in the same metrics together."""
    for names in dict.fromkeys(tuple(names) for names in ahead.values()):
        metrics = [metric for metric, others in ahead.items() if tuple(others) == names]
        labels = _labels([metric for metric in metrics if metric != "errors.rate"])
        words = ["fewer errors"] if "errors.rate" in metrics else []
        words += [f"the better {listed(labels)}"] if labels else []
        yield f"{listed(names)} {'has' if len(names) == 1 else 'have'} {' and '.join(words)}"


def _labels(metrics: Sequence[str]) -> list[str]:
    """Metrics as people say them, the word latency once: ``latency p(50)``, ``p(99)``."""
    labels = [label_of(metric) for metric in metrics]
    return labels[:1] + [label.removeprefix("latency ") for label in labels[1:]]


def origin_sentences(document: Document) -> list[str]:
    """Which saved runs stand as they are, which were run again and why, and what is not paired."""
    designs = document["designs"]
    kept = [design["name"] for design in designs if design.get("saved")]
    found = [f"as saved, without running it again: {', '.join(kept)}"] if kept else []
    found += [
        f"{design['name']} was saved, and run again: {design['run_again']}"
        for design in designs
        if design.get("run_again")
    ]
    apart = [design["name"] for design in designs[1:] if not design.get("paired", True)]
    if apart:
        found.append(
            f"not paired with {document['baseline']}: {', '.join(apart)}; the seed or the length "
            "is another one, so the intervals are those of independent runs, and wider"
        )
    return found


def change_rows(changes: Sequence[Document]) -> list[tuple[str, str, str]]:
    """Sign, path and ``before → after`` of every change."""
    rows = []
    for item in changes:
        what = f"{brief(item['before'])} → {brief(item['after'])}"
        if item["sign"] == "+":
            what = brief(item["after"], 60)
        elif item["sign"] == "-":
            what = brief(item["before"], 60)
        rows.append((item["sign"], item["path"], what))
    return rows


def plan_line(changes: Sequence[Document]) -> str:
    """How many values are new, different and gone."""
    counts = [sum(item["sign"] == sign for item in changes) for sign in "+~-"]
    return f"{counts[0]} to add, {counts[1]} to change, {counts[2]} to remove"


def flip_sentences(document: Document) -> list[str]:
    """What would turn the answer; and over which rates nothing turns the ranking by p(99)."""
    found = [_flip_sentence(flip) for flip in document["flips"]]
    tried = document.get("flips_tried_at")
    if tried and not any(flip["metric"] == "latency.p99" for flip in document["flips"]):
        ends = sorted([*tried, document["rate"]])
        rates = ", ".join(count(rate) for rate in tried)
        found.append(
            f"no flip in latency p(99) between {count(ends[0])} and {count(ends[-1])} rps "
            f"(tried at {rates})"
        )
    if why := document.get("no_rate"):
        found.append(f"no other rates were tried: {why}")
    return found


def _flip_sentence(flip: Document) -> str:
    """At which rate or price another design becomes the better one."""
    what = "cheaper" if flip["metric"].startswith("cost") else "faster at p(99)"
    if flip["by"] == "rate":
        return f"at {count(flip['at'])} rps {flip['then']} is {what} than {flip['now']}"
    moves = "rises" if flip["factor"] > 1.0 else "falls"
    return (
        f"{flip['then']} is {what} than {flip['now']} once the price of {flip['component']} "
        f"{moves} by more than {signed(abs(flip['factor'] - 1.0)).removeprefix('+')}"
    )


def comparison_markdown(document: Document) -> str:
    """The comparison as Markdown that fits a comment on a pull request."""
    names = [design["name"] for design in document["designs"]]
    cells = [name.replace("|", "\\|") for name in names]
    out = [f"### {names[0]} → {', '.join(names[1:])}", ""]
    if document["gates"]:
        out += [f"**{gates_sentence(document['gates'])}**", ""]
    out += [f"{sentence}." for sentence in verdict_sentences(document)]
    out += [f"\n{mark} {sentence}." for mark, sentence in doubts_of(document)]
    if document["gates"]:
        out += ["", "| gate | design | change | |", "|---|---|---|---|"]
        out += [
            f"| `{gate['gate']}` | {gate['design']} | {gate_change(gate)} | "
            f"{MARKS[gate['status']]} {gate['status']} |"
            for gate in document["gates"]
        ]
    out += [
        "",
        f"| | {' | '.join(cells)} | " + " | ".join(f"change: {n}" for n in cells[1:]) + " |",
    ]
    out.append("|---|" + "---:|" * len(names) + "---|" * (len(names) - 1))
    for row in headline_rows(document):
        values = [value_of(row["metric"], row["values"][name]) for name in names]
        changes = [_marked(row["metric"], row["changes"][name]) for name in names[1:]]
        out.append(f"| {label_of(row['metric'])} | {' | '.join([*values, *changes])} |")
    for name, changes in document["changes"].items():
        lines = [f"{sign} {where}  {what}" for sign, where, what in change_rows(changes)]
        out += ["", f"<details><summary>{name}: {plan_line(changes)}</summary>", "", "```diff"]
        out += [line.replace("~ ", "! ", 1) if line.startswith("~") else line for line in lines]
        out += ["```", "", "</details>"]
    turns = flip_sentences(document)
    out += [""] if turns else []
    out += [f"- {sentence}" for sentence in turns]
    notes = [*origin_sentences(document), "changes with 95 % intervals"]
    out += ["", f"<sub>{'; '.join([head_of(document), *notes])}</sub>", ""]
    return "\n".join(out)


def gates_sentence(gates: Sequence[Document]) -> str:
    """How many gates are crossed, for certain or perhaps."""
    counts = {
        status: sum(gate["status"] == status for gate in gates) for status in ("fail", "unsure")
    }
    if counts["fail"]:
        return f"✗ {counts['fail']} of {len(gates)} gates crossed"
    if counts["unsure"]:
        return f"? {counts['unsure']} of {len(gates)} gates perhaps crossed, none for certain"
    return f"✓ none of {len(gates)} gates crossed" if len(gates) > 1 else "✓ the gate holds"


def gate_change(gate: Document) -> str:
    """By how much the metric of a gate changed."""
    return change_words(gate["metric"], gate["measured"])


def _marked(metric: str, change: Document) -> str:
    text = f"{change_words(metric, change)} {MARKS[change['status']]} {change['status']}"
    return " ".join(text.split())


def _table(document: Document, every: bool) -> Iterator[Line]:
    """The values and what became of them, side by side; of many designs one below the other."""
    names = [design["name"] for design in document["designs"]]
    rows = headline_rows(document, every)
    values = [["", *names]]
    values += [
        [label_of(row["metric"]), *(value_of(row["metric"], row["values"][n]) for n in names)]
        for row in rows
    ]
    if len(names) == 2:
        last = names[1]
        said = [change_words(row["metric"], row["changes"][last]) for row in rows]
        heads = ["change (95% interval)", *said]
        aligned = columns([[*line, head] for line, head in zip(values, heads, strict=True)])
        for text, row in zip(aligned, [None, *rows], strict=True):
            status = row["changes"][last]["status"] if row else ""
            mark = f"{MARKS[status]} {status}" if row else ""
            yield COLORS[status] if row else "dim", f"{text}  {mark}".rstrip()
    else:
        for place, text in enumerate(columns(values)):
            yield "" if place else "dim", text
        yield "", ""
        changes = [["change (95% interval)", *names[1:]]]
        changes += [
            [label_of(row["metric"]), *(_with_mark(row, name) for name in names[1:])]
            for row in rows
        ]
        for place, text in enumerate(columns(changes)):
            yield "" if place else "dim", text
    utilizations = [
        f"{design['name']} {percent(max(_busy(design), default=None))}"
        for design in document["designs"]
    ]
    yield "dim", f"    busiest component: {', '.join(utilizations)}"


def _with_mark(row: Document, name: str) -> str:
    change = row["changes"][name]
    return f"{change_words(row['metric'], change)} {MARKS[change['status']]}"


def _busy(design: Document) -> list[float]:
    return [row["utilization"] for row in design["components"].values() if row["utilization"]]
