"""A layered drawing of a directed graph: who stands in which column, and at what height.

The method of K. Sugiyama, S. Tagawa and M. Toda, IEEE Trans. SMC 11 (1981): break cycles, give
every node the column after the last of its callers, let edges that span columns pass through
places of their own, and order each column by the mean place of its neighbours, back and forth.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Edge = tuple[str, str]
Place = Hashable
SWEEPS = 12


@dataclass(frozen=True)
class Layers:
    """Columns of nodes from left to right, top to bottom.

    An entry that is no node but a triple ``(source, target, column)`` is where that edge passes;
    ``backward`` holds the edges that were turned round to break cycles.
    """

    columns: list[list[Place]]
    backward: frozenset[Edge]


def layered(nodes: Sequence[str], edges: Sequence[Edge]) -> Layers:
    """Arrange ``nodes``; edges to and from others, and from a node to itself, are left out."""
    known = set(nodes)
    inside = [(a, b) for a, b in dict.fromkeys(edges) if a != b and {a, b} <= known]
    backward = _backward(nodes, inside)
    forward = [(b, a) if (a, b) in backward else (a, b) for a, b in inside]
    column = _columns(nodes, forward)
    width = max(column.values(), default=-1) + 1
    columns: list[list[Place]] = [[] for _ in range(width)]
    for node in nodes:
        columns[column[node]].append(node)
    neighbours: dict[Place, list[Place]] = {node: [] for node in nodes}
    for a, b in forward:
        previous: Place = a
        for passed in range(column[a] + 1, column[b]):
            place = (a, b, passed)
            columns[passed].append(place)
            neighbours[place] = []
            _join(neighbours, previous, place)
            previous = place
        _join(neighbours, previous, b)
    return Layers(_ordered(columns, neighbours), backward)


def _join(neighbours: dict[Place, list[Place]], a: Place, b: Place) -> None:
    neighbours[a].append(b)
    neighbours[b].append(a)


def _backward(nodes: Sequence[str], edges: Sequence[Edge]) -> frozenset[Edge]:
    """Edges that lead back to a node on the way to their source, in a depth-first walk."""
    targets: dict[str, list[str]] = {node: [] for node in nodes}
    for a, b in edges:
        targets[a].append(b)
    found: set[Edge] = set()
    done: set[str] = set()
    for root in nodes:
        if root in done:
            continue
        on_way = {root}
        walk = [(root, iter(targets[root]))]
        while walk:
            node, rest = walk[-1]
            following = next(rest, None)
            if following is None:
                walk.pop()
                on_way.discard(node)
                done.add(node)
            elif following in on_way:
                found.add((node, following))
            elif following not in done:
                on_way.add(following)
                walk.append((following, iter(targets[following])))
    return frozenset(found)


def _columns(nodes: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """The length of the longest way to each node, in a graph without cycles."""
    targets: dict[str, list[str]] = {node: [] for node in nodes}
    waiting = dict.fromkeys(nodes, 0)
    for a, b in edges:
        targets[a].append(b)
        waiting[b] += 1
    column = dict.fromkeys(nodes, 0)
    ready = [node for node in nodes if not waiting[node]]
    for node in ready:
        for target in targets[node]:
            column[target] = max(column[target], column[node] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    return column


def _ordered(
    columns: list[list[Place]], neighbours: Mapping[Place, Sequence[Place]]
) -> list[list[Place]]:
    """The columns with few crossings: each sorted by the mean place of its neighbours."""
    best, fewest = columns, _crossings(columns, neighbours)
    for sweep in range(SWEEPS):
        columns = [list(column) for column in columns]
        forward = sweep % 2 == 0
        order = range(1, len(columns)) if forward else range(len(columns) - 2, -1, -1)
        for position in order:
            beside = columns[position - 1 if forward else position + 1]
            places = {node: spot / max(len(beside) - 1, 1) for spot, node in enumerate(beside)}
            _sort(columns[position], places, neighbours)
        crossings = _crossings(columns, neighbours)
        if crossings < fewest:
            best, fewest = columns, crossings
    return best


def _sort(
    column: list[Place], places: Mapping[Place, float], neighbours: Mapping[Place, Sequence[Place]]
) -> None:
    own = {node: spot / max(len(column) - 1, 1) for spot, node in enumerate(column)}

    def middle(node: Place) -> float:
        found = [places[other] for other in neighbours[node] if other in places]
        return sum(found) / len(found) if found else own[node]

    column.sort(key=middle)


def _crossings(
    columns: Sequence[Sequence[Place]], neighbours: Mapping[Place, Sequence[Place]]
) -> int:
    count = 0
    for left, right in pairwise(columns):
        spot = {node: position for position, node in enumerate(right)}
        ends = [sorted(spot[other] for other in neighbours[node] if other in spot) for node in left]
        seen: list[int] = []
        for lower in ends:
            count += sum(1 for end in lower for earlier in seen if earlier > end)
            seen += lower
    return count
