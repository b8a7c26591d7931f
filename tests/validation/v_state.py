"""Keys over shards, and queues that build up and drain."""

from typing import Any

import numpy as np

from simulator.engine.replicate import Experiment, run_replication
from simulator.policies.spreading import bucket_of
from simulator.workload.arrival_process import Arrivals
from simulator.workload.arrivals.constant import Constant
from simulator.workload.arrivals.steady import Steady
from tests.validation.cases import Effort, Estimates, case, near, recordings, topology

Readings = np.ndarray[Any, Any]


@case(
    "V31",
    "Hot shard",
    system="1,000 keys with Zipf popularity, hashed to 16 shards: the largest share of the load, "
    "by the simulator's own hash; the last figure is a run with one of the assignments.",
    source="4,000 random assignments; equal shares would be 0.0625",
    expected={
        "largest share, Zipf 0": near(0.0768, 0.03),
        "largest share, Zipf 0.8": near(0.1241, 0.03),
        "largest share, Zipf 1": near(0.1882, 0.03),
        "largest share, Zipf 1.2": near(0.2781, 0.03),
        "busiest shard in a run over the share of its keys": near(1.0, 0.03),
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
    found["busiest shard in a run over the share of its keys"] = _busiest_shard(effort)
    return found


SHARDED = """
name: sharded
rate: 1000 rps
requests:
  query: {entry: database, attributes: {key: {zipf: {items: 1000, exponent: 1.0}}}}
components:
  database: {kind: database, shards: 16, shard_key: key, connections: 1000, query: 10ms}
"""


def _busiest_shard(effort: Effort) -> list[float]:
    weights = 1.0 / np.arange(1, 1001)
    shards = [bucket_of(key, 16) for key in range(1000)]
    share = np.bincount(shards, weights=weights / weights.sum()).max()
    return [
        float(run.meters["database"]["busiest_node_area"][-1])
        / float(run.meters["database"]["busy_area"][-1])
        / share
        for run in recordings(SHARDED, effort.length(100.0), effort)
    ]


DRAIN = """
name: drain
rate: 100 rps
requests: {event: {entry: topic}}
components:
  topic: {kind: broker, consumers: 150, steps: [{work: {exponential: 1s}}]}
faults:
  outage: [{at: 0s, for: 600s, target: topic, capacity: 100%}]
"""


PARTITIONS = """
name: partitions
rate: 100 rps
requests: {{event: {{entry: topic, attributes: {{key: {{choice: {{{hot}: 70%, {cold}: 30%}}}}}}}}}}
components:
  topic: {{kind: broker, consumers: 2, partitions: 2, key: key, steps: [{{work: {work_ms}ms}}]}}
faults:
  outage: [{{at: 0s, for: 600s, target: topic, capacity: 100%}}]
"""


def waiting_after_outage(
    text: str, arrivals: Arrivals, horizon_s: float, runs: int
) -> list[tuple[Readings, Readings]]:
    """Times and waiting messages of runs whose consumers are down at first."""
    design = topology(text)
    outage = tuple(design.faults["outage"])
    experiment = Experiment(design, arrivals, horizon_s, seed=1, faults=outage)
    found = [run_replication(experiment, number) for number in range(runs)]
    return [(run.times, run.meters["topic"]["queue"]) for run in found]


def gone_after(times: Readings, waiting: Readings) -> float:
    """When the backlog is gone (s after the outage): the line through its last three quarters."""
    falling = (times > 600.0) & (waiting > 0.02 * waiting.max())
    falling &= waiting < 0.75 * waiting.max()
    slope, level = np.polyfit(times[falling], waiting[falling], 1)
    return float(-level / slope) - 600.0


@case(
    "V40",
    "Backlog of consumers that were down",
    system="100 messages/s, consumers that could do 150/s are down for the first 600 s. Then a log "
    "of two partitions, one with 70 % of the messages, and a reader of 80 or 60/s for each.",
    source="fluid: 100 x 600 messages wait, and drain at 50/s in 1,200 s; a partition with share "
    "s drains only if s x rate is below its reader's rate",
    expected={
        "backlog when they are back": near(60_000.0, 0.01),
        "time until it is gone (s)": near(1200.0, 0.01),
        "partition with 70 %, reader of 80/s: gone after (s)": near(4200.0, 0.01),
        "partition with 70 %, reader of 60/s: grows by (1/s)": near(10.0, 0.01),
    },
)
def drain(effort: Effort) -> Estimates:
    runs = max(2, effort.replications // 2)
    pooled = waiting_after_outage(DRAIN, Steady(), 2400.0, runs)
    found = {
        "backlog when they are back": [float(waiting.max()) for _, waiting in pooled],
        "time until it is gone (s)": [gone_after(*series) for series in pooled],
    }
    hot, cold = "popular", "others"
    assert bucket_of(hot, 2) != bucket_of(cold, 2)

    def parted(reader_rate: float, horizon_s: float) -> list[tuple[Readings, Readings]]:
        text = PARTITIONS.format(hot=hot, cold=cold, work_ms=1e3 / reader_rate)
        return waiting_after_outage(text, Constant(), horizon_s, runs)

    if effort.full:
        found["partition with 70 %, reader of 80/s: gone after (s)"] = [
            gone_after(times[times <= 4700.0], waiting[times <= 4700.0])
            for times, waiting in parted(80.0, 5000.0)
        ]
    found["partition with 70 %, reader of 60/s: grows by (1/s)"] = [
        float(np.polyfit(times[times > 1200.0], waiting[times > 1200.0], 1)[0])
        for times, waiting in parted(60.0, 4000.0)
    ]
    return found
