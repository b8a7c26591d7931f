"""The report of one run."""

from typing import Any

from simulator.metrics.load import said_load
from simulator.present.html.blocks import Report
from simulator.present.html.page import Head, compose, render_page
from simulator.present.numbers import count, seconds, things

Document = dict[str, Any]


def render_report(document: Document, tables: Document) -> str:
    """The report of one run as one HTML file.

    ``document`` is what ``--json`` prints. It may also hold ``command`` (the command line that
    makes this run again) and ``provenance``: ``topology`` and ``workload`` (resolved, as text),
    ``versions`` (by name) and ``digest``. ``tables`` comes from
    :func:`simulator.metrics.tables.report_tables`. What is missing in either is left out of the
    page. A pure function: the same input gives the same bytes.
    """
    report = Report(document, tables)
    return render_page(compose("run", head_of(document), report))


def head_of(document: Document) -> Head:
    """The head of the page of a run."""
    verdict = document.get("verdict") or {}
    return Head(
        title=document["topology"],
        summary=document.get("summary") or "",
        status=verdict.get("status", ""),
        verdict=verdict.get("sentence", ""),
        facts=_facts(document),
        command=document.get("command") or "",
    )


def _facts(document: Document) -> list[str]:
    cells = document.get("cells") or 1
    facts = []
    if document.get("rate") is not None:
        how = "" if document.get("closed") else document.get("arrivals") or ""
        facts.append(said_load(document, how))
    if cells > 1:
        facts.append(f"{count(cells)} cells, one of them simulated")
    cut_s = (document.get("run") or {}).get("warmup_s")
    if document.get("horizon_s") is not None:
        cut = f", first {seconds(cut_s)} cut as warm-up" if cut_s else ""
        facts.append(f"{seconds(document['horizon_s'])} simulated{cut}")
    facts.append(things(document["replications"], "replication"))
    if (document.get("run") or {}).get("requests"):
        facts.append(f"{things(document['run']['requests'], 'request')} measured")
    facts.append(f"seed {document['seed']}")
    return facts
