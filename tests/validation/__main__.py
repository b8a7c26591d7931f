"""Run the validation cases in full and write ``docs/validation.md``.

``python -m tests.validation`` runs all; ``python -m tests.validation V18 V22`` runs and prints
some without writing; ``--short`` uses the lengths of the test suite.
"""

import sys
import time
from pathlib import Path

from tests.validation.cases import LEVEL_LONG, LONG, SHORT, Case, Effort, Finding, load_cases

TARGET = Path(__file__).parents[2] / "docs" / "validation.md"

HEAD = """# Validation: published figures and closed forms

Every row is computed by running the engine on a topology; nothing is copied from a source but the
column *expected*. The verdict is `agrees` where the simulated value lies inside the tolerance,
`near` where only its 95 % interval touches it, and `miss` otherwise. Misses stay in the table.
Written by `python -m tests.validation`; the short form of the same cases runs with the tests.

"""


def verdict(finding: Finding) -> str:
    """One word on a figure."""
    if finding.within:
        return "agrees"
    return "near" if finding.touches else "miss"


def tolerance(finding: Finding) -> str:
    """The allowed deviation as text."""
    expected = finding.expected
    if expected.side != "equal":
        return expected.side.replace("_", " ")
    if expected.absolute:
        return f"±{expected.tolerance:g}"
    return "exact" if expected.tolerance == 0 else f"{expected.tolerance * 100:g} %"


def section(case: Case, findings: list[Finding], seconds: float) -> str:
    """The part of the document about one case."""
    lines = [
        f"## {case.id} {case.title}",
        "",
        case.system,
        f"Source: {case.source}. ({seconds:.0f} s)",
        "",
        "| figure | expected | simulated | 95 % interval | tolerance | verdict |",
        "|---|---|---|---|---|---|",
    ]
    for finding in findings:
        lines.append(
            f"| {finding.name} | {finding.expected.value:.5g} | {finding.value:.5g} | "
            f"{finding.low:.5g} to {finding.high:.5g} | {tolerance(finding)} | "
            f"{verdict(finding)} |"
        )
    notes = [f"{found.name}: {found.expected.note}" for found in findings if found.expected.note]
    return "\n".join([*lines, "", *notes, ""] if notes else [*lines, ""])


def main(arguments: list[str]) -> int:
    """Run the cases named, or all; returns the number of misses."""
    effort: Effort = SHORT if "--short" in arguments else LONG
    names = [argument for argument in arguments if not argument.startswith("-")]
    cases = load_cases()
    parts, agreeing, figures, misses = [], 0, 0, 0
    for number, case in cases.items():
        if names and number not in names:
            continue
        began = time.perf_counter()
        findings = case.findings(effort, LEVEL_LONG)
        part = section(case, findings, time.perf_counter() - began)
        print(part, flush=True)
        parts.append(part)
        figures += len(findings)
        apart = sum(verdict(finding) == "miss" for finding in findings)
        misses += apart
        agreeing += not apart
    summary = (
        f"{agreeing} of {len(parts)} cases agree or are near in every figure; "
        f"{misses} of {figures} figures miss.\n\n"
    )
    print(summary)
    if not names and effort is LONG:
        TARGET.write_text(HEAD + summary + "\n".join(parts), encoding="utf-8")
    return misses


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 100))
