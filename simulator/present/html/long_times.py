"""Axes in seconds that reach far are drawn in minutes, hours or days."""

from typing import Any

from simulator.present.html.time_axis import UNITS

Document = dict[str, Any]

SECONDS = {"tickformat": "~s", "ticksuffix": "s"}
"""How a figure marks an axis that is in seconds."""
LONG_S = 1000.0
"""From here on SI prefixes are no help: nobody reads 7.2ks."""
SPANS_MIN = 2
"""A unit is used from so many of it on."""


def readable(spec: Document) -> Document:
    """The spec of a figure with its long axes of seconds in the unit people would use.

    Traces, shapes and error bars of such an axis are scaled with it. A spec without one is
    returned as it is.
    """
    for key, axis in spec["layout"].items():
        if key[1:5] == "axis" and SECONDS.items() <= axis.items():
            spec = _scaled(spec, key)
    return spec


def _scaled(spec: Document, key: str) -> Document:
    letter, name = key[0], key[0] + key[5:]
    ours = [trace for trace in spec["data"] if trace.get(letter + "axis", letter) == name]
    numbers = [value for trace in ours for value in trace[letter] if isinstance(value, float)]
    top = max((abs(value) for value in numbers), default=0.0)
    if top < LONG_S:
        return spec
    size, unit = next(pair for pair in UNITS if top >= SPANS_MIN * pair[0])
    layout = spec["layout"]
    axis = {**layout[key], "tickformat": "~g", "ticksuffix": unit}
    shapes = [_shape(shape, letter, name, size) for shape in layout.get("shapes", ())]
    data = [_trace(trace, letter, size, unit) if trace in ours else trace for trace in spec["data"]]
    return {**spec, "data": data, "layout": {**layout, key: axis, "shapes": shapes}}


def _trace(trace: Document, letter: str, size: float, unit: str) -> Document:
    scaled = {**trace, letter: _divided(trace[letter], size)}
    if (error := trace.get("error_" + letter)) is not None:
        scaled["error_" + letter] = {**error, "array": _divided(error["array"], size)}
    if (hover := trace.get("hovertemplate")) is not None:
        for written in ("s}s", "s}"):
            for digits in (".3", ".4"):
                old = f"%{{{letter}:{digits}{written}"
                hover = hover.replace(old, f"%{{{letter}:{digits}~g}}{unit}")
        scaled["hovertemplate"] = hover
    return scaled


def _shape(shape: Document, letter: str, name: str, size: float) -> Document:
    if shape.get(letter + "ref", letter) != name:
        return shape
    ends = {letter + end: shape[letter + end] / size for end in "01"}
    return {**shape, **ends}


def _divided(values: list[Any], size: float) -> list[Any]:
    return [value / size if isinstance(value, float | int) else value for value in values]
