"""The page of a study."""

from typing import Any

from simulator.metrics.load import said_load
from simulator.present import drill
from simulator.present.html.blocks import Report
from simulator.present.html.page import Head, compose, render_page
from simulator.present.numbers import seconds, things
from simulator.present.studies import capacity, compare, sensitivity, size, sweep

Document = dict[str, Any]


def render_study(document: Document, command: str = "") -> str:
    """The page of a study as one HTML file, from what ``--json`` prints.

    A pure function: the same input gives the same bytes.
    """
    page = compose(document["study"], head_of(document, command), report_of(document))
    return render_page(page)


def report_of(document: Document) -> Report:
    """What figures and sections of a study are drawn from."""
    return Report(document, {})


def head_of(document: Document, command: str = "") -> Head:
    """The top of the page: what was asked, and the answer."""
    status, verdict = verdict_of(document)
    return Head(
        title=f"{_title(document)} · {document['study']}",
        status=status,
        verdict=verdict,
        facts=_facts(document),
        command=command,
    )


def verdict_of(document: Document) -> tuple[str, str]:
    """Status (pass, fail, unsure or nothing) and sentence of a study."""
    study = document["study"]
    if study == "compare":
        gates = {gate["status"] for gate in document["gates"]}
        status = next((worst for worst in ("fail", "unsure", "pass") if worst in gates), "")
        return status, "; ".join(compare.verdict_sentences(document)) + "."
    if study == "capacity":
        status = "pass" if capacity.holds_today(document) else "fail"
        said = capacity.verdict_of(document)
        if said.startswith("holds"):
            return status, f"{document['topology']} {said}."
        return status, f"{document['topology']}: {said}."
    if study == "size":
        return ("pass" if document["winner"] else "fail"), f"{size.verdict_of(document)}."
    if study == "drill":
        sentence = drill.verdict_of(document)
        status = "unsure" if drill.still_recovering(document) else "pass"
        status = "fail" if document["stays_broken"] else status
        return status, f"{sentence[:1].upper()}{sentence[1:]}."
    if study == "sensitivity":
        return "", f"{sensitivity.verdict_of(document)}."
    return "", f"{sweep.verdict_of(document)}."


def _title(document: Document) -> str:
    if document["study"] == "compare":
        *names, last = (design["name"] for design in document["designs"])
        return f"{', '.join(names)} and {last}"
    return str(document["topology"])


def _facts(document: Document) -> list[str]:
    facts = []
    if document.get("rate") is not None:
        facts.append(said_load(document))
    if document.get("horizon_s") is not None:
        facts.append(f"{seconds(document['horizon_s'])} simulated")
    if document.get("phases") is not None:
        lasts_s = document["phases"]["fault_ends_s"] - document["phases"]["fault_begins_s"]
        facts.append(f"{things(document['runs'], 'run')}, each fault lasts {seconds(lasts_s)}")
    if document.get("replications") is not None:
        facts.append(things(document["replications"], "replication"))
    if document.get("objectives"):
        facts += document["objectives"]
    if isinstance(document.get("points"), int):
        facts.append(things(document["points"], "point"))
    return [*facts, f"seed {document['seed']}"]
