"""Models on GPUs that answer a batch in one pass."""

import numpy as np

from tests.validation.cases import Effort, Estimates, at_most, case, near, recordings

ALPHA_MS, TAU0_MS = 0.1438, 1.8874
LATENCY_MS = {0.3: 4.223, 0.5: 5.894, 0.7: 9.774, 0.9: 28.90}
BATCH = {0.3: 5.62, 0.5: 13.1, 0.7: 30.5, 0.9: 116.0}
POOL = """
name: pool
rate: {rate} rps
requests: {{request: {{entry: gpu}}}}
components:
  gpu:
    kind: gpu_pool
    gpu: t4
    batching: dynamic
    max_batch_size: 1000000
    pass_time: {{fixed: {fixed}ms, per_item: {each}ms}}
"""


def bound_ms(load: float) -> float:
    """Inoue's upper bound of the mean latency at a load of ``lambda * alpha``."""
    rate = load / ALPHA_MS
    first = 1.5 * TAU0_MS / (1.0 - load)
    first += (ALPHA_MS / 2.0) * (load + 2.0) / (1.0 - load**2)
    second = (ALPHA_MS + TAU0_MS) / (2.0 * (1.0 - load))
    second *= 1.0 + 2.0 * rate * TAU0_MS + (1.0 - rate * TAU0_MS) / (1.0 + load)
    return min(first, second)


@case(
    "V39",
    "Dynamic batching on a GPU",
    system="One GPU that takes all who wait when it is idle; a batch of b takes 0.1438 b + 1.8874 "
    "ms (measured on a V100); Poisson arrivals, load lambda x 0.1438 ms.",
    source="Inoue (2019, arXiv 1912.06322): constants and upper bound; means by simulation",
    expected={
        **{f"mean latency (ms), load {load}": near(v, 0.02) for load, v in LATENCY_MS.items()},
        **{f"mean batch, load {load}": near(value, 0.02) for load, value in BATCH.items()},
        **{f"mean latency (ms), load {load}, bound": at_most(bound_ms(load)) for load in BATCH},
    },
)
def v39(effort: Effort) -> Estimates:
    found: dict[str, list[float]] = {}
    for load, requests in ((0.3, 60_000), (0.5, 100_000), (0.7, 200_000), (0.9, 800_000)):
        rate = 1e3 * load / ALPHA_MS
        text = POOL.format(rate=rate, fixed=TAU0_MS, each=ALPHA_MS)
        for run in recordings(text, effort.length(requests / rate), effort):
            kept = run.requests["arrived"] > 0.1 * run.horizon_s
            mean_ms = 1e3 * float(run.requests["latency"][kept].mean())
            found.setdefault(f"mean latency (ms), load {load}", []).append(mean_ms)
            found.setdefault(f"mean latency (ms), load {load}, bound", []).append(mean_ms)
            # The items of a batch are done at the same moment.
            done = run.requests["arrived"][kept] + run.requests["latency"][kept]
            batches = len(np.unique(np.round(done, 8)))
            found.setdefault(f"mean batch, load {load}", []).append(kept.sum() / batches)
    return found
