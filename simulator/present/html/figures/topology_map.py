"""The topology as boxes and arrows, coloured by what the run did to them."""

from collections.abc import Mapping, Sequence
from math import sqrt

from markupsafe import Markup

from simulator.present.html.blocks import DataTable, Document, Drawing, Report
from simulator.present.html.figure import Figure
from simulator.present.html.layered import Layers, layered
from simulator.present.html.theme import BUSY, SATURATED
from simulator.present.numbers import count, dollars, percent, seconds, things

BOX_WIDTH, BOX_HEIGHT = 150, 42
COLUMN, ROW, PASS = 198, 58, 16
MARGIN = 8
READABLE = 720
"""Width (pixels) that a large picture is not shrunk below on a small screen; it scrolls."""
NAME, NARROW = 26, 18
"""Characters of a name that fit into a box, set narrow and as they are."""

Point = tuple[float, float]


class TopologyMap(Figure):
    """Boxes filled up to their utilization, arrows as wide as the rate of calls."""

    name = "topology-map"
    section = "topology"
    order = 10

    def draw(self, report: Report) -> Drawing | None:
        topology = report.table("topology")
        if topology is None or not topology["components"]:
            return None
        return Drawing(
            heading=_heading(report.document),
            caption="A box is filled up to its utilization: blue below "
            f"{BUSY:.0%}, orange from there, red from {SATURATED:.0%}; boxes without servers of "
            "their own are plain. Arrows lead from caller to callee and are as wide as the rate "
            "of calls; dashed ones are work in the background. A box leads to its figures.",
            table=_table(report),
            svg=_map(topology, report.document["components"]),
        )


def _heading(document: Document) -> str:
    loads = {
        name: component["utilization"]
        for name, component in document["components"].items()
        if component["utilization"] is not None
    }
    if not loads:
        return f"{things(len(document['components']), 'component')}, none with a limit of its own"
    name = max(loads, key=lambda name: loads[name])
    busy = [load for load in loads.values() if load >= BUSY]
    if not busy:
        return f"No component is beyond {BUSY:.0%}: {name} is the busiest at {percent(loads[name])}"
    others = f" and {len(busy) - 1} more beyond {BUSY:.0%}" if len(busy) > 1 else ""
    return f"{name} is at {percent(loads[name])} of its capacity{others}"


def _map(topology: Document, measures: Mapping[str, Document]) -> Markup:
    kinds = {component["name"]: component["kind"] for component in topology["components"]}
    links = [link for link in topology["links"] if link["target"] in kinds]
    outside = list(dict.fromkeys(link["source"] for link in links if link["source"] not in kinds))
    # Clients come first, so that they and not a component are where cycles are entered.
    nodes = [*outside, *kinds]
    layers = layered(nodes, [(link["source"], link["target"]) for link in links])
    points, width, height = _points(layers)
    most = max((link["rate"] for link in links), default=0.0)
    arrows = Markup("").join(_arrow(link, layers, points, most) for link in links)
    boxes = Markup("").join(
        _box(node, kinds[node], measures.get(node), points[node])
        if node in kinds
        else _outside(node, points[node])
        for node in nodes
    )
    return Markup(
        '<div class="scroll"><svg class="map" viewBox="0 0 {w} {h}" width="{w}" height="{h}" '
        'style="min-width:{least}px" role="group" aria-label="Components and calls">'
        '<defs><marker id="call-tip" viewBox="0 0 8 8" '
        'refX="7" refY="4" markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse" '
        'orient="auto"><path d="M0,0.5 L8,4 L0,7.5 z"/></marker></defs>{arrows}{boxes}</svg></div>'
    ).format(
        w=round(width),
        h=round(height),
        least=min(round(width), READABLE),
        arrows=arrows,
        boxes=boxes,
    )


def _points(layers: Layers) -> tuple[dict[object, Point], float, float]:
    """The middle of the left edge of every place, and the size of the picture."""
    heights = [
        sum(ROW if isinstance(place, str) else PASS for place in column)
        for column in layers.columns
    ]
    tallest = max(heights)
    points: dict[object, Point] = {}
    for position, column in enumerate(layers.columns):
        y = MARGIN + (tallest - heights[position]) / 2.0
        for place in column:
            room = ROW if isinstance(place, str) else PASS
            points[place] = (MARGIN + COLUMN * position, y + room / 2.0)
            y += room
    width = 2 * MARGIN + COLUMN * (len(layers.columns) - 1) + BOX_WIDTH
    return points, width, 2 * MARGIN + tallest


def _arrow(link: Document, layers: Layers, points: Mapping[object, Point], most: float) -> Markup:
    source, target = link["source"], link["target"]
    if source == target:
        return Markup("")
    backward = (source, target) in layers.backward
    first, last = (target, source) if backward else (source, target)
    passes = [
        points[first, last, column]
        for column in range(len(layers.columns))
        if (first, last, column) in points
    ]
    ways = [points[first], *passes, points[last]]
    path = _curve(ways)
    tip = "marker-start" if backward else "marker-end"
    style = " background" if link.get("background") or link["source"].startswith("(back") else ""
    rate = link["rate"]
    return Markup(
        '<path class="call{style}" d="{path}" stroke-width="{width:.1f}" {tip}="url(#call-tip)">'
        "<title>{source} to {target}: {rate} calls a second</title></path>"
    ).format(
        style=style if rate else " background",
        path=path,
        width=1.0 + 3.0 * sqrt(rate / most) if most else 1.0,
        tip=Markup(tip),
        source=source,
        target=target,
        rate=count(rate) if rate else "no",
    )


