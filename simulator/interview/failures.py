"""What if a part fails: the documented scenarios, and every part broken in turn."""

from collections.abc import Iterator
from typing import Any

from simulator.interview.blocks import Section
from simulator.interview.material import Material, metric
from simulator.interview.numbers import Figure, aloud, plain_words, spaced
from simulator.interview.trade_offs import latency_of
from simulator.metrics.fault_phases import recovery_sentence
from simulator.studies.conditions import Measured

SHOWN = 8
NO_FAULT = "nothing fails"
REFUSED = "errors.rejected_rate_limit"


def failure_section(material: Material) -> Section:
    """The documented failures while they last and over the run, then the drill."""
    section = Section("What if a part fails")
    if material.faults:
        section.say(
            "The documented failures, while they last, and how long the way back takes. Back to "
            "normal means that availability and the median latency are as before, and what else "
            "is promised is done in time; the slowest requests may take longer. What was under way "
            "when a fault began counts neither before nor during it, but over the whole run."
        )
        rows = [
            row
            for name, measured in material.faults.items()
            for row in _while(name, measured, material)
        ]
        promised = any(row[-1] for row in rows)
        of_all = " of all requests" if len(material.topology.requests) > 1 else ""
        columns = (
            "scenario",
            "what happens",
            "available before",
            "during",
            f"p99{of_all} before",
            "during",
            "afterwards",
            "what else is promised",
        )
        section.table(
            columns if promised else columns[:-1],
            [(*row[:-1], row[-1] or "–") if promised else row[:-1] for row in rows],
        )  # fmt: skip
        if promised and not all(row[-1] for row in rows):
            section.say(
                "A dash under what else is promised: the time before the fault is too short to "
                "know what is usual."
            )
        _over_whole_runs(section, material)
    if material.drill is not None:
        document = material.drill.document
        quiet = sum(row["status"] == "unaffected" for row in document["rows"])
        felt = f"users do not notice {quiet} of them" if quiet else "users notice all of them"
        phases = document["phases"]
        lasts = Figure(phases["fault_ends_s"] - phases["fault_begins_s"], "s").aloud
        told, shown = len(document["lessons"]), min(len(document["lessons"]), SHOWN)
        which = f"The {shown} worst of {told} cases" if shown < told else "What they notice"
        section.say(
            f"Every part broken in turn, {len(document['rows'])} faults of {lasts}; {felt}. "
            f"{which}, worst first; parts that fail alike are one case:"
        )
        section.list(
            [
                f"{lesson['sentence'][:1].upper()}{spaced(lesson['sentence'][1:])}. "
                f"Remedy: {lesson['remedy']}."
                for lesson in document["lessons"][:SHOWN]
            ]
        )
    return section


def _over_whole_runs(section: Section, material: Material) -> None:
    """What the scenarios make of availability, latency and quality, from beginning to end."""
    section.say(
        "The same over the whole run. Where something fails the warm-up counts as well, where "
        f"{NO_FAULT} it does not:"
    )
    latency, called = latency_of(material.topology)
    words = {"availability": "availability", "degraded": "degraded", latency: called,
             "quality": "quality"}  # fmt: skip
    runs = {NO_FAULT: material.base, **material.faults}
    if any(metric(measured, REFUSED).value for measured in runs.values()):
        words[REFUSED] = "refused (429)"
        section.say(
            "What a client asks beyond its limit is refused, and does not count against "
            "availability."
        )
    section.table(
        ("scenario", *words.values()),
        [
            (plain_words(name), *(_over_the_run(measured, word) for word in words))
            for name, measured in runs.items()
        ],
    )


def _over_the_run(measured: Measured, word: str) -> str:
    figure = metric(measured, word)
    nobody = word == REFUSED and figure.value is None and measured.failure is None
    return "0%" if nobody else figure.beside


def _while(name: str, measured: Measured, material: Material) -> Iterator[tuple[str, ...]]:
    """A row for each span of a scenario; one without figures if its times are random."""
    scenario = plain_words(name)
    if measured.failure is not None:
        yield (scenario, f"cannot be run: {measured.failure}", "–", "–", "–", "–", "–", "")
        return
    rows = measured.document.get("faults") or []
    if not rows:
        happens = "; ".join(fault.sentence for fault in material.topology.faults[name])
        yield (scenario, f"{happens}, now and then", "–", "–", "–", "–", "–", "")
    for row in rows:
        yield (
            scenario,
            row["name"],
            _share(row["before"]),
            _share(row["during"]),
            _p99(row["before"], material),
            _p99(row["during"]),
            recovery_sentence(row, _said),
            "; ".join(_promised(objective) for objective in row["objectives"]),
        )


def _promised(row: dict[str, Any]) -> str:
    """What became of an objective on a recorded metric, for requests that came meanwhile."""
    name, missing = f"{row['objective']} {row['statistic']}", row["missing_share"]
    times = [aloud(row[phase], "s") for phase in ("before", "during")]
    lost = f"{aloud(missing, 'share')} not done by the end of the run"
    if row["during"] is None:
        return f"{name} {times[0]} → {lost if missing else 'too few to tell'}"
    return f"{name} {times[0]} → {times[1]}{f', {lost}' if missing else ''}"


def _share(phase: dict[str, Any] | None) -> str:
    return "–" if phase is None else Figure(phase["availability"], "share").both


def _p99(phase: dict[str, Any] | None, otherwise: Material | None = None) -> str:
    """That of a phase; where it is not known, that of a run in which nothing fails."""
    found = None if phase is None else phase["p99_s"]
    if found is not None or otherwise is None:
        return Figure(found, "s").both
    usual = metric(otherwise.base, "latency.p99")
    return "–" if usual.value is None else f"{usual.aloud} without it"


def _said(seconds: float) -> str:
    return Figure(seconds, "s").both
