"""The last block of the summary: commands worth typing next."""

from pathlib import Path

from simulator.present.numbers import percent, seconds
from simulator.studies.run import RunResult
from simulator.studies.scaling import asked_in_run, asked_on_paper
from simulator.topology.load import users_wait

TARGET_UTILIZATION = 0.7
DEFAULT_SEED = " --seed 42"

REPLICAS_MAX = 100_000
"""More than these are no advice: something else is wrong."""


def next_lines(
    result: RunResult, topology: str, again: str, folder: Path | None
) -> list[tuple[str, str]]:
    """Labelled commands: what to try, where the report is, how to get the same again."""
    lines = []
    waits = users_wait(result.topology, result.experiment.arrivals)
    trial = _twice_the_replicas(result) if waits else _more_replicas(result)
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
    it is given those that its scaler asks for, on paper or by the run, unless they are there.
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
                if (trial := _as_scaled(result, row.name, component.reaction_s)) is not None:
                    return trial
                continue
            replicas, field = component.scaling.max_replicas, "autoscale.max_replicas"
            with_all = " with all its replicas"
        more = int(replicas * strain / TARGET_UTILIZATION) + 1
        if more > REPLICAS_MAX:
            return None
        extra = (component.cost or 0.0) * (more - replicas)
        cost = f", +${extra:.2f}/h" if extra else ""
        change = f"{row.name} ρ {strain * replicas / more:.2f} instead of {strain:.2f}"
        return f"--set {row.name}.{field}={more}", f"on paper: {change}{with_all}{cost}"
    return None


def _twice_the_replicas(result: RunResult) -> tuple[str, str] | None:
    """A flag for the busiest component where users wait, who then ask for more than now."""
    name = result.document["verdict"]["bottleneck"]
    if name is None:
        return None
    used = result.document["components"][name]["utilization"] or 0.0
    component = result.topology.components[name]
    replicas = getattr(component, "replicas", None)
    if used < TARGET_UTILIZATION or replicas is None or component.scaling is not None:
        return None
    extra = (component.cost or 0.0) * replicas
    cost = f", +${extra:.2f}/h" if extra else ""
    why = f"{name} is {percent(used)} busy{cost}; users who wait less ask for more: a run tells"
    return f"--set {name}.replicas={2 * replicas}", why


def _as_scaled(result: RunResult, name: str, reaction_s: float) -> tuple[str, str] | None:
    """The replicas that a scaler asks for and a run has not seen; None if it asks for no others."""
    asked = {
        **asked_in_run(result.topology, result.document),
        **asked_on_paper(result.topology),
    }.get(name)
    if asked is None:
        return None
    why = (
        f"{name} follows the load and gets there after some {seconds(reaction_s)}; this run lasted"
    )
    return f"--set {name}.replicas={asked}", f"{why} {seconds(result.experiment.horizon_s)}"
