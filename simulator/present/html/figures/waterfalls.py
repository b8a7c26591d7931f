"""Single requests drawn as waterfalls."""

from collections.abc import Sequence
from itertools import zip_longest

from markupsafe import Markup

from simulator.present.html.blocks import DataTable, Document, Drawing, Report
from simulator.present.html.figure import Figure
from simulator.present.numbers import percent, seconds

WIDTH, LABELS, TIMES, ROW = 960, 230, 70, 18
BAR_LEAST = 2.0


class Waterfalls(Figure):
    """One picture with a block of bars for each request."""

    name = "waterfalls"
    section = "slow-requests"
    order = 10

    def draw(self, report: Report) -> Drawing | None:
        exemplars = report.table("exemplars")
        if exemplars is None:
            return None
        return Drawing(
            heading=_heading(exemplars),
            caption="A bar is one visit to a component, from call to answer, with the calls it "
            "made below it. The orange part is waiting for a server, drawn at the start of the "
            "visit; a red bar did not end well. A call that was given up may end after the "
            "answer. Work in the background is not shown.",
            table=_table(exemplars),
            svg=Markup("").join(_waterfall(exemplar) for exemplar in exemplars),
        )


def _heading(exemplars: Sequence[Document]) -> str:
    slow = [exemplar for exemplar in exemplars if exemplar["label"].startswith("near")]
    worst = (slow or list(exemplars))[0]
    innermost = _longest_leaf(worst["spans"])
    if innermost is None:
        return f"A request near p99 takes {seconds(worst['latency_s'])}"
    share = percent(innermost["span_s"] / worst["latency_s"]) if worst["latency_s"] else "0%"
    return (
        f"A request near p99 takes {seconds(worst['latency_s'])}, "
        f"{share} of it in {innermost['component']}"
    )


def _longest_leaf(spans: Sequence[Document]) -> Document | None:
    """The longest visit that made no calls; None for a request answered without any visit."""
    leaves = [
        span
        for span, following in zip_longest(spans, spans[1:])
        if following is None or following["depth"] <= span["depth"]
    ]
    return max(leaves, key=lambda span: float(span["span_s"]), default=None)


def _waterfall(exemplar: Document) -> Markup:
    spans = exemplar["spans"]
    title = (
        f"{exemplar['label']}: {seconds(exemplar['latency_s'])}, {exemplar['kind']}, "
        f"{exemplar['outcome'].replace('_', ' ')} (request {exemplar['request']} of replication "
        f"{exemplar['replication']})"
    )
    if exemplar["left_out"]:
        title += f"; {exemplar['left_out']} shorter visits left out"
    height = ROW * (len(spans) + 1) + 8
    latest = [span["start_s"] + span["span_s"] for span in spans]
    scale = (WIDTH - LABELS - TIMES) / max([exemplar["latency_s"], *latest, 1e-12])
    rows = Markup("").join(_bar(place, span, scale) for place, span in enumerate(spans))
    axis = Markup(
        '<g class="axis"><line x1="{x0}" y1="{y}" x2="{x1}" y2="{y}"/>'
        '<text x="{x0}" y="{t}">0</text><text x="{x1}" y="{t}" text-anchor="end">{end}</text></g>'
    ).format(
        x0=LABELS,
        x1=LABELS + round(exemplar["latency_s"] * scale),
        y=ROW * len(spans) + 4,
        t=ROW * len(spans) + 18,
        end=seconds(exemplar["latency_s"]),
    )
    return Markup(
        '<h4>{title}</h4><div class="scroll"><svg class="waterfall" viewBox="0 0 {w} {h}" '
        'width="{w}" height="{h}" role="img" aria-label="{title}">{rows}{axis}</svg></div>'
    ).format(title=title, w=WIDTH, h=height, rows=rows, axis=axis)


def _bar(place: int, span: Document, scale: float) -> Markup:
    top = ROW * place
    left = LABELS + span["start_s"] * scale
    width = max(span["span_s"] * scale, BAR_LEAST)
    waiting = min(span["wait_s"] * scale, width)
    good = span["outcome"] in {"ok", "stale_ok", "fallback_ok"}
    hint = f"{span['component']}: {seconds(span['span_s'])}"
    if span["wait_s"] > 0.0:
        hint += f", {seconds(span['wait_s'])} waiting"
    if span["outcome"] != "ok":
        hint += f", {span['outcome'].replace('_', ' ')}"
    wait = Markup("")
    if waiting >= 0.5:
        wait = Markup('<rect class="wait" x="{:.1f}" y="{}" width="{:.1f}" height="{}"/>').format(
            left, top + 3, waiting, ROW - 6
        )
    # The time stands behind the bar, or before it where the picture ends.
    behind = left + width + 4
    anchor, at = ("start", behind) if behind < WIDTH - TIMES + 16 else ("end", WIDTH)
    return Markup(
        '<g><title>{hint}</title><text class="name" x="{indent}" y="{base}">{name}</text>'
        '<rect class="span {status}" x="{left:.1f}" y="{y}" width="{width:.1f}" height="{h}"/>'
        '{wait}<text class="time" x="{at:.1f}" y="{base}" text-anchor="{anchor}">{time}</text></g>'
    ).format(
        hint=hint,
        indent=4 + 10 * min(span["depth"], 9),
        base=top + ROW - 5,
        name=span["component"],
        status="good" if good else "bad",
        left=left,
        y=top + 3,
        width=width,
        h=ROW - 6,
        wait=wait,
        at=at,
        anchor=anchor,
        time=seconds(span["span_s"]),
    )


def _table(exemplars: Sequence[Document]) -> DataTable:
    rows = [
        (f"{exemplar['label']} {exemplar['request']}", "· " * span["depth"] + span["component"],
         seconds(span["start_s"]), seconds(span["span_s"]), seconds(span["wait_s"]),
         span["outcome"].replace("_", " "))
        for exemplar in exemplars
        for span in exemplar["spans"]
    ]  # fmt: skip
    columns = ("request", "component", "start", "length", "waiting", "outcome")
    return DataTable("Visits of each request", columns, rows, words=frozenset({1, 5}))
