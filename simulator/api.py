"""The functions of the package for notebooks and scripts.

Designs are given as paths, names of topologies we ship, ``file@variant``, saved runs, or
:class:`~simulator.studies.design.Design`. Quantities are SI: rates per second, durations in
seconds. Mistakes in a document raise ``DocumentError``, whose ``diagnostics.render()`` shows every
one with its line; questions that cannot be answered raise ``StudyError`` with a hint.
"""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

from simulator.results import Capacity, Comparison, Drill, Run, Sensitivity, Sizing, Sweep
from simulator.studies.design import Design, load_design
from simulator.studies.planner import Bench
from simulator.studies.pool import Backend, Pool
from simulator.studies.run import RunOptions
from simulator.studies.store import Store, default_folder

Asked = str | PathLike[str] | Design
"""What names a design."""


def load(design: Asked, settings: Mapping[str, Any] | None = None) -> Design:
    """The design a path or name means, with values replaced by path.

    ``load("llm_gateway", {"cache.hit_ratio": "20%"})``.
    """
    found = design if isinstance(design, Design) else load_design(str(design))
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

    folder = default_folder() if store is True else None if store is False else Path(store)
    return Bench(Pool(backend, scheduler, jobs), Store(folder))


def run(design: Asked, rps: float | None = None, **options: Any) -> Run:
    """Run one design under a load; ``options`` are those of :class:`RunOptions`."""
    from simulator.metrics.tables import report_tables
    from simulator.studies.run import run as run_study
    from simulator.topology.checks import called_by

    found = load(design)
    result = run_study(found.topology, RunOptions(rps=rps, **options))
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
    return Run(result.document, _command("", found), tables)


def compare(
    *designs: Asked, rps: float | None = None, on: Bench | None = None, flips: bool = True,
    fail: Sequence[str] = (), **options: Any,
) -> Comparison:  # fmt: skip
    """Compare designs with the first, on the same requests; intervals of the changes are paired.

    ``fail`` holds gates such as ``"latency.p(99):+5%"``.
    """
    from simulator.studies.compare import compare as compare_study
    from simulator.studies.gates import parse_gate

    found = [load(design) for design in designs]
    gates = [parse_gate(text) for text in fail]
    asked = RunOptions(rps=rps, **options)
    result = compare_study(found, asked, on or bench(), gates=gates, flips=flips)
    return Comparison(result.document, _command("compare", *found))


def capacity(
    design: Asked, *, precision: float = 0.01, on: Bench | None = None, **options: Any
) -> Capacity:
    """The highest rate at which a design meets its objectives."""
    from simulator.studies.capacity import capacity as capacity_study

    found = load(design)
    result = capacity_study(found, RunOptions(**options), on or bench(), precision=precision)
    return Capacity(result.document, _command("capacity", found))


def sweep(
    design: Asked,
    over: Mapping[str, Any],
    *,
    lhs: int | None = None,
    seed: int = 42,
    on: Bench | None = None,
    **options: Any,
) -> Sweep:
    """A design at many points: ``over`` maps paths to ranges (``"1..8"``) or lists of values.

    All combinations, or ``lhs`` points of a Latin hypercube.
    """
    from simulator.studies.sweep import plan_sweep
    from simulator.studies.sweep import sweep as sweep_study

    found = load(design)
    plan = plan_sweep(_ranges(over), lhs=lhs, seed=seed)
    result = sweep_study(found, plan, RunOptions(seed=seed, **options), on or bench())
    return Sweep(result.document, _command("sweep", found))


def size(
    design: Asked,
    rps: float | None = None,
    *,
    vary: Mapping[str, Any],
    on: Bench | None = None,
    **options: Any,
) -> Sizing:
    """The cheapest configuration that meets the objectives at a rate."""
    from simulator.studies.size import size as size_study

    found = load(design)
    asked = RunOptions(rps=rps, **options)
    result = size_study(found, _ranges(vary), asked, on or bench())
    return Sizing(result.document, _command("size", found))


def sensitivity(
    design: Asked,
    *,
    vary: Mapping[str, Any] | None = None,
    on: Bench | None = None,
    trajectories: int = 4,
    **options: Any,
) -> Sensitivity:
    """Which parameters move latency, cost and quality most."""
    from simulator.studies.sensitivity import sensitivity as sensitivity_study

    found = load(design)
    result = sensitivity_study(
        found, RunOptions(**options), _ranges(vary or {}), on or bench(), trajectories=trajectories
    )
    return Sensitivity(result.document, _command("sensitivity", found))


def drill(design: Asked, rps: float | None = None, **options: Any) -> Drill:
    """Break every part of a design, one at a time, and see what happens."""
    from simulator.studies.drill import drill as drill_study

    found = load(design)
    result = drill_study(found.topology, RunOptions(rps=rps, **options), None)
    return Drill(result.document, _command("drill", found))


def _ranges(words: Mapping[str, Any]) -> list[Any]:
    from simulator.studies.ranges import Range, parse_range

    return [
        parse_range(f"{path}={values}", "over")
        if isinstance(values, str | int | float)
        else Range(path, tuple(values))
        for path, values in words.items()
    ]


def _command(name: str, *designs: Design) -> str:
    return " ".join(
        ["simulate", *([name] if name else []), *(item.source.file for item in designs)]
    )
