"""The architecture as a diagram: who calls whom, in layers; as Mermaid, DOT or SVG."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from simulator.kernel.references import TargetName, references
from simulator.kernel.step import steps_within
from simulator.steps.spawn import Spawn
from simulator.topology.model import Topology

CLIENT = "client"
BOX = (164.0, 44.0)
GAP = (72.0, 18.0)
LANE = 6.0
"""Height that an arrow takes in a layer which it passes."""
MARGIN = 24.0
SWEEPS = 8
STORES = frozenset({"database", "cache", "queue", "stream", "object_store", "feature_store"})


@dataclass(frozen=True)
class Box:
    """A component in the drawing: its layer from the client, and the centre of its box."""

    name: str
    kind: str
    layer: int
    x: float
    y: float


@dataclass(frozen=True)
class Arrow:
    """A call; ``background`` where nobody waits for the answer."""

    source: str
    target: str
    background: bool = False


Point = tuple[float, float]


@dataclass(frozen=True)
class Diagram:
    """Boxes and arrows with their places; ``width`` and ``height`` of the drawing.

    ``bends`` are the points through which an arrow passes the layers between its ends.
    """

    name: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    width: float
    height: float
    bends: dict[Arrow, tuple[Point, ...]]


def arrows_of(topology: Topology) -> list[Arrow]:
    """Every call that the topology declares, in its order, the client's first."""
    entries = dict.fromkeys(str(spec.entry) for spec in topology.requests.values())
    found = [Arrow(CLIENT, entry) for entry in entries]
    for name, component in topology.components.items():
        beside = {
            str(target)
            for step in steps_within(component)
            if isinstance(step, Spawn)
            for _, target in references(step)
            if isinstance(target, TargetName)
        }
        targets = [str(item) for _, item in references(component) if isinstance(item, TargetName)]
        background = component.kind in ("queue", "stream")
        found += [
            Arrow(name, target, background or target in beside)
            for target in dict.fromkeys(targets)
            if target in topology.components and target != name
        ]
    return found


def diagram(topology: Topology) -> Diagram:
    """The drawing: layers by the longest way from the client, ordered to cross few arrows."""
    arrows = arrows_of(topology)
    kinds = {CLIENT: CLIENT, **{name: part.kind for name, part in topology.components.items()}}
    layers = _layers(list(kinds), arrows)
    hops, lanes = _through(layers, arrows)
    rows = _ordered(layers, hops)
    high = [[BOX[1] if name in kinds else LANE for name in row] for row in rows]
    tall = [sum(sizes) + GAP[1] * (len(sizes) - 1) for sizes in high]
    height = 2 * MARGIN + max(tall)
    boxes, places = [], {}
    for layer, row in enumerate(rows):
        x = MARGIN + BOX[0] / 2 + layer * (BOX[0] + GAP[0])
        top = (height - tall[layer]) / 2
        for name, size in zip(row, high[layer], strict=True):
            places[name] = (x, top + size / 2)
            if name in kinds:
                boxes.append(Box(name, kinds[name], layer, *places[name]))
            top += size + GAP[1]
    width = 2 * MARGIN + len(rows) * BOX[0] + (len(rows) - 1) * GAP[0]
    bends = {arrow: tuple(places[lane] for lane in found) for arrow, found in lanes.items()}
    return Diagram(topology.name, tuple(boxes), tuple(arrows), width, height, bends)


def _through(
    rows: list[list[str]], arrows: list[Arrow]
) -> tuple[list[Arrow], dict[Arrow, list[str]]]:
    """A lane in every layer that an arrow passes; the arrows cut at their lanes, and the lanes.

    Adds the lanes to the rows, so that boxes make room for them.
    """
    layer_of = {name: layer for layer, row in enumerate(rows) for name in row}
    hops, lanes = [], {}
    for arrow in arrows:
        first, last = layer_of[arrow.source], layer_of[arrow.target]
        lanes[arrow] = [
            f"{arrow.source}>{arrow.target}@{layer}" for layer in range(first + 1, last)
        ]
        for layer, lane in enumerate(lanes[arrow], start=first + 1):
            rows[layer].append(lane)
        stops = [arrow.source, *lanes[arrow], arrow.target]
        hops += [Arrow(source, target) for source, target in pairwise(stops)]
    return hops, lanes


def _layers(names: list[str], arrows: list[Arrow]) -> list[list[str]]:
    """Names by their longest distance from the client; what nothing calls stands first."""
    depth = dict.fromkeys(names, 0)
    for _ in names:
        changed = False
        for arrow in arrows:
            if depth[arrow.target] < depth[arrow.source] + 1 <= len(names):
                depth[arrow.target] = depth[arrow.source] + 1
                changed = True
        if not changed:
            break
    used = sorted(set(depth.values()))
    return [[name for name in names if depth[name] == layer] for layer in used]


