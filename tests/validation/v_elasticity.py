"""The autoscaler against traces worked out by hand from its documentation."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from simulator.policies.horizontal import Horizontal
from simulator.workload.arrival_process import Arrivals
from tests.validation.cases import Effort, Estimates, Expected, case, recordings

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


SCALED = """
name: scaled
rate: 1 rps
requests: {{session: {{entry: pods}}}}
components:
  pods:
    kind: service
    replicas: {pods}
    workers: 10000
    steps: [{{work: 14.5s}}]
    autoscale:
      {{max_replicas: 100, metric: queue, target: 50, sync_period: {sync}s, metric_lag: 0s,
        startup: 0s{more}}}
"""
SLOW_DOWN = (
    ", scale_down: {stabilization: 0s, policies: "
    "[{pods: 4, period: 60s}, {percent: 10%, period: 60s}]}"
)


def followed(text: str, sessions: list[int], sync_s: float) -> list[float]:
    """The number of pods after each decision, with so many sessions open at each."""
    with TemporaryDirectory() as folder:
        trace = Path(folder) / "sessions.csv"
        begins = [
            0.6 + SYNC_S * number for number, count in enumerate(sessions) for _ in range(count)
        ]
        trace.write_text("arrived\n" + "\n".join(map(str, [0.0, *begins])), encoding="utf-8")
        replay = Arrivals.pick({"kind": "replay", "file": str(trace), "repeat": False})
        horizon_s = sync_s * (len(sessions) + 1)
        run = next(recordings(text, horizon_s, Effort(1), arrivals=replay))
    after = sync_s * np.arange(1, len(sessions) + 1) + 0.7 * sync_s
    pods = run.meters["pods"]["replicas"]
    return [float(pods[place]) for place in np.searchsorted(run.times, after)]


@case(
    "V38",
    "Traces of the horizontal pod autoscaler",
    system="Target 50 sessions a pod, tolerance 10 %, default behaviour (a, b); 4 pods or 10 % a "
    "minute (c). The recommendation in (a) is the rule alone, the rest are runs.",
    source="Kubernetes documentation, Horizontal Pod Autoscaling: algorithm and behavior",
    expected={name: Expected(value, 0.0) for name, value in EXACT.items()},
)
def autoscaler(effort: Effort) -> Estimates:
    # Sessions per pod are the metric: 4 x 90, 8 x 75, 12 x 54, then 12 x 20.
    first = followed(SCALED.format(pods=4, sync=15, more=""), [360, 600, 648] + [240] * 21, SYNC_S)
    wanted = float(Horizontal(1, 100).raw(20 / 50.0, 12))
    # The last recommendation of 12 is the third; 300 s are 20 decisions.
    traces = [*first[:3], wanted, first[2 + 19], first[2 + 20]]
    grown = followed(SCALED.format(pods=1, sync=15, more=""), [500] * 3, SYNC_S)
    shrunk = followed(SCALED.format(pods=80, sync=60, more=SLOW_DOWN), [0] * 9, 60.0)
    return {name: [value] for name, value in zip(EXACT, [*traces, *grown, *shrunk], strict=True)}
