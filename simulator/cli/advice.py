"""The last block of the summary: commands worth typing next."""

from math import ceil
from pathlib import Path

from simulator.present.numbers import seconds
from simulator.studies.run import RunResult

TARGET_UTILIZATION = 0.7
DEFAULT_SEED = " --seed 42"
REACTIONS = 10
"""How many times longer than a scaler takes to react a run should last."""


def next_lines(
    result: RunResult, topology: str, again: str, folder: Path | None
) -> list[tuple[str, str]]:
    """Labelled commands: what to try, where the report is, how to get the same again."""
    lines = []
    trial = _more_replicas(result)
    if trial is not None:
        flag, why = trial
        lines += [("try", f"{again.removesuffix(DEFAULT_SEED)} {flag}"), ("", why)]
    if folder is not None:
        lines.append(("report", str(folder / "index.html")))
    lines.append(("again", again))
    return lines


def _more_replicas(result: RunResult) -> tuple[str, str] | None:
    """A flag that gives the busiest component more replicas, if it is busy, and the reason.

    One that follows the load is counted with all replicas that it may have; if those are enough,
    what it takes is a run in which they can come.
    """
    for row in result.paper.rows:
        component = result.topology.components[row.name]
        replicas = getattr(component, "replicas", None)
        if row.utilization is None or row.utilization < TARGET_UTILIZATION or replicas is None:
            continue
        strain = row.strain or 0.0
        field, with_all = "replicas", ""
        if component.scaling is not None:
            if strain < TARGET_UTILIZATION:
                return _longer(result, row.name, component.reaction_s)
            replicas, field = component.scaling.max_replicas, "autoscale.max_replicas"
            with_all = " with all its replicas"
        more = int(replicas * strain / TARGET_UTILIZATION) + 1
        extra = (component.cost or 0.0) * (more - replicas)
        cost = f", +${extra:.2f}/h" if extra else ""
        change = f"{row.name} ρ {strain * replicas / more:.2f} instead of {strain:.2f}"
        return f"--set {row.name}.{field}={more}", f"on paper: {change}{with_all}{cost}"
    return None


def _longer(result: RunResult, name: str, reaction_s: float) -> tuple[str, str] | None:
    """A run that lasts for several reactions of a scaler, if this one did not."""
    wanted_s = REACTIONS * reaction_s
    lasted_s = result.experiment.horizon_s
    if lasted_s >= wanted_s:
        return None
    why = f"{name} follows the load after some {seconds(reaction_s)}; this run lasted"
    return f"--duration {ceil(wanted_s)}s", f"{why} {seconds(lasted_s)}"
