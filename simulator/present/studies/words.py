"""Words that all studies share."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from simulator.present.numbers import count, dollars, percent, seconds

Document = dict[str, Any]
Line = tuple[str, str]
"""A style (``bold``, ``dim``, a colour or nothing) and a text."""

_SHARES = frozenset({"errors", "availability", "quality", "degraded"})
_RATES = frozenset({"throughput", "goodput"})
MARKS = {"better": "✓", "worse": "✗", "same": " ", "pass": "✓", "fail": "✗", "unsure": "?"}
COLORS = {"better": "green", "worse": "red", "same": "", "pass": "green", "fail": "red",
          "unsure": "yellow"}  # fmt: skip


def value_of(metric: str, value: float | None) -> str:
    """A value of a dotted metric (``latency.p99``, ``cost.per_hour``) in its unit."""
    parts = set(metric.split("."))
    if parts & _SHARES:
        return percent(value)
    if parts & _RATES:
        return "–" if value is None else f"{count(value)}/s"
    if "cost" in parts:
        unit = "/h" if "per_hour" in parts else ""
        return f"{dollars(value)}{unit}"
    return seconds(value)


def label_of(metric: str) -> str:
    """A dotted metric as people say it: ``latency p(99)``, ``cost per 1k requests``."""
    *parts, last = metric.split(".")
    if last[0] == "p" and last[1:].replace(".", "").isdigit():
        last = f"p({last[1:]})"
    return (
        " ".join([*parts, last])
        .replace("_", " ")
        .replace("errors rate", "errors")
        .replace("availability rate", "availability")
    )


def listed(words: Sequence[str], last: str = "and") -> str:
    """Words as a list in a sentence: ``a, b and c``."""
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def change_of(relative: Document | None) -> str:
    """A relative change with its interval: ``−11% [−14, −8]``."""
    if relative is None:
        return ""
    value, low, high = (relative[end] for end in ("value", "low", "high"))
    text = signed(value)
    if low is None or high is None or low == high:
        return text
    return f"{text} [{signed(low).rstrip('%')}, {signed(high).rstrip('%')}]"


def change_words(metric: str, change: Document) -> str:
    """A change with its interval, in per cent, or from nothing in the unit of the metric."""
    if change["relative"] is not None:
        return change_of(change["relative"])
    if not change["value"]:
        return "0%"
    text = value_of(metric, change["value"])
    return f"+{text.removesuffix('%')} points" if text.endswith("%") else f"+{text}"


def signed(share: float) -> str:
    """A relative change in per cent with its sign; the minus is a real one."""
    scaled = 100.0 * share
    digits = 0 if abs(scaled) >= 10 else 1 if abs(scaled) >= 0.1 else 2
    text = f"{abs(scaled):.{digits}f}"
    if float(text) == 0.0:
        return "0%"
    return f"{'−' if scaled < 0 else '+'}{text}%"


def setting_words(settings: Document) -> str:
    """Settings as they are typed: ``web.replicas=2 db.connections=4``."""
    return " ".join(f"{path}={value}" for path, value in settings.items())


def setting_flags(settings: Document) -> str:
    """Settings as flags of a command."""
    import shlex

    return " ".join(f"--set {shlex.quote(f'{path}={value}')}" for path, value in settings.items())


def brief(value: Any, width: int = 40) -> str:
    """A value of a document on one line."""
    if isinstance(value, dict):
        text = ", ".join(f"{key}: {brief(item)}" for key, item in value.items())
    elif isinstance(value, list):
        text = f"[{', '.join(brief(item) for item in value)}]"
    else:
        text = str(value)
    return text if len(text) <= width else text[: width - 1] + "…"


def section(title: str) -> Line:
    """The heading of a block."""
    return "bold", f"  █ {title}"


def columns(rows: Sequence[Sequence[str]], left: int = 1, indent: int = 4) -> Iterator[str]:
    """Rows as aligned columns, the first ``left`` of them to the left."""
    if not rows:
        return
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        cells = [
            f"{cell:<{width}}" if place < left else f"{cell:>{width}}"
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield (" " * indent + "  ".join(cells)).rstrip()


def scaled_parts(document: Document) -> list[str]:
    """What follows the load, with how many replicas it was measured, and what that leaves out."""
    return [
        f"{item['component']} follows the load: there it comes to rest at {item['replicas']} of "
        f"at most {item['most']} replicas, and so it is measured; a sudden load meets the "
        f"{item['starts_with']} that it starts with for some {seconds(item['reaction_s'])}"
        for item in document.get("scaling", ())
    ]


def unjudged(failing: float | None, whose: str) -> list[str]:
    """A sentence if a good part of the requests fails and no objective is about that."""
    if not failing:
        return []
    return [f"{failing:.1%} of the requests fail {whose}, and no objective is about that"]


def warnings_of(document: Document) -> list[str]:
    """What to know of the lengths of the runs of a study."""
    found = (_short_runs(document), _unsettled_runs(document), *document.get("unseen", ()))
    return [text for text in found if text is not None]


def _unsettled_runs(document: Document) -> str | None:
    """A warning if scalers had no time for the replicas that they ask for."""
    found = document.get("unsettled")
    if not found or not found["runs"]:
        return None
    runs = "every run" if found["runs"] == found["of"] else f"{found['runs']} of {found['of']} runs"
    return (
        f"{runs} ended before a scaler that asks for other replicas had given them, which takes "
        f"some {seconds(found['reaction_s'])}: what is measured is mostly what the design starts "
        f"with; a run has to last {seconds(found['wanted_s'])} to show more"
    )


def _short_runs(document: Document) -> str | None:
    """A warning if runs last too short beside their latencies; None if all last long enough."""
    found = document.get("horizons")
    if not found or not found["short"]:
        return None
    runs = (
        "every run" if found["short"] == found["of"] else f"{found['short']} of {found['of']} runs"
    )
    return (
        f"{runs} lasted less than {found['spans']:g} times p(99), too short for queues that fill "
        f"while answers take; give {math.ceil(found['factor'])} times the --requests"
    )
