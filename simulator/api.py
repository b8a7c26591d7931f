"""The functions of the package for notebooks and scripts.

Designs are given as paths, names of topologies we ship, ``file@variant``, saved runs, topologies as
text or mapping, results of :func:`run`, or what :func:`load` returns. Quantities are numbers in SI
units (rates per second, durations in seconds) or text with a unit. ``options`` of every function
are those of :class:`~simulator.asked.Options`.

Mistakes in a document raise ``DocumentError``, which shows every one with its line; questions that
cannot be answered raise ``StudyError`` with a hint; the wrong kind of thing is a ``TypeError``.
"""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Unpack

from simulator.asked import Options, Quantity, design_of, options_of, ranges_of
from simulator.results import Capacity, Card, Comparison, Drill, Run, Sensitivity, Sizing, Sweep
from simulator.studies.design import Design
from simulator.studies.planner import Bench
from simulator.studies.pool import BACKENDS, Backend, Pool
from simulator.studies.store import Store, default_folder

Asked = str | PathLike[str] | Mapping[str, Any] | Design | Run
"""What names a design; see :func:`~simulator.asked.design_of`."""

WITHIN = 0.01
TRAJECTORIES = 4

IN_COMMANDS = frozenset(
    {"workload", "faults", "duration", "requests", "warmup", "seed", "replications", "precision"}
)
"""Options that commands have as flags of the same name."""
IN_DRILL = frozenset({"workload", "duration", "requests", "seed"})
"""Those of them that a drill has."""


def load(design: Asked, settings: Mapping[str, Any] | None = None) -> Design:
    """The design that is meant, with values replaced by path.

    ``load("llm_gateway", {"response_cache.hit_ratio": "20%"})``.
    """
    found = design_of(design)
    return found.varied(list(settings.items())) if settings else found


def bench(
    *,
    jobs: int | None = None,
    backend: Backend = "loky",
    scheduler: str | None = None,
    store: bool | str | PathLike[str] = True,
) -> Bench:
    """Where to compute and where to keep finished points.

    ``store`` is a folder, True for the user's cache, False to keep nothing.
    """
    from pathlib import Path

    if backend not in BACKENDS:
        from simulator.studies.errors import StudyError

        raise StudyError(f"there is no backend `{backend}`", f"known: {', '.join(BACKENDS)}")
    folder = default_folder() if store is True else None if store is False else Path(store)
    return Bench(Pool(backend, scheduler, jobs), Store(folder))


def run(design: Asked, rps: Quantity | None = None, **options: Unpack[Options]) -> Run:
    """Run one design under a load.

    The result may be given to :func:`compare`, which then does not run it again.
    """
    from simulator.metrics.tables import report_tables
    from simulator.studies.run import run as run_study
    from simulator.studies.saved import keepsake
    from simulator.topology.callers import called_by

    found = load(design)
    asked = options_of(rps, options)
    result = run_study(found.topology, asked)
    result.document.update(keepsake(result, found.data, asked))
    components = result.topology.components
    tables = report_tables(
        result.recordings,
        result.findings,
        kinds={name: component.kind for name, component in components.items()},
        links=[
            (name, target)
            for name, component in components.items()
            for target in dict.fromkeys(called_by(component))
        ],
    )
    return Run(result.document, _command("", [found], rps, options), tables)


def compare(
    *designs: Asked, rps: Quantity | None = None, on: Bench | None = None,
    flips: bool | None = None, fail: Sequence[str] = (), **options: Unpack[Options],
) -> Comparison:  # fmt: skip
    """Compare designs with the first, on the same requests; intervals of the changes are paired.

    Saved runs and results of :func:`run` stand as they are where they can. ``fail`` holds gates
    such as ``"latency.p(99):+5%"``; ``flips`` asks for trial runs at other rates.
    """
    from simulator.studies.compare import compare as compare_study
    from simulator.studies.gates import parse_gate

    found = [load(design) for design in designs]
    fail = [fail] if isinstance(fail, str) else fail
    gates = [parse_gate(text) for text in fail]
    asked = options_of(rps, options)
    result = compare_study(found, asked, on or bench(), gates=gates, flips=flips)
    return Comparison(result.document, _command("compare", found, rps, options))


def capacity(
    design: Asked,
    *,
    rps: Quantity | None = None,
    within: float = WITHIN,
    on: Bench | None = None,
    **options: Unpack[Options],
) -> Capacity:
    """The highest rate at which a design meets its objectives, known to the share ``within``.

    Headroom is counted from ``rps``, or from the rate of the design.
    """
    from simulator.studies.capacity import capacity as capacity_study

    found = load(design)
    result = capacity_study(found, options_of(rps, options), on or bench(), precision=within)
    flags = {"precision": within} if within != WITHIN else None
    return Capacity(result.document, _command("capacity", [found], rps, options, flags))