def _curve(ways: Sequence[Point]) -> str:
    """A smooth line from the right of the first box to the left of the last."""
    x, y = ways[0][0] + BOX_WIDTH, ways[0][1]
    path = f"M{x:.0f},{y:.0f}"
    for position, (next_x, next_y) in enumerate(ways[1:], start=1):
        bend = (next_x - x) / 2.0
        path += (
            f" C{x + bend:.0f},{y:.0f} {next_x - bend:.0f},{next_y:.0f} {next_x:.0f},{next_y:.0f}"
        )
        x, y = next_x, next_y
        if position < len(ways) - 1:
            x += BOX_WIDTH
            path += f" L{x:.0f},{y:.0f}"
    return path


def _box(name: str, kind: str | None, measure: Document | None, point: Point) -> Markup:
    left, middle = point
    top = middle - BOX_HEIGHT / 2.0
    load = measure["utilization"] if measure else None
    details = kind or ""
    if load is not None:
        details = f"{details} · {percent(load)}" if details else percent(load)
    fill = Markup("")
    if load:
        level = "saturated" if load >= SATURATED else "busy" if load >= BUSY else "calm"
        fill = Markup(
            '<rect class="load {level}" x="{x}" y="{y}" width="{w:.1f}" height="{h}" rx="5"/>'
        ).format(level=level, x=left, y=top, w=min(load, 1.0) * BOX_WIDTH, h=BOX_HEIGHT)
    shown = name if len(name) <= NAME else name[: NAME - 1] + "…"
    squeeze = Markup("")
    if len(shown) > NARROW:
        squeeze = Markup(' textLength="{}" lengthAdjust="spacingAndGlyphs"').format(BOX_WIDTH - 16)
    return Markup(
        '<a href="#component-{name}" data-fold><g><title>{hint}</title>'
        '<rect class="box" x="{x}" y="{y}" width="{w}" height="{h}" rx="5"/>{fill}'
        '<text class="name" x="{tx}" y="{t1}"{squeeze}>{shown}</text>'
        '<text class="kind" x="{tx}" y="{t2}">{details}</text></g></a>'
    ).format(
        hint=_hint(name, kind, measure),
        name=name, x=left, y=top, w=BOX_WIDTH, h=BOX_HEIGHT, fill=fill,
        tx=left + 8, t1=middle - 3, t2=middle + 13, shown=shown, details=details, squeeze=squeeze,
    )  # fmt: skip


def _hint(name: str, kind: str | None, measure: Document | None) -> str:
    lines = [f"{name} ({kind})" if kind else name]
    if measure is not None:
        lines.append(f"{count(measure['throughput'])} visits a second")
        if measure["utilization"] is not None:
            lines.append(f"utilization {percent(measure['utilization'])}")
        if measure["queue_length"]:
            queue = measure["queue_length"]
            lines.append(f"queue {count(queue['mean'])} on average, {count(queue['max'])} at most")
        if measure["span"]:
            lines.append(f"call to answer p(50) {seconds(measure['span']['p50'])}, "
                         f"p(99) {seconds(measure['span']['p99'])}")  # fmt: skip
    return "\n".join(lines)


def _outside(name: str, point: Point) -> Markup:
    left, middle = point
    right = left + BOX_WIDTH
    return Markup('<text class="outside" x="{x}" y="{y}" text-anchor="end">{name}</text>').format(
        x=right - 6, y=middle + 4, name=name.strip("()")
    )


def _table(report: Report) -> DataTable:
    """What happened at each component, busiest first."""
    kinds = {row["name"]: row["kind"] for row in report.tables["topology"]["components"]}
    breakdown = report.table("breakdown")
    tail: Document = breakdown[-1] if breakdown else {"parts": [], "latency_s": 0.0}
    shares = {
        part["component"]: (part["wait_s"] + part["own_s"]) / (tail["latency_s"] or 1.0)
        for part in tail["parts"]
    }
    components = report.document["components"]
    names = sorted(
        components,
        key=lambda name: (-(components[name]["utilization"] or 0.0), -shares.get(name, 0.0), name),
    )
    rows = []
    for name in names:
        item = components[name]
        queue, wait, service = item["queue_length"], item["wait"], item["service"]
        rows.append(
            (
                name,
                kinds.get(name) or "–",
                percent(item["utilization"]),
                count(queue["mean"]) if queue else "–",
                count(queue["max"]) if queue else "–",
                seconds(wait["p99"]) if wait and queue else "–",
                seconds(service["p50"]) if service else "–",
                seconds(item["span"]["p99"]) if item["span"] else "–",
                f"{count(item['throughput'])}/s",
                f"{dollars(item['cost']['per_hour'])}/h",
                percent(shares.get(name, 0.0)),
            )
        )
    columns = ("component", "kind", "utilization", "queue mean", "queue max", "wait p(99)",
               "service p(50)", "call p(99)", "visits", "cost", "of p(99)")  # fmt: skip
    return DataTable(
        "Components, busiest first",
        columns,
        rows,
        words=frozenset({1}),
        row_ids=[f"component-{name}" for name in names],
    )
