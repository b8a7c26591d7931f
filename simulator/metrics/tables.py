"""The tables that figures are drawn from: plain data, small, and testable without a browser.

A figure shows what stands in its table and nothing else. Tables hold lists and dictionaries of
numbers in SI units, so they can go into a file as JSON as they are.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from simulator.metrics.breakdown import breakdown
from simulator.metrics.call_graph import BACKGROUND, call_graph
from simulator.metrics.exemplars import exemplar_requests
from simulator.metrics.fault_phases import fault_bands
from simulator.metrics.spectra import spectrum_table
from simulator.metrics.summary import Findings
from simulator.metrics.timeline import timeline_table
from simulator.metrics.window import Window
from simulator.recording.recording import Recording

Document = dict[str, Any]

BREAKDOWN_AT = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
DIGITS = 6
NEGLIGIBLE = 1e-9
"""Share of the latency below which a part is rounding error."""


def report_tables(
    recordings: Sequence[Recording],
    findings: Findings,
    *,
    kinds: Mapping[str, str] | None = None,
    links: Sequence[tuple[str, str]] = (),
) -> Document:
    """Everything the report of one run draws, by name of the table.

    ``kinds`` gives the kind of each component and ``links`` the calls that the topology declares,
    as (caller, callee): they complete what traced requests show of the topology. Numbers are
    rounded to six significant digits.
    """
    windows = findings.windows
    timeline = timeline_table(recordings)
    timeline["cut_s"] = findings.cut_s
    timeline["bands"] = fault_bands(recordings)
    tables = {
        "spectrum": spectrum_table(windows),
        "breakdown": breakdown_table(windows),
        "timeline": timeline,
        "exemplars": exemplar_requests(windows),
        "replications": replication_table(windows),
        "topology": topology_table(windows, kinds or {}, links),
    }
    return {name: rounded(table) for name, table in tables.items()}


def breakdown_table(windows: Sequence[Window], kind: int | None = None) -> list[Document]:
    """Mean split of the latency among components around each percentile, of one class or all.

    Rows hold ``at`` (p50, p95, p99), ``latency_s`` and ``parts``, largest first: ``component``,
    ``wait_s`` and ``own_s``.
    """
    rows = []
    for name, quantile in BREAKDOWN_AT.items():
        parts = breakdown(windows, quantile, kind)
        total = sum(part.total_s for part in parts)
        if parts:
            counted = [vars(part) for part in parts if part.total_s > NEGLIGIBLE * total]
            rows.append({"at": name, "latency_s": total, "parts": counted})
    return rows


def replication_table(windows: Sequence[Window]) -> list[Document]:
    """Each replication by itself: requests measured, mean, p50 and p99 of good answers (s)."""
    rows: list[Document] = []
    for position, window in enumerate(windows):
        latency = window.requests["latency"][window.good]
        row: Document = {
            "replication": window.recording.manifest.get("replication", position),
            "requests": len(window.requests["index"]),
            "mean_s": None,
            "p50_s": None,
            "p99_s": None,
        }
        if len(latency):
            p50, p99 = np.quantile(latency, [0.5, 0.99]).tolist()
            row |= {"mean_s": float(latency.mean()), "p50_s": p50, "p99_s": p99}
        rows.append(row)
    return rows


def topology_table(
    windows: Sequence[Window],
    kinds: Mapping[str, str],
    links: Sequence[tuple[str, str]],
) -> Document:
    """Components and calls: ``components`` (``name``, ``kind``) and ``links`` (with their rate).

    A declared call that no traced request made has rate 0. Background work whose caller the
    declared calls tell is given to it, and marked ``background``.
    """
    seen = call_graph(windows)
    known = {(link["source"], link["target"]) for link in seen}
    unseen = [link for link in links if link not in known]
    for link in seen:
        callers = [source for source, target in unseen if target == link["target"]]
        if link["source"] == BACKGROUND and len(callers) == 1:
            link |= {"source": callers[0], "background": True}
            unseen.remove((callers[0], link["target"]))
    seen += [{"source": source, "target": target, "rate": 0.0} for source, target in unseen]
    recorded = windows[0].recording.components
    names = [*kinds, *(name for name in recorded if name not in kinds)]
    components = [{"name": name, "kind": kinds.get(name)} for name in names if name]
    return {"components": components, "links": seen}


def rounded(value: Any) -> Any:
    """The same data with floats of six significant digits, and null for what is no number."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None
    return value