def sweep(
    design: Asked,
    over: Mapping[str, Any],
    *,
    lhs: int | None = None,
    rps: Quantity | None = None,
    on: Bench | None = None,
    **options: Unpack[Options],
) -> Sweep:
    """A design at many points: ``over`` maps paths to ranges (``"1..8"``) or lists of values.

    All combinations, or ``lhs`` points of a Latin hypercube.
    """
    from simulator.studies.sweep import plan_sweep
    from simulator.studies.sweep import sweep as sweep_study

    found = load(design)
    asked = options_of(rps, options)
    plan = plan_sweep(ranges_of(over, "over"), lhs=lhs, seed=asked.seed)
    result = sweep_study(found, plan, asked, on or bench())
    return Sweep(result.document, _command("sweep", [found], rps, options, {"lhs": lhs}, over=over))


def size(
    design: Asked,
    rps: Quantity | None = None,
    *,
    vary: Mapping[str, Any],
    on: Bench | None = None,
    **options: Unpack[Options],
) -> Sizing:
    """The cheapest configuration that meets the objectives at a rate."""
    from simulator.studies.size import size as size_study

    found = load(design)
    result = size_study(found, ranges_of(vary, "vary"), options_of(rps, options), on or bench())
    use = {name: value for name, value in options.items() if name in ("workload", "thresholds")}
    return Sizing(
        result.document,
        _command("size", [found], rps, options, vary=vary),
        _command("", [found], rps, use),
    )


def sensitivity(
    design: Asked,
    *,
    rps: Quantity | None = None,
    vary: Mapping[str, Any] | None = None,
    on: Bench | None = None,
    trajectories: int = TRAJECTORIES,
    **options: Unpack[Options],
) -> Sensitivity:
    """Which parameters move latency, cost and quality most."""
    from simulator.studies.sensitivity import sensitivity as sensitivity_study

    found = load(design)
    asked, ranges = options_of(rps, options), ranges_of(vary or {}, "vary")
    result = sensitivity_study(found, asked, ranges, on or bench(), trajectories=trajectories)
    flags = {"trajectories": trajectories} if trajectories != TRAJECTORIES else None
    return Sensitivity(
        result.document, _command("sensitivity", [found], rps, options, flags, vary=vary or {})
    )


def drill(design: Asked, rps: Quantity | None = None, **options: Unpack[Options]) -> Drill:
    """Break every part of a design, one at a time, and see what happens."""
    from simulator.studies.design import refuse_lengths
    from simulator.studies.drill import drill as drill_study

    found = load(design)
    refuse_lengths(found)
    result = drill_study(found.topology, options_of(rps, options), None)
    told = {flag: value for flag, value in options.items() if flag in IN_DRILL}
    return Drill(result.document, _command("drill", [found], rps, told))


def card(design: Asked, *, seed: int = 42, jobs: int | None = None, drilled: bool = True) -> Card:
    """The interview card: every number of a design, computed or simulated, and said aloud.

    Without ``drilled`` no part is broken in turn, which is what takes most of the time.
    """
    from simulator.interview.blocks import to_markdown
    from simulator.interview.card import card as sections_of
    from simulator.interview.card import card_document, title_of
    from simulator.interview.material import gather

    found = load(design)
    material = gather(found.topology, found.data, seed=seed, jobs=jobs, drilled=drilled)
    sections = sections_of(material)
    text = to_markdown(title_of(material), sections)
    # A card is of a file as it stands: its command takes no variant.
    own = "" if found.variant else _command("interview", [found], flags={"seed": seed})
    return Card(card_document(material, sections), own, text)


def _command(
    name: str,
    designs: Sequence[Design],
    rps: Quantity | None = None,
    options: Mapping[str, Any] | None = None,
    flags: Mapping[str, Any] | None = None,
    **ranges: Mapping[str, Any],
) -> str:
    """The command that asks the same question; empty if no command can.

    ``flags`` are those that only this command has. A design in memory has no name on a command
    line, and of several designs a command gives settings to the second alone.
    """
    import shlex

    words = ["simulate", *([name] if name else [])]
    apart = len(designs) > 1 and any(item.settings for item in designs)
    if apart or any(item.source.file.startswith("<") for item in designs):
        return ""
    for item in designs:
        if item.variant and name in ("", "drill"):
            words += [item.source.file, "--variant", item.variant]
        else:
            words.append(item.source.file + (f"@{item.variant}" if item.variant else ""))
    for flag, values in ranges.items():
        for path, value in values.items():
            plain = value if isinstance(value, str | int | float) else ",".join(map(str, value))
            words += [f"--{flag}", f"{path}={plain}"]
    words += [word for setting in designs[0].settings for word in ("--set", setting)]
    words += [] if rps is None else ["--rps", str(rps)]
    for flag, value in (flags or {}).items():
        words += [] if value is None else [f"--{flag}", str(value)]
    for flag, value in (options or {}).items():
        if flag == "thresholds":
            texts = [value] if isinstance(value, str) else value
            words += [part for text in texts for part in ("--threshold", text)]
        elif flag in IN_COMMANDS and value is not None:
            timed = flag in ("duration", "warmup") and not isinstance(value, str)
            words += [f"--{flag}", f"{value}s" if timed else str(value)]
    return shlex.join(words)
