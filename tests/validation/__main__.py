"""Run the validation cases in full and write ``docs/validation.md``.

``python -m tests.validation`` runs all; ``python -m tests.validation V18 V22`` runs some and
replaces their sections, so that a run that was broken off goes on with the cases that are left.
``--jobs 2`` runs two cases at once; ``--short`` uses the lengths of the test suite and writes
nothing.
"""

import argparse
import re
import sys
import time
from pathlib import Path

from joblib import Parallel, delayed

from tests.validation.cases import LEVEL_LONG, LONG, SHORT, Case, Effort, Finding, load_cases

VERDICT = re.compile(r"\| (?:agrees|near|miss) \|$", re.MULTILINE)
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
        f"Source: {case.source}. ({seconds:.0f} s of processor time)",
        "",
        "| figure | expected | simulated | 95 % interval | tolerance | verdict |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {finding.name} | {finding.expected.value:.5g} | {finding.value:.5g} | "
        f"{finding.low:.5g} to {finding.high:.5g} | {tolerance(finding)} | {verdict(finding)} |"
        for finding in findings
    ]
    notes = [f"{found.name}: {found.expected.note}" for found in findings if found.expected.note]
    return "\n".join([*lines, "", *notes, ""] if notes else [*lines, ""])


def merged(sections: dict[str, str]) -> str:
    """The document with these sections new and all others as they were, and its summary."""
    parts: dict[str, str] = {}
    if TARGET.exists():
        for part in TARGET.read_text(encoding="utf-8").split("\n## ")[1:]:
            parts[part.split(maxsplit=1)[0]] = f"## {part.rstrip()}\n"
    parts |= sections
    order = [number for number in load_cases() if number in parts]
    kept = [parts[number] for number in order]
    figures = sum(len(VERDICT.findall(part)) for part in kept)
    misses = sum(part.count("| miss |") for part in kept)
    agreeing = sum("| miss |" not in part for part in kept)
    summary = (
        f"{agreeing} of {len(kept)} cases agree or are near in every figure; "
        f"{misses} of {figures} figures miss.\n\n"
    )
    return HEAD + summary + "\n".join(kept)


def run_case(number: str, effort: Effort) -> tuple[str, str, int]:
    """One case: its number, its part of the document, and how many figures miss."""
    case = load_cases()[number]
    began = time.process_time()
    findings = case.findings(effort, LEVEL_LONG)
    part = section(case, findings, time.process_time() - began)
    return number, part, sum(verdict(finding) == "miss" for finding in findings)


def main(arguments: list[str]) -> int:
    """Run the cases named, or all; returns the number of misses."""
    parser = argparse.ArgumentParser(prog="python -m tests.validation")
    parser.add_argument("cases", nargs="*", metavar="CASE", help="for example V18; all if none")
    parser.add_argument("--short", action="store_true", help="lengths of the tests, no document")
    parser.add_argument("--jobs", type=int, default=1, help="cases run at once")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.cases) - set(load_cases()))
    if unknown:
        parser.error(f"no such case: {', '.join(unknown)}")
    effort = SHORT if options.short else LONG
    numbers = options.cases or list(load_cases())
    misses = 0
    parallel = Parallel(n_jobs=options.jobs, return_as="generator_unordered")
    for number, part, missed in parallel(delayed(run_case)(one, effort) for one in numbers):
        misses += missed
        print(part, flush=True)
        if effort is LONG:
            TARGET.write_text(merged({number: part}), encoding="utf-8")
    print(f"{misses} figures miss")
    return misses


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 100))
