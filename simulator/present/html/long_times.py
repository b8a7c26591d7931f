"""Axes in seconds that reach far have ticks at round minutes, hours or days."""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from typing import Any

from simulator.present.html.blocks import Drawing, Switch
from simulator.present.numbers import seconds

Document = dict[str, Any]

SECONDS = {"tickformat": "~s", "ticksuffix": "s"}
"""How a figure marks an axis that is in seconds."""
LONG_S = 1000.0
"""From here on SI prefixes are no help: nobody reads 7.2ks."""
STEPS_S = (60, 120, 300, 600, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800,
           604_800)  # fmt: skip
TICKS_MAX = 7
ROUND_S = (0.001, 0.01, 0.1, 1, 3, 10, 30, 60, 180, 600, 1800, 3600, 10_800, 36_000, 86_400,
           259_200, 864_000)  # fmt: skip
"""Ticks of a logarithmic axis, about three times the one before."""


def readable(drawing: Drawing) -> Drawing:
    """The figure with ticks people read on its long axes of seconds; others stay as they are."""
    if drawing.spec is None:
        return drawing
    for key, axis in drawing.spec["layout"].items():
        if key[1:5] == "axis" and SECONDS.items() <= axis.items():
            drawing = _ticked(drawing, key)
    return drawing


def _ticked(drawing: Drawing, key: str) -> Drawing:
    assert drawing.spec is not None
    letter, name = key[0], key[0] + key[5:]
    layout = drawing.spec["layout"]
    ours = [trace for trace in drawing.spec["data"] if trace.get(letter + "axis", letter) == name]
    numbers = [value for trace in ours for value in trace[letter] if isinstance(value, float)]
    top = max((abs(value) for value in numbers), default=0.0)
    if top < LONG_S:
        return drawing
    even, powers = _ticks(_multiples(top, min(numbers) < 0.0)), _ticks(ROUND_S)
    shown = powers if layout[key].get("type") == "log" else even
    axis = {**layout[key], **shown, "ticksuffix": ""}
    for trace in ours:
        trace["hovertemplate"] = trace.get("hovertemplate", "").replace("s}s", "~r}s")
    switches = [
        Switch(switch.label, [(label, _switched(change, key, even, powers))
                              for label, change in switch.options])
        for switch in drawing.switches
    ]  # fmt: skip
    spec = {**drawing.spec, "layout": {**layout, key: axis}}
    return replace(drawing, spec=spec, switches=switches)


def _multiples(top: float, negative: bool) -> list[float]:
    step = next((step for step in STEPS_S if top / step <= TICKS_MAX), STEPS_S[-1])
    last = ceil(top / step)
    return [float(step * number) for number in range(-last if negative else 0, last + 1)]


def _ticks(places: Sequence[float]) -> Document:
    return {"tickmode": "array", "tickvals": list(places),
            "ticktext": [_signed(place) for place in places]}  # fmt: skip


def _signed(place: float) -> str:
    return f"\N{MINUS SIGN}{seconds(-place)}" if place < 0.0 else seconds(place)


def _switched(change: Document, key: str, even: Document, powers: Document) -> Document:
    """What a button changes, with the ticks of the kind of axis that it chooses."""
    kind = change.get(f"{key}.type")
    if kind is None:
        return change
    ticks = powers if kind == "log" else even
    return {**change, **{f"{key}.{name}": value for name, value in ticks.items()}}
