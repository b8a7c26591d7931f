"""Keys over shards, and queues that build up and drain."""

import numpy as np

from simulator.policies.spreading import bucket_of
from tests.validation.cases import Effort, Estimates, case, near


@case(
    "V31",
    "Hot shard",
    system="1,000 keys with Zipf popularity, hashed to 16 shards: the largest share of the load.",
    source="4,000 random assignments; equal shares would be 0.0625",
    expected={
        "largest share, Zipf 0": near(0.0768, 0.03),
        "largest share, Zipf 0.8": near(0.1241, 0.03),
        "largest share, Zipf 1": near(0.1882, 0.03),
        "largest share, Zipf 1.2": near(0.2781, 0.03),
    },
)
def hot_shard(effort: Effort) -> Estimates:
    # New names for the keys make a new assignment by the simulator's own hash.
    assignments = [
        np.array([bucket_of(f"{draw}:{key}", 16) for key in range(1000)])
        for draw in range(effort.count(2000, least=300))
    ]
    found = {}
    for exponent in (0.0, 0.8, 1.0, 1.2):
        weights = np.arange(1, 1001) ** -exponent
        shares = weights / weights.sum()
        found[f"largest share, Zipf {exponent:g}"] = [
            float(np.bincount(shards, weights=shares, minlength=16).max()) for shards in assignments
        ]
    return found


DRAIN = """
name: drain
rate: 100 rps
requests: {event: {entry: topic}}
components:
  topic: {kind: broker, consumers: 150, steps: [{work: {exponential: 1s}}]}
faults:
  outage: [{at: 0s, for: 600s, target: topic, capacity: 100%}]
"""


@case(
    "V40",
    "Backlog of consumers that were down",
    system="100 messages/s, consumers that could do 150/s are down for the first 600 s.",
    source="fluid: 100 x 600 messages wait, and drain at 50/s in 1,200 s",
    expected={
        "backlog when they are back": near(60_000.0, 0.01),
        "time until it is gone (s)": near(1200.0, 0.02),
    },
)
def drain(effort: Effort) -> Estimates:
    from simulator.engine.replicate import Experiment, run_replication
    from simulator.workload.arrivals.steady import Steady
    from tests.validation.cases import topology

    design = topology(DRAIN)
    outage = tuple(design.faults["outage"])
    backlog, gone = [], []
    for number in range(max(2, effort.replications // 2)):
        experiment = Experiment(design, Steady(), horizon_s=2400.0, seed=1, faults=outage)
        run = run_replication(experiment, number)
        waiting, times = run.meters["topic"]["queue"], run.times
        backlog.append(float(waiting.max()))
        empty = np.flatnonzero((times > 600.0) & (waiting == 0))[0]
        gone.append(float(times[empty]) - 600.0)
    return {"backlog when they are back": backlog, "time until it is gone (s)": gone}
