"""The table of checked claims and estimates, worst first: text for terminals, and Markdown."""

import re
from collections.abc import Iterator, Sequence

from simulator.interview.numbers import NAMED, SHARE, Figure
from simulator.studies.claims import WORST_FIRST, Checked, worst_first
from simulator.studies.estimates import Computed, as_said, with_unit
from simulator.studies.metric_units import POINTS, RATIO

MARKS = {"holds": "✓", "fails": "✗", "unsure": "?", "not simulated": "–"}
PLURALS = {"holds": "hold", "fails": "fail"}
COLORS = {"holds": "green", "fails": "red", "unsure": "yellow", "not simulated": ""}
SLIPS = ("off", "wrong unit", "no value")


def figure_of(claim: Checked) -> Figure:
    """The measured value of a claim with its interval."""
    return Figure(claim.value, claim.unit or RATIO, claim.low, claim.high)


def expected_of(claim: Checked) -> str:
    """What the claim expects; plain numbers in it with the unit of the value."""
    if claim.expect is None:
        return "–"
    if claim.unit == "stable":
        return "stable" if ">" in claim.expect else "not stable"
    if claim.unit in NAMED:
        return f"{claim.unit} {'' if claim.expect[0] in '<>=!' else '= '}{claim.expect}"
    if claim.unit == POINTS:
        return claim.expect.replace("%", " points")
    plain = r"(?<![\w.±$])([0-9][0-9.eE+_]*[kKMBT]?)(?=\s*(?:,|±|$))"
    text = re.sub(plain, lambda number: _labelled(number[1], claim.unit), claim.expect)
    return as_said(text)


def _labelled(number: str, unit: str) -> str:
    return f"{100.0 * float(number):g}%" if unit == SHARE else with_unit(number, unit or RATIO)


def counts_of(claims: Sequence[Checked]) -> str:
    """How many hold, fail and so on."""
    counts = [(status, sum(claim.status == status for claim in claims)) for status in WORST_FIRST]
    said = [
        f"{count} {status if count == 1 else PLURALS.get(status, status)}"
        for status, count in counts
        if count
    ]
    return ", ".join(said) or "no claims"


def terminal_lines(
    claims: Sequence[Checked], estimates: Sequence[tuple[str, Computed]]
) -> Iterator[tuple[str, str]]:
    """Claims worst first and estimates that are off, as (colour, text) lines."""
    yield "bold", f"  █ CLAIMS{'worst first':>48}"
    for claim in worst_first(claims):
        mark = MARKS[claim.status]
        yield COLORS[claim.status], f"    {mark} {claim.topology}  {claim.text}"
        yield "", f"        {evidence(claim)}"
    slips = [(name, item) for name, item in estimates if item.verdict in SLIPS]
    if slips:
        yield "", ""
        yield "bold", f"  █ ESTIMATES{'off':>45}"
        for name, item in slips:
            yield "red", f"    ✗ {name}  {item.text or item.name}: {item.finding}"
            yield "", f"        {item.derivation}; the document says {item.documented or '–'}"
    yield "", ""
    yield "", f"  {counts_of(claims)}; {estimate_counts([item for _, item in estimates])}"


def evidence(claim: Checked) -> str:
    """What was expected, what was found, and where the claim stands, in a line."""
    if claim.status == "not simulated":
        return f"not simulated: {claim.reason} ({claim.place})"
    found = figure_of(claim).exact if claim.value is not None else "no value"
    conditions = f", {claim.conditions}" if claim.conditions else ""
    reason = f"; {claim.reason}" if claim.reason else ""
    how = claim.how if claim.way == "metric" else claim.way
    return f"{how}{conditions}: {found}, expected {expected_of(claim)}{reason} ({claim.place})"


def estimate_counts(estimates: Sequence[Computed]) -> str:
    """How many estimates agree with their document."""
    documented = [item for item in estimates if item.documented is not None]
    slips = [item for item in documented if item.verdict in SLIPS]
    if not documented:
        return f"{len(estimates)} estimates"
    agree = len(documented) - len(slips)
    return f"{agree} of {len(documented)} documented estimates agree"


def markdown_table(claims: Sequence[Checked], *, with_topology: bool = True) -> Iterator[str]:
    """The claims as a Markdown table, worst first."""
    heads = ["result", "topology"] if with_topology else ["result"]
    heads += ["claim", "measured or computed", "expected", "value [95 % interval]", "source"]
    yield "| " + " | ".join(heads) + " |"
    yield "|---" * len(heads) + "|"
    for claim in worst_first(claims):
        cells = [f"{MARKS[claim.status]} {claim.status}"]
        cells += [f"`{claim.topology}`"] if with_topology else []
        cells += markdown_cells(claim)
        yield "| " + " | ".join(cells) + " |"


def markdown_cells(claim: Checked) -> list[str]:
    """The cells of one claim after its status."""
    where = f"`{claim.how}`" if claim.way == "metric" else claim.how
    where += f"; {claim.conditions}" if claim.conditions else ""
    where += f"; {claim.reason}" if claim.reason else ""
    place = claim.place if claim.section is None else f"{claim.document}, {claim.place}"
    text = claim.text + (f" *({claim.note})*" if claim.note else "")
    value = figure_of(claim).exact if claim.value is not None else "–"
    return [escaped(cell) for cell in (text, where.lstrip("; "), expected_of(claim), value, place)]


def escaped(text: str) -> str:
    """Text that is safe in a cell of a Markdown table."""
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
