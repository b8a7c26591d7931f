"""Colours, lines and axes that all figures share.

Series take the colours of Okabe and Ito (2008), which stay apart under the common colour vision
deficiencies, and differ in dash as well. What depends on light or dark (text, grid) is left open
here and filled in by the page, so a figure names no colour but that of its series.
"""

from typing import Any

Document = dict[str, Any]

BLUE = "#0072B2"
ORANGE = "#E69F00"
GREEN = "#009E73"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"
SKY = "#56B4E9"
GREY = "#8A8A8A"

SERIES = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY)
"""Colours in the order they are given out. Yellow and black are left out: one of them vanishes on
white, the other on black."""

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")

BUSY = 0.7
"""Utilization from which waiting grows quickly."""

SATURATED = 0.9
"""Utilization from which a small rise in load doubles the wait."""

TEXT = 12.5
"""Size of text in figures (pixels)."""

RIGHT_OF_TIME = 84
LEFT_OF_TIME = 132
"""Margins (pixels) of all figures over time, so that their axes line up."""

DOUBLING: Document = {"tick0": -1.0, "dtick": 0.30103}
"""Ticks of a logarithmic axis, each twice the one before: 25ms, 50ms, 100ms."""
LOGARITHMIC: Document = {"yaxis.type": "log", "yaxis.tick0": -1.0, "yaxis.dtick": 0.30103}
LINEAR: Document = {"yaxis.type": "linear", "yaxis.tick0": 0, "yaxis.dtick": None}
"""What a switch of the y axis changes."""


def color(position: int) -> str:
    """The colour of the series at a position; beyond the sixth they repeat."""
    return SERIES[position % len(SERIES)]


def dash(position: int) -> str:
    """The dash of the series at a position: repeats later than the colour does."""
    return DASHES[(position + position // len(SERIES)) % len(DASHES)]


def load_color(utilization: float) -> str:
    """Blue while there is room, orange when waits grow, vermilion when they run away."""
    if utilization >= SATURATED:
        return VERMILION
    return ORANGE if utilization >= BUSY else BLUE


def translucent(hex_color: str, alpha: float) -> str:
    """A colour one can see through."""
    red, green, blue = (int(hex_color[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"


def plain(text: str) -> str:
    """Text that Plotly shows as it is, although it reads some HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def axis(title: str, **settings: Any) -> Document:
    """An axis with a title; ``settings`` are Plotly's."""
    text = {"text": title, "font": {"size": TEXT}}
    return {"title": text, "automargin": True, "zeroline": False, **settings}


def layout(**settings: Any) -> Document:
    """The layout of a figure; ``settings`` are Plotly's and replace what is here."""
    return {
        "margin": {"l": 64, "r": 16, "t": 8, "b": 48},
        "legend": {
            "orientation": "h",
            "traceorder": "normal",
            "x": 0,
            "xanchor": "left",
            "y": 1.02,
            "yanchor": "bottom",
        },
        "hovermode": "x unified",
        "hoverlabel": {"namelength": -1},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        **settings,
    }