def _ordered(rows: list[list[str]], arrows: list[Arrow]) -> list[list[str]]:
    """Rows sorted by the mean place of their neighbours, down and up again a few times."""
    callers: dict[str, list[str]] = {}
    callees: dict[str, list[str]] = {}
    for arrow in arrows:
        callers.setdefault(arrow.target, []).append(arrow.source)
        callees.setdefault(arrow.source, []).append(arrow.target)
    places: dict[str, float] = {}

    def note(row: list[str]) -> None:
        for place, name in enumerate(row):
            places[name] = place - len(row) / 2

    for row in rows:
        note(row)
    for sweep in range(SWEEPS):
        neighbours = callers if sweep % 2 == 0 else callees
        order = range(len(rows)) if sweep % 2 == 0 else range(len(rows) - 1, -1, -1)
        for number in order:

            def middle(name: str, around: dict[str, list[str]] = neighbours) -> float:
                found = [places[other] for other in around.get(name, ())]
                return sum(found) / len(found) if found else places[name]

            rows[number] = sorted(rows[number], key=middle)
            note(rows[number])
    return rows


def mermaid(topology: Topology) -> str:
    """The diagram as a Mermaid flowchart; stores are cylinders, background calls are dotted."""
    drawn = diagram(topology)
    lines = ["flowchart LR"]
    for box in drawn.boxes:
        name = _identifier(box.name)
        if box.name == CLIENT:
            lines.append(f'  {name}(["{box.name}"])')
            continue
        label = f"{box.name}<br/><i>{box.kind}</i>"
        lines.append(f'  {name}[("{label}")]' if box.kind in STORES else f'  {name}["{label}"]')
    for arrow in drawn.arrows:
        line = "-.->" if arrow.background else "-->"
        lines.append(f"  {_identifier(arrow.source)} {line} {_identifier(arrow.target)}")
    return "\n".join(lines) + "\n"


def dot(topology: Topology) -> str:
    """The diagram for Graphviz."""
    drawn = diagram(topology)
    lines = [f'digraph "{drawn.name}" {{', "  rankdir=LR;", '  node [shape=box, fontname="sans"];']
    for box in drawn.boxes:
        shape = "cylinder" if box.kind in STORES else "box"
        label = box.name if box.name == CLIENT else f"{box.name}\\n{box.kind}"
        lines.append(f'  "{box.name}" [label="{label}", shape={shape}];')
    for arrow in drawn.arrows:
        style = " [style=dashed]" if arrow.background else ""
        lines.append(f'  "{arrow.source}" -> "{arrow.target}"{style};')
    return "\n".join([*lines, "}"]) + "\n"


def svg(topology: Topology) -> str:
    """The diagram as one SVG that follows the colours of the page it stands in."""
    return "\n".join(_svg_lines(diagram(topology))) + "\n"


def _svg_lines(drawn: Diagram) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {drawn.width:g} {drawn.height:g}" '
        f'role="img" aria-label="Architecture of {escape(drawn.name)}" '
        'font-family="system-ui, sans-serif" font-size="12" fill="currentColor">'
    )
    yield (
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="currentColor"/>'
        "</marker></defs>"
    )
    boxes = {box.name: box for box in drawn.boxes}
    for arrow in drawn.arrows:
        dash = ' stroke-dasharray="5 4"' if arrow.background else ""
        way = _way(boxes[arrow.source], boxes[arrow.target], drawn.bends[arrow])
        yield (
            f'<path d="{way}" fill="none" stroke="currentColor" stroke-opacity="0.55"{dash} '
            'marker-end="url(#tip)"/>'
        )
    for box in drawn.boxes:
        left, top = box.x - BOX[0] / 2, box.y - BOX[1] / 2
        round_ = 22 if box.name == CLIENT else 10 if box.kind in STORES else 3
        yield (
            f'<rect x="{left:g}" y="{top:g}" width="{BOX[0]:g}" height="{BOX[1]:g}" '
            f'rx="{round_}" fill="Canvas" stroke="currentColor"/>'
        )
        name = box.name if len(box.name) <= 24 else f"{box.name[:23]}…"
        if box.name == CLIENT:
            yield f'<text x="{box.x:g}" y="{box.y + 4:g}" text-anchor="middle">{name}</text>'
            continue
        yield (
            f'<text x="{box.x:g}" y="{box.y - 3:g}" text-anchor="middle">{escape(name)}</text>'
            f'<text x="{box.x:g}" y="{box.y + 13:g}" text-anchor="middle" font-size="10" '
            f'fill-opacity="0.7">{escape(box.kind)}</text>'
        )
    yield "</svg>"


def _way(source: Box, target: Box, bends: Sequence[Point]) -> str:
    """The path of an arrow: curves between the layers, straight through the lanes in them."""
    side = BOX[0] / 2 if source.layer < target.layer else -BOX[0] / 2
    way = f"M{source.x + side:g} {source.y:g}"
    x, y = source.x + side, source.y
    for place_x, place_y in (*bends, (target.x, target.y)):
        left = place_x - side
        bend = (left - x) / 2
        way += f" C{x + bend:g} {y:g} {left - bend:g} {place_y:g} {left:g} {place_y:g}"
        x, y = place_x + side, place_y
        if (place_x, place_y) in bends:
            way += f" H{x:g}"
    return way


def _identifier(name: str) -> str:
    """A name that Mermaid takes for a node: its own words, such as ``end``, are none."""
    return f"n_{name}".replace("-", "_")


FORMATS: dict[str, Callable[[Topology], str]] = {"mermaid": mermaid, "svg": svg, "dot": dot}
"""Ways to write a diagram, by name."""
