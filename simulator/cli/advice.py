"""The last block of the summary: commands worth typing next."""

from pathlib import Path

from simulator.studies.run import RunResult

TARGET_UTILIZATION = 0.7
DEFAULT_SEED = " --seed 42"


def next_lines(
    result: RunResult, topology: str, again: str, folder: Path | None
) -> list[tuple[str, str]]:
    """Labelled commands: what to try, where the report is, how to get the same again."""
    lines = []
    trial = _more_replicas(result)
    if trial is not None:
        name, now, more, utilization, extra = trial
        lines.append(("try", f"{again.removesuffix(DEFAULT_SEED)} --set {name}.replicas={more}"))
        cost = f", +${extra:.2f}/h" if extra else ""
        lines.append(("", f"on paper: {name} ρ {utilization:.2f} instead of {now:.2f}{cost}"))
    if folder is not None:
        lines.append(("report", str(folder / "index.html")))
    lines.append(("again", again))
    return lines


def _more_replicas(result: RunResult) -> tuple[str, float, int, float, float] | None:
    """A larger bottleneck, if the busiest component has replicas and is busy."""
    for row in result.paper.rows:
        component = result.topology.components[row.name]
        replicas = getattr(component, "replicas", None)
        if row.utilization is None or row.utilization < TARGET_UTILIZATION or replicas is None:
            continue
        more = int(replicas * row.utilization / TARGET_UTILIZATION) + 1
        utilization = row.utilization * replicas / more
        extra = (component.cost or 0.0) * (more - replicas)
        return row.name, row.utilization, more, utilization, extra
    return None
