"""The autoscaler against traces worked out by hand from its documentation."""

from collections.abc import Callable

from simulator.policies.horizontal import Behavior, Horizontal
from tests.validation.cases import Effort, Estimates, Expected, case

SYNC_S = 15.0

EXACT = {
    "a: 4 pods at 90": 8.0,
    "a: then at 75": 12.0,
    "a: then at 54 (ratio 1.08)": 12.0,
    "a: then at 20, recommended": 5.0,
    "a: after 285 s of 20": 12.0,
    "a: after 300 s of 20": 5.0,
    "b: 1 pod, 10x load, first": 5.0,
    "b: second": 10.0,
    "b: third": 10.0,
    "c: 80 pods, after 1 min": 72.0,
    "c: 2 min": 64.0,
    "c: 3 min": 57.0,
    "c: 4 min": 51.0,
    "c: 5 min": 45.0,
    "c: 6 min": 40.0,
    "c: 7 min": 36.0,
    "c: 8 min": 32.0,
    "c: 9 min": 28.0,
}


def follow(
    scaler: Horizontal, pods: int, ratio: Callable[[int], float], at: list[float]
) -> list[float]:
    """The number of pods after each decision; ``ratio`` of metric to target by pods."""
    counts = []
    for now in at:
        pods = scaler.decide(now, ratio(pods), pods)
        counts.append(float(pods))
    return counts


@case(
    "V38",
    "Traces of the horizontal pod autoscaler",
    system="Target 50, tolerance 10 %, default behaviour (a, b); 4 pods or 10 % a minute (c).",
    source="Kubernetes documentation, Horizontal Pod Autoscaling: algorithm and behavior",
    expected={name: Expected(value, 0.0) for name, value in EXACT.items()},
)
def autoscaler(effort: Effort) -> Estimates:
    scaler = Horizontal(1, 100)
    first = [
        scaler.decide(SYNC_S * number, metric / 50.0, pods)
        for number, (metric, pods) in enumerate([(90, 4), (75, 8), (54, 12)])
    ]
    quiet = [3 * SYNC_S + SYNC_S * number for number in range(21)]
    wanted = float(scaler.raw(20 / 50.0, 12))
    held = follow(scaler, 12, lambda pods: 20 / 50.0, quiet)
    # The last recommendation of 12 was made one period before the first of 5.
    last_twelve = 2 * SYNC_S
    by_age = {round(at - last_twelve): count for at, count in zip(quiet, held, strict=True)}

    growing = Horizontal(1, 100)
    grown = follow(growing, 1, lambda pods: 500.0 / pods / 50.0, [0.0, 15.0, 30.0])

    policies = [{"pods": 4, "period": "60s"}, {"percent": "10%", "period": "60s"}]
    down = Behavior.model_validate({"stabilization": "0s", "policies": policies})
    shrunk = follow(
        Horizontal(1, 100, down=down), 80, lambda pods: 0.01, [60.0 * n for n in range(1, 10)]
    )
    values = [*map(float, first), wanted, by_age[285], by_age[300], *grown, *shrunk]
    return {name: [value] for name, value in zip(EXACT, values, strict=True)}
