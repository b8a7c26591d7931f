"""Caches, keys over shards, and queues that build up and drain."""

import numpy as np

from simulator.policies.eviction import store_of
from simulator.policies.spreading import bucket_of
from tests.validation.cases import Effort, Estimates, about, case, near, recordings

KEYS = 10_000
WARM_UP = 0.2
HIT_RATIOS = {
    (0.8, 100): {"lru": 0.1562, "fifo": 0.1337, "lfu": 0.2665, "clock": 0.1665,
                 "sieve": 0.2806, "s3fifo": 0.2760},
    (0.8, 1000): {"lru": 0.4362, "fifo": 0.3939, "lfu": 0.5180, "clock": 0.4496,
                  "sieve": 0.5458, "s3fifo": 0.5291},
    (1.0, 100): {"lru": 0.3915, "fifo": 0.3436, "lfu": 0.5000, "clock": 0.4055,
                 "sieve": 0.5122, "s3fifo": 0.5069},
    (1.0, 1000): {"lru": 0.6763, "fifo": 0.6317, "lfu": 0.7349, "clock": 0.6867,
                  "sieve": 0.7491, "s3fifo": 0.7381},
    (1.2, 100): {"lru": 0.6562, "fifo": 0.6037, "lfu": 0.7305, "clock": 0.6677,
                 "sieve": 0.7370, "s3fifo": 0.7320},
}  # fmt: skip
"""Measured with libcachesim 0.3.5: a million requests, the first 200,000 not counted."""


def zipf_keys(exponent: float, count: int, seed: int) -> list[int]:
    """Independent keys with Zipf popularity."""
    weights = np.arange(1, KEYS + 1) ** -exponent
    rng = np.random.default_rng(seed)
    return rng.choice(KEYS, size=count, p=weights / weights.sum()).tolist()


def hit_ratio(policy: str, capacity: int, keys: list[int]) -> float:
    """Share of hits after the warm-up."""
    store, hits, first = store_of(policy, capacity), 0, int(len(keys) * WARM_UP)
    for number, key in enumerate(keys):
        if store.get(key) is None:
            store.put(key, True)
        elif number >= first:
            hits += 1
    return hits / (len(keys) - first)


@case(
    "V30",
    "Hit ratio of cache policies",
    system="A cache of unit-sized items under independent requests, Zipf over 10,000 keys.",
    source="libcachesim 0.3.5 (one run of a million requests, seed 42); Che 2002 for LRU and FIFO",
    expected={
        f"Zipf {exponent:g}, {capacity} items, {policy}": about(ratio, 0.004)
        for (exponent, capacity), row in HIT_RATIOS.items()
        for policy, ratio in row.items()
    },
)
def cache_policies(effort: Effort) -> Estimates:
    # The table's own length counts: LFU with a tenth of the keys cached has not settled after a
    # million requests, so a shorter run would measure another point of its transient.
    runs = max(2, round(4 * effort.scale))
    found: dict[str, list[float]] = {}
    for exponent, capacity in HIT_RATIOS:
        for seed in range(runs):
            keys = zipf_keys(exponent, 1_000_000 if effort.scale >= 1.0 else 400_000, 42 + seed)
            for policy in HIT_RATIOS[exponent, capacity]:
                name = f"Zipf {exponent:g}, {capacity} items, {policy}"
                found.setdefault(name, []).append(hit_ratio(policy, capacity, keys))
    return found


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


STAMPEDE = """
name: stampede
rate: 100 rps
requests: {{read: {{entry: cache, attributes: {{key: {{constant: 1}}}}}}}}
components:
  cache: {{kind: cache, lookup: 0ms, key: key, ttl: 10s, {rules} on_miss: [{{call: origin}}]}}
  origin: {{kind: delay, latency: 200ms}}
"""


@case(
    "V32",
    "Cache stampede on one key",
    system="One key, 100 reads/s (Poisson), time to live 10 s, fetch from the origin 0.2 s.",
    source="renewal argument: a cycle of TTL + fetch + 1/rate, 1 + rate x fetch misses in it",
    expected={
        "fetches/s, every miss fetches": near(2.057, 0.02),
        "misses, every miss fetches": near(0.02057, 0.02),
        "fetches/s, one fetch per key": near(0.09794, 0.02),
        "misses that block, stale while revalidate": about(0.0, 0.00002),
        "fetches/s, stale while revalidate": near(0.09794, 0.02),
    },
)
def stampede(effort: Effort) -> Estimates:
    found: dict[str, list[float]] = {name: [] for name in (
        "fetches/s, every miss fetches", "misses, every miss fetches",
        "fetches/s, one fetch per key", "misses that block, stale while revalidate",
        "fetches/s, stale while revalidate",
    )}  # fmt: skip
    horizon = effort.length(20_000.0)

    def totals(rules: str) -> list[tuple[float, float, float]]:
        return [
            tuple(
                float(run.meters["cache"][meter][-1] - run.meters["cache"][meter][24])
                for meter in ("fetches_total", "misses_total", "served_total")
            )
            for run in recordings(STAMPEDE.format(rules=rules), horizon, effort)
        ]

    measured = 0.9 * horizon
    for fetches, misses, served in totals(""):
        found["fetches/s, every miss fetches"].append(fetches / measured)
        found["misses, every miss fetches"].append(misses / served)
    for fetches, _, _ in totals("coalesce: cache,"):
        found["fetches/s, one fetch per key"].append(fetches / measured)
    for fetches, misses, served in totals("stale_while_revalidate: 10s,"):
        found["misses that block, stale while revalidate"].append(misses / served)
        found["fetches/s, stale while revalidate"].append(fetches / measured)
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
